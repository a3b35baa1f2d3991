"""Small functions, small files, and a docstring on everything public."""

from statistics import median

from tests.house.rules import code_files, faults_of, functions, length, undocumented

LONGEST_FUNCTION = 40
LONGEST_FILE = 300
MEDIAN_FUNCTION = 10


def too_long(text: str) -> list[str]:
    faults = [f"{f.name}: {length(f)} lines" for f in functions(text) if length(f) > LONGEST_FUNCTION]
    return faults + (["the file"] if len(text.splitlines()) >= LONGEST_FILE else [])


def test_every_module_and_its_functions_are_short() -> None:
    assert faults_of(lambda room, text: too_long(text)) == []


def test_everything_public_is_documented() -> None:
    # A Databricks notebook opens with a line of its own form, and says what it is in its first cell.
    assert faults_of(lambda room, text: [] if room == "notebooks" else undocumented(text)) == []


def test_most_functions_are_very_short() -> None:
    assert median(length(f) for path in code_files() for f in functions(path.read_text())) < MEDIAN_FUNCTION


def test_a_long_function_and_a_long_file_are_seen() -> None:
    assert too_long("def f():\n" + "    x = 1\n" * 40) == ["f: 41 lines"]
    assert too_long("x = 1\n" * 300) == ["the file"]


def test_a_docstring_is_not_counted_as_length() -> None:
    assert too_long('def f():\n    """One\n' + "\n" * 60 + '    """\n    return 1\n') == []


def test_a_missing_docstring_is_seen() -> None:
    text = '"""M."""\nclass A:\n    """A."""\n    def f(self): pass\n    def _g(self): pass\ndef h(): pass\n'
    assert undocumented(text) == ["line 4: f", "line 6: h"]
    assert undocumented("x = 1") == ["the module"]
