"""docs/matching.md tells of every option under both of its names, and its pictures are those that the kernel makes."""

import ast
import inspect
import re
from pathlib import Path

import claimtwin
import matplotlib as mpl
import pytest
from claimtwin.app.match_command import match
from claimtwin.config.match_spec import MatchOptions, MatchSpec
from claimtwin.kernel.matching.accounting import REASONS

from docs.pictures.draw import HERE, draw_all
from tests.house.rules import ROOT
from tests.support.units import made_units

PAGE = (ROOT / "docs" / "matching.md").read_text(encoding="utf-8")
FILES = {"out", "balance", "unmatched", "blocks", "weights", "overwrite"}
OF_STUDY = {"units", "study", "env", "set"}


def unnamed(names: set[str], form: str) -> list[str]:
    return sorted(name for name in names if form.format(name) not in PAGE)


def test_every_option_is_told_under_both_names() -> None:
    fields = set(MatchSpec.model_fields)
    assert unnamed(fields, "`{}`") == []
    assert unnamed({name.replace("_", "-") for name in fields | FILES}, "`--{}") == []
    assert [reason for reason in REASONS[1:] if reason not in PAGE] == []


def test_command_and_python_have_the_same_options() -> None:
    fields = set(MatchSpec.model_fields)
    assert set(MatchOptions.__annotations__) == fields
    assert set(inspect.signature(match).parameters) == fields | FILES | OF_STUDY


def test_every_picture_is_on_the_page_and_drawn_by_the_kernel(tmp_path: Path) -> None:
    shown = set(re.findall(r"\]\(pictures/([a-z-]+\.svg)\)", PAGE))
    assert shown == {path.name for path in HERE.glob("*.svg")}
    draw_all(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == shown
    if mpl.__version__ != "3.11.2":
        pytest.skip("another matplotlib draws other bytes")
    assert [name for name in shown if (tmp_path / name).read_bytes() != (HERE / name).read_bytes()] == []


def test_the_python_of_the_page_runs() -> None:
    (block,) = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
    call = next(node for node in ast.walk(ast.parse(block)) if isinstance(node, ast.Call))
    assert ast.unparse(call.func) == "claimtwin.match"
    options = {str(word.arg): ast.literal_eval(word.value) for word in call.keywords}
    found = claimtwin.match(made_units().rename_columns({"person": "id"}), **options)
    named = re.findall(r"found\.(\w+)", block)
    assert set(named) | {"certified"} == set(vars(found))
    assert found.counts["matched"] > 20
