"""One session factory for laptop, tests, notebook, spark-submit and Databricks.

A session that exists, or one that ``spark-submit`` or Spark Connect decides on, is used as it is: only settings of the
session are changed, and one that is refused is reported, not fatal. Only a local session is ours to shape.
"""

import logging
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from claimtwin.app.boundary import condition_of
from claimtwin.app.debug import debugging
from claimtwin.app.jars import DELTA, Jars, cannot_be_had, which_jars
from claimtwin.app.java import require_java
from claimtwin.app.quiet import hush_pyspark, quietly
from claimtwin.errors import SparkFailure

log = logging.getLogger("claimtwin")

DELTA_SETTINGS = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
}
# May be changed in a running session; the answer depends on the first two.
SESSION_SETTINGS = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",
    "spark.sql.execution.arrow.pythonUDF.columnarInput.enabled": "false",
    "spark.sql.execution.arrow.maxBytesPerBatch": "8m",
    "spark.sql.shuffle.orderIndependentChecksum.enabled": "true",
    "spark.sql.shuffle.orderIndependentChecksum.enableFullRetryOnMismatch": "true",
}
# Only at the start of a JVM. Spark's own log lines can hold values of the data, so they are not written.
START_SETTINGS = {
    "spark.driver.maxResultSize": "256m",
    "spark.redaction.regex": "(?i)secret|password|passwd|token|access[.]?key|credential|apikey|account[.]key|pw=|jdbc:",
    "spark.log.level": "FATAL",
    "spark.ui.showConsoleProgress": "false",
}
LOCAL_SETTINGS = {
    # Cells of many people are larger than the regions of the collector that Java would choose.
    "spark.driver.extraJavaOptions": "-XX:+UseParallelGC",
    "spark.ui.enabled": "false",
    "spark.driver.memory": "1g",
    "spark.sql.shuffle.partitions": str(max(4, os.cpu_count() or 1)),
    "spark.databricks.delta.snapshotPartitions": "2",
}
# Spark's own numbers are for a cluster; on one machine they make a small study wait for hundreds of empty tasks.
CLUSTER_DEFAULTS = {
    "spark.sql.shuffle.partitions": ("200", ""),
    "spark.databricks.delta.snapshotPartitions": ("50", ""),
}
UTC = ("UTC", "Etc/UTC", "GMT", "Z")
EVERYWHERE = {**DELTA_SETTINGS, **SESSION_SETTINGS, **START_SETTINGS}


def get_session(settings: dict[str, str] | None = None) -> SparkSession:
    """The session that exists, else the one that the surroundings ask for, else a local one.

    Args:
        settings: Spark settings of the user (``spark`` in env.yaml); they win over ours.

    Raises:
        SparkFailure: No Java, no Delta JARs, a Spark that does not start, or a session without Delta or UTC.
    """
    hush_pyspark()
    told = settings or {}
    active = SparkSession.getActiveSession()
    if active is not None:
        return _adopt(active, told)
    if decided_elsewhere():
        return _adopt(_with_local_partitions(_build(told)), told)
    return _local(told)


def decided_elsewhere() -> bool:
    """Whether ``spark-submit`` has started the JVM already, or a Spark Connect address is set."""
    return "PYSPARK_GATEWAY_PORT" in os.environ or "SPARK_REMOTE" in os.environ


def local_settings(told: Mapping[str, str], jars: Jars) -> dict[str, str]:
    """All settings of a session that we start: ours for everywhere, ours for local masters, then the user's."""
    master = told.get("spark.master") or os.environ.get("SPARK_MASTER") or "local[*]"
    shape = LOCAL_SETTINGS if master.startswith("local") else {}
    return {"spark.master": master, "spark.app.name": "claimtwin", **EVERYWHERE, **shape, **told, **jars.settings}


