"""The doctor: what passes, what fails, and that each failure has a remedy."""

import json
import sys
from pathlib import Path

import pytest
from claimtwin.app import cli, doctor, doctor_machine
from claimtwin.app.doctor import Check
from claimtwin.app.jars import GIVEN
from claimtwin.errors import SparkFailure

MINE = f"{sys.version_info[0]}.{sys.version_info[1]}"


def test_this_machine_passes_without_a_session(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["doctor", "--no-session", "--json"])
    told = json.loads(capsys.readouterr().out)
    names = {check["name"] for check in told["checks"]}
    assert ended.value.code in (0, None)
    assert told["ok"]
    assert {"Java", "Worker python", "Versions", "Delta jars", "Memory", "Cores", "Temp space", "Time zone"} <= names


def test_a_failed_check_ends_with_5_and_json_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("JAVA_HOME", "/nowhere")
    with pytest.raises(SystemExit) as ended:
        cli.main(["doctor", "--json"])
    told = json.loads(capsys.readouterr().out)
    failed = [check for check in told["checks"] if check["outcome"] == "fail"]
    assert ended.value.code == 5
    assert not told["ok"]
    assert [check["name"] for check in failed] == ["Java"]
    assert "openjdk-17-jre-headless" in failed[0]["remedy"]


@pytest.mark.parametrize(
    ("spark", "delta", "outcome"),
    [
        ("4.2.0", "4.4.0", "pass"),
        ("4.1.1", "4.4.0", "note"),
        ("4.2.1", "4.4.0", "fail"),
        ("4.3.0", "4.4.0", "fail"),
        ("3.5.3", "3.3.0", "fail"),
        ("4.2.0", "4.3.0", "fail"),
        ("4.2.0", "", "fail"),
    ],
)
def test_spark_and_delta_must_fit(spark: str, delta: str, outcome: str) -> None:
    check = doctor_machine.judge_versions(spark, delta)
    assert check.outcome == outcome
    assert outcome == "pass" or "pyspark==4.2.0 delta-spark==4.4.0" in check.remedy


@pytest.mark.parametrize(("version", "outcome"), [(MINE, "pass"), ("3.9", "fail"), (None, "fail")])
def test_the_workers_python_must_be_the_drivers_and_have_pyarrow(version: str | None, outcome: str) -> None:
    check = doctor_machine.judge_worker("python", version)
    assert check.outcome == outcome
    assert outcome == "pass" or check.remedy


def test_a_worker_python_that_does_not_start_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYSPARK_PYTHON", "/nowhere/python")
    assert doctor_machine.check_worker_python().failed


def test_temp_space_that_cannot_be_written_to_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPARK_LOCAL_DIRS", "/nowhere")
    assert doctor_machine.check_temp_space().failed


@pytest.mark.parametrize(("gib", "outcome"), [(8, "pass"), (2.5, "note"), (1, "fail")])
def test_memory_is_judged_by_what_a_study_takes(monkeypatch: pytest.MonkeyPatch, gib: float, outcome: str) -> None:
    monkeypatch.setattr(doctor_machine, "_memory", lambda: int(gib * doctor_machine.GIB))
    assert doctor_machine.check_memory().outcome == outcome


def test_jars_that_were_named_wrongly_are_a_failed_check_with_the_errors_own_remedy(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(GIVEN, str(tmp_path))
    check = doctor.safely(doctor_machine.check_delta_jars)
    assert (check.name, check.outcome) == ("Delta jars", "fail")
    assert GIVEN in check.remedy


def test_an_error_in_a_check_becomes_a_failed_check() -> None:
    def check_the_weather() -> Check:
        raise SparkFailure("It rains.", where="outside", remedy="wait")

    assert doctor.safely(check_the_weather) == Check("The weather", "fail", "It rains. outside", "wait")


def test_the_table_shows_a_remedy_where_one_is_needed(capsys: pytest.CaptureFixture[str]) -> None:
    doctor.print_table([Check("One", "pass", "fine", "nothing to do"), Check("Two", "fail", "bad", "mend it")])
    shown = capsys.readouterr().out
    assert "mend it" in shown
    assert "nothing to do" not in shown
