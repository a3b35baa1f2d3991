"""The command line: configuration before Spark, one screen for each error, exit codes, nothing of the data."""

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from claimtwin.app import boundary, cli, running
from claimtwin.errors import ConfigError, GuardError, InputError, SparkFailure
from py4j.protocol import Py4JError
from pyspark.errors import AnalysisException, PythonException

from tests.house.rules import ROOT

CANARY = "CANARY-123-45-6789"
RUN = ["run", "--study", "jpr_s412081", "--env", "local"]


def end_of(words: list[str]) -> int:
    with pytest.raises(SystemExit) as ended:
        cli.main(words)
    return int(ended.value.code or 0)


@pytest.fixture
def no_spark(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(settings: dict[str, str], say: object) -> None:
        raise AssertionError("Spark was started")

    monkeypatch.setattr(running, "start", refuse)


@pytest.fixture
def fake_spark(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "start", lambda settings, say: SimpleNamespace(name="spark"))


def test_help_comes_without_importing_spark() -> None:
    asked = "import sys, claimtwin.app.cli; sys.exit('pyspark' in sys.modules or 'numpy' in sys.modules)"
    assert (
        subprocess.run([sys.executable, "-c", asked], env={**os.environ, "PYTHONPATH": str(ROOT / "lib")}).returncode
        == 0
    )


@pytest.mark.parametrize("command", sorted(c.callback.__name__ for c in cli.app.registered_commands if c.callback))
def test_the_help_of_each_command_gives_an_example_and_the_exit_codes(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert end_of([command, "--help"]) == 0
    shown = capsys.readouterr().out
    assert f"Example: claimtwin {command}" in shown
    assert "Exit codes: 0 done" in shown


def test_the_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert end_of(["--version"]) == 0
    assert capsys.readouterr().out.startswith("claimtwin ")


def test_all_faults_of_both_files_are_shown_before_spark_starts(
    tmp_path: Path, no_spark: None, capsys: pytest.CaptureFixture[str]
) -> None:
    env = tmp_path / "env.yaml"
    env.write_text("tabels: here\noutput: there\n")
    assert end_of(["run", "--study", "nobody", "--env", str(env), "--set", "study.x"]) == 2
    shown = capsys.readouterr().err
    assert all(word in shown for word in ("tabels", "did you mean 'tables'", "nobody: no such file", "--set study.x"))
    assert "Traceback" not in shown


@pytest.mark.parametrize(
    "words",
    [
        [*RUN, "--ingest", "contract"],
        [*RUN, "--ingest", "sas", "--input", "x"],
        ["ingest", "--format", "sas", "--input", "x", "--env", "local"],
        ["frobnicate"],
        ["pack"],
    ],
)
def test_a_mistyped_command_line_ends_with_2(words: list[str], no_spark: None) -> None:
    assert end_of(words) == 2


def test_the_configuration_is_printed_whole_and_as_yaml(no_spark: None, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["config", "--study", "jpr_s412081", "--env", "local", "--set", "study.matching.caliper_sd=0.1"]
    assert end_of(words) == 0
    shown = capsys.readouterr().out
    read = yaml.safe_load(shown)
    assert read["study"]["matching"]["caliper_sd"] == 0.1
    assert read["env"]["door"]["max_rows"] == 2_000_000
    assert shown.count("sha256 ") == 2


def test_a_whole_study_ends_with_the_report_and_the_hash(
    fake_spark: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from claimtwin.study import files, pipeline

    result = SimpleNamespace(folder=Path("results/jpr"), hash="abc")
    monkeypatch.setattr(pipeline, "run_study", lambda spark, protocol, env, say, unblind: result)
    monkeypatch.setattr(files, "check_files", lambda protocol, env: None)
    assert end_of(RUN) == 0
    assert capsys.readouterr().out == "report: results/jpr/report.html\nhash: abc\n"


@pytest.mark.parametrize(
    "job", ["synth", "ingest", "validate", "pack", "facts", "histories", "match", "report", "study"]
)
def test_each_job_is_the_command_of_its_name(job: str) -> None:
    command = "run" if job == "study" else job
    done = subprocess.run([sys.executable, ROOT / "jobs" / f"run_{job}.py", "--help"], capture_output=True, text=True)
    assert done.returncode == 0
    assert f"Usage: claimtwin {command} " in done.stdout


def fails_with(error: Exception, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    def work() -> None:
        raise error

    code = boundary.run_guarded(work)
    return code, capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConfigError("a"), 2),
        (InputError("a"), 3),
        (GuardError("a"), 4),
        (SparkFailure("a"), 5),
        (PermissionError(13, "Permission denied", "results"), 2),
        (KeyboardInterrupt(), 130),
    ],
)
def test_each_kind_of_error_has_its_exit_code(error: Exception, code: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert fails_with(error, capsys)[0] == code


def test_an_error_is_one_screen_of_four_parts(capsys: pytest.CaptureFixture[str]) -> None:
    _, shown = fails_with(
        InputError("A column is missing.", "medical_claim.claim_id", "the contract", "map it"), capsys
    )
    assert shown.splitlines() == [
        "A column is missing.",
        "where: medical_claim.claim_id",
        "rule:  the contract",
        "do:    map it",
    ]


@pytest.mark.parametrize(
    ("error", "code", "told"),
    [
        (ValueError(CANARY), 1, "This is a fault in Claimtwin: ValueError"),
        (KeyError(CANARY), 1, "This is a fault in Claimtwin: KeyError"),
        (AnalysisException(f"[CAST_INVALID_INPUT] The value '{CANARY}' is bad"), 5, "CAST_INVALID_INPUT"),
        (Py4JError(f"An error occurred while calling o5.save.\n: a.b.C: [BAD_THING.SUB] {CANARY}"), 5, "BAD_THING.SUB"),
        (Py4JError(f"no condition, but [{CANARY}]"), 5, "Py4JError"),
        (PythonException(f"Traceback\n  File x\nValueError: {CANARY}"), 5, "PythonException"),
    ],
)
def test_a_message_that_may_hold_data_is_never_shown(
    error: Exception, code: int, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    ended, shown = fails_with(error, capsys)
    assert ended == code
    assert told in shown
    assert "CANARY" not in shown
    assert "Traceback" not in shown


def test_a_fault_of_ours_names_the_place_in_our_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert "where: claimtwin.app.boundary:" in fails_with(ZeroDivisionError(), capsys)[1]


def test_an_error_of_ours_comes_back_whole_from_a_worker(capsys: pytest.CaptureFixture[str]) -> None:
    raised = InputError("A key is there twice.", "medical_claim", "one row a key", "see rejected_medical_claim")
    text = f"Traceback:\n  File x, line 1\nclaimtwin.errors.InputError: {raised}\n\n\tat org.apache.spark {CANARY}"
    code, shown = fails_with(PythonException(text), capsys)
    assert (code, shown) == (3, f"{raised}\n")


def test_only_debugging_writes_the_whole_story_and_warns_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    fails_with(ValueError(CANARY), capsys)
    assert not list(tmp_path.iterdir())
    monkeypatch.setenv("CLAIMTWIN_DEBUG", "1")
    _, shown = fails_with(ValueError(CANARY), capsys)
    assert CANARY in (tmp_path / boundary.LOG).read_text()
    assert "may hold data" in shown
