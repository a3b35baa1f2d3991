"""The session factory's decisions, without starting Java: where JARs come from, which settings, what is refused."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from claimtwin.app import jars, java, quiet, session
from claimtwin.errors import SparkFailure
from py4j.protocol import Py4JError
from pyspark.errors import AnalysisException

from tests.house.rules import ROOT


@pytest.fixture(autouse=True)
def bare_surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "SPARK_HOME",
        "PYSPARK_SUBMIT_ARGS",
        "PYSPARK_GATEWAY_PORT",
        "SPARK_REMOTE",
        "SPARK_MASTER",
        jars.GIVEN,
    ):
        monkeypatch.delenv(name, raising=False)


def filled(folder: Path, names: tuple[str, ...] = jars.FILES) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).touch()
    return folder


def test_jars_on_the_classpath_need_no_setting(tmp_path: Path) -> None:
    found = jars.which_jars({"spark.jars.ivy": str(tmp_path)}, classpath=filled(tmp_path / "spark"))
    assert (found.how, found.settings) == ("classpath", {})


@pytest.mark.parametrize("key", ["spark.jars", "spark.jars.packages"])
def test_jars_given_by_a_setting_are_left_as_they_are(tmp_path: Path, key: str) -> None:
    found = jars.which_jars({key: "io.delta:delta-spark_4.2_2.13:4.4.0"}, classpath=tmp_path)
    assert (found.how, found.settings) == ("given", {})


def test_jars_given_by_a_folder_are_used_from_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(jars.GIVEN, str(filled(tmp_path / "mine")))
    found = jars.which_jars(classpath=tmp_path)
    assert found.how == "given"
    assert found.settings["spark.jars"].count(".jar") == len(jars.FILES)


def test_jars_of_an_earlier_fetch_are_used_together_with_the_users_own(tmp_path: Path) -> None:
    filled(tmp_path / "jars")
    found = jars.which_jars({"spark.jars.ivy": str(tmp_path), "spark.jars": "/a/mine.jar"}, classpath=tmp_path)
    assert found.how == "cache"
    assert found.settings["spark.jars"].split(",")[0] == "/a/mine.jar"
    assert found.settings["spark.jars"].count(",") == len(jars.FILES)


def test_a_cache_that_lacks_one_file_is_fetched_anew(tmp_path: Path) -> None:
    filled(tmp_path / "jars", jars.FILES[1:])
    found = jars.which_jars({"spark.jars.ivy": str(tmp_path), "spark.jars.packages": "a:b:1"}, classpath=tmp_path)
    assert found.how == "fetch"
    assert found.settings["spark.jars.packages"] == f"a:b:1,{jars.DELTA}"
    assert found.settings["spark.jars.ivy"] == str(tmp_path)


@pytest.mark.parametrize("named", ["/nowhere/a.jar", ""])
def test_named_jars_that_are_not_there_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: str) -> None:
    monkeypatch.setenv(jars.GIVEN, named or str(tmp_path))
    with pytest.raises(SparkFailure, match="cannot be used") as caught:
        jars.which_jars(classpath=tmp_path)
    assert jars.GIVEN in caught.value.where


def test_jars_that_cannot_be_fetched_are_told_with_artifact_places_and_remedy(tmp_path: Path) -> None:
    sought = jars.which_jars({"spark.jars.ivy": str(tmp_path)}, classpath=tmp_path)
    error = session._no_start(":: problems\n unresolved dependency: io.delta", sought, "local[*]")
    assert jars.DELTA in error.rule
    assert str(tmp_path) in error.where
    assert "claimtwin doctor --fetch" in error.remedy


def test_a_start_that_fails_for_memory_says_so(tmp_path: Path) -> None:
    sought = jars.which_jars(classpath=tmp_path)
    error = session._no_start("Could not reserve enough space for object heap", sought, "local[*]")
    assert error.where == "spark.driver.memory"


@pytest.mark.parametrize(
    ("text", "major"),
    [('openjdk version "17.0.15" 2025-04-15', 17), ('java version "1.8.0_392"', 8), ('openjdk version "21" 2023', 21)],
)
def test_the_major_version_of_java_is_read(text: str, major: int) -> None:
    assert java.read_version(text) == major


def test_no_java_is_told_with_the_command_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(SparkFailure, match="not found") as caught:
        java.require_java()
    assert "apt-get install -y openjdk-17-jre-headless" in caught.value.remedy


def test_an_old_java_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command = tmp_path / "bin" / "java"
    command.parent.mkdir()
    command.write_text("#!/bin/sh\necho 'openjdk version \"11.0.2\"' >&2\n")
    command.chmod(0o755)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(SparkFailure, match="cannot run Spark") as caught:
        java.require_java()
    assert "Java 11" in caught.value.where


def test_a_users_setting_wins_over_ours() -> None:
    told = session.local_settings({"spark.driver.memory": "3g"}, jars.Jars("classpath", ""))
    assert told["spark.driver.memory"] == "3g"
    assert told["spark.master"] == "local[*]"


def test_settings_for_a_laptop_stay_off_a_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPARK_MASTER", "yarn")
    told = session.local_settings({}, jars.Jars("classpath", ""))
    assert told["spark.master"] == "yarn"
    assert not set(session.LOCAL_SETTINGS) & set(told)
    assert told["spark.sql.session.timeZone"] == "UTC"


@pytest.mark.parametrize("name", ["PYSPARK_GATEWAY_PORT", "SPARK_REMOTE"])
def test_spark_submit_and_spark_connect_decide_for_themselves(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    assert not session.decided_elsewhere()
    monkeypatch.setenv(name, "1")
    assert session.decided_elsewhere()


def test_the_shipped_defaults_hold_what_a_session_of_ours_has() -> None:
    lines = (ROOT / "conf" / "spark-defaults.conf").read_text().splitlines()
    shipped = dict(line.split(maxsplit=1) for line in lines if line and not line.startswith("#"))
    assert shipped == {**session.EVERYWHERE, **jars.COORDINATES}


class Conf:
    """A session's settings, some of which it refuses to change."""

    def __init__(self, refused: set[str], **held: str) -> None:
        self.held, self.refused = held, refused

    def get(self, key: str) -> str | None:
        return self.held.get(key)

    def set(self, key: str, value: str) -> None:
        if key in self.refused:
            raise AnalysisException("[CANNOT_MODIFY_CONFIG] told at length")
        self.held[key] = value