def _local(told: Mapping[str, str]) -> SparkSession:
    require_java()
    jars = which_jars(told)
    settings = local_settings(told, jars)
    if settings["spark.master"].startswith("local"):
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
        os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    if debugging():
        settings["spark.log.level"] = "WARN"
    with quietly() as said:
        try:
            return _build(settings)
        except Exception as error:
            raise _no_start(said.text(), jars, settings["spark.master"]) from error


def _build(settings: Mapping[str, str]) -> SparkSession:
    builder = SparkSession.builder
    for key, value in settings.items():
        builder = builder.config(key, value)
    return builder.getOrCreate()


def _with_local_partitions(spark: SparkSession) -> SparkSession:
    """A session that spark-submit began with a local master: partitions for one machine, unless the user chose some."""
    if setting(spark, "spark.master").startswith("local"):
        for key, untouched in CLUSTER_DEFAULTS.items():
            if setting(spark, key) in untouched:
                _try_setting(spark, key, LOCAL_SETTINGS[key])
    return spark


def _no_start(said: str, jars: Jars, master: str) -> SparkFailure:
    if "unresolved dependenc" in said.lower() or "download failed" in said.lower():
        return cannot_be_had(jars)
    if "reserve enough space" in said or "Cannot allocate memory" in said:
        return SparkFailure(
            "Java could not have the memory it asked for.",
            where="spark.driver.memory",
            remedy="free memory, or set a smaller spark.driver.memory under `spark` in env.yaml (512m is the least)",
        )
    return SparkFailure(
        "Spark did not start.",
        where=f"spark.master = {master}",
        remedy="run `claimtwin doctor`; CLAIMTWIN_DEBUG=1 before the command shows what Java says",
    )


def _adopt(spark: SparkSession, told: Mapping[str, str]) -> SparkSession:
    for key, value in {**SESSION_SETTINGS, **told}.items():
        _try_setting(spark, key, value)
    if setting(spark, "spark.sql.session.timeZone") not in UTC:
        raise SparkFailure(
            "The session's time zone is not UTC, and could not be set.",
            where="spark.sql.session.timeZone",
            rule="days are the same days wherever a study runs",
            remedy="start the session or cluster with spark.sql.session.timeZone=UTC",
        )
    require_delta(spark)
    return spark


def _try_setting(spark: SparkSession, key: str, value: str) -> None:
    try:
        if setting(spark, key) != value:
            spark.conf.set(key, value)
    except PySparkException:
        log.warning("The session refused the setting %s; it stays as it is.", key)


def setting(spark: SparkSession, key: str) -> str:
    """Value of a setting in the session, Spark's default included; empty when there is none or it is not shown."""
    try:
        return spark.conf.get(key) or ""
    except PySparkException:
        return ""


def require_delta(spark: SparkSession) -> None:
    """Ask for a Delta table that does not exist: the kind of refusal tells whether Delta is there.

    Raises:
        SparkFailure: The session has no Delta, or has it without its two settings.
    """
    try:
        spark.read.format("delta").load("/claimtwin-no-such-table").schema  # noqa: B018
    except (PySparkException, Py4JError) as error:
        fault = _DELTA_FAULTS.get(condition_of(error))
        if fault:
            raise SparkFailure(
                fault,
                where="the Spark session this job was given",
                rule=f"{DELTA} on the classpath, and the two settings {' and '.join(DELTA_SETTINGS)}",
                remedy=f"`spark-submit --properties-file {shipped_defaults()} ...`, or the same on your cluster",
            ) from error


_DELTA_FAULTS = {
    "DATA_SOURCE_NOT_FOUND": "The session has no Delta.",
    "DELTA_CONFIGURE_SPARK_SESSION_WITH_EXTENSION_AND_CATALOG": "The session has Delta, but is not set up for it.",
}


def shipped_defaults() -> str:
    """Path of our ``spark-defaults.conf`` as a user can type it; its name alone when we run from an archive."""
    here = Path(__file__).resolve()
    for folder in (here.parents[1] / "conf", here.parents[3] / "conf"):
        if (folder / "spark-defaults.conf").is_file():
            return str(folder / "spark-defaults.conf")
    return "conf/spark-defaults.conf"