class Given:
    """A session somebody else has started; reading Delta from it ends with the given error."""

    def __init__(self, conf: Conf, error: Exception) -> None:
        self.conf, self.error, self.read = conf, error, self

    def format(self, name: str) -> "Given":
        return self

    def load(self, path: str) -> "Given":
        raise self.error


def analysis(condition: str) -> AnalysisException:
    return AnalysisException(f"[{condition}] told at length")


THERE = analysis("DELTA_TABLE_NOT_FOUND")


def test_a_refused_setting_is_reported_and_not_fatal(caplog: pytest.LogCaptureFixture) -> None:
    conf = Conf({"spark.sql.ansi.enabled"})
    session._adopt(Given(conf, THERE), {"spark.sql.shuffle.partitions": "9"})
    assert "spark.sql.ansi.enabled" in caplog.text
    assert (conf.held["spark.sql.session.timeZone"], conf.held["spark.sql.shuffle.partitions"]) == ("UTC", "9")


LOCAL = {"spark.master": "local[2]", "spark.sql.shuffle.partitions": "200"}
CHOSEN = {**LOCAL, "spark.sql.shuffle.partitions": "12", "spark.databricks.delta.snapshotPartitions": "3"}
CLUSTER = {**LOCAL, "spark.master": "yarn"}


@pytest.mark.parametrize(
    ("held", "shuffle", "snapshot"),
    [
        (LOCAL, *map(session.LOCAL_SETTINGS.get, session.CLUSTER_DEFAULTS)),
        (CHOSEN, "12", "3"),
        (CLUSTER, "200", None),
    ],
)
def test_a_submitted_job_on_one_machine_has_partitions_for_one(
    held: dict[str, str], shuffle: str, snapshot: str | None
) -> None:
    conf = Conf(set(), **held)
    session._with_local_partitions(Given(conf, THERE))
    found = (conf.held["spark.sql.shuffle.partitions"], conf.held.get("spark.databricks.delta.snapshotPartitions"))
    assert found == (shuffle, snapshot)


def test_a_session_that_cannot_be_in_utc_is_refused() -> None:
    conf = Conf({"spark.sql.session.timeZone"}, **{"spark.sql.session.timeZone": "Asia/Tokyo"})
    with pytest.raises(SparkFailure, match="time zone"):
        session._adopt(Given(conf, THERE), {})


@pytest.mark.parametrize(
    "error",
    [
        analysis("DATA_SOURCE_NOT_FOUND"),
        analysis("DELTA_CONFIGURE_SPARK_SESSION_WITH_EXTENSION_AND_CATALOG"),
        Py4JError(
            "An error occurred while calling o1.load.\n: org.apache.spark.Gone: [DATA_SOURCE_NOT_FOUND] no delta"
        ),
    ],
)
def test_a_session_without_delta_is_refused_with_the_way_to_get_it(error: Exception) -> None:
    with pytest.raises(SparkFailure, match="The session has") as caught:
        session.require_delta(Given(Conf(set()), error))
    assert "--properties-file" in caught.value.remedy
    assert "spark-defaults.conf" in caught.value.remedy


def test_what_a_child_says_at_its_start_is_held_back_and_can_be_read() -> None:
    with quiet.quietly() as said:
        subprocess.run([sys.executable, "-c", "import os; os.write(2, b'noise')"], check=True)
        assert said.text() == "noise"


def test_the_screen_is_back_after_the_start(capfd: pytest.CaptureFixture[str]) -> None:
    with quiet.quietly():
        os.write(2, b"noise")
    os.write(2, b"heard")
    assert capfd.readouterr().err == "heard"
