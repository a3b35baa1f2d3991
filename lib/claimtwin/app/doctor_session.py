"""The doctor's checks of a session: it starts, is set as it must be, and does Delta and Arrow for real."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from claimtwin.app.doctor import Check
from claimtwin.app.session import (
    DELTA_SETTINGS,
    EVERYWHERE,
    SESSION_SETTINGS,
    UTC,
    decided_elsewhere,
    get_session,
    setting,
)
from claimtwin.errors import ClaimtwinError
from claimtwin.io.tables import TableRef, read_table, write_table

ZONE = "spark.sql.session.timeZone"


def will_be_set() -> list[Check]:
    """What a session of ours will have; said without starting one."""
    if decided_elsewhere():
        return [Check("Session", "note", "spark-submit or Spark Connect decides it", "`claimtwin doctor --session`")]
    others = f"{len(EVERYWHERE)} settings, to be checked in a running session"
    return [
        Check("Time zone", "pass", f"{EVERYWHERE[ZONE]}, set when a session starts"),
        Check("Settings", "note", others, "`claimtwin doctor` without --no-session checks them"),
    ]


def check_session() -> list[Check]:
    """Start a session, or take the one there is, and check it."""
    try:
        spark = get_session()
    except ClaimtwinError as error:
        return [Check("Session", "fail", f"{error.what} {error.where}", error.remedy)]
    return [check_zone(spark), check_settings(spark), check_round_trip(spark)]


def check_zone(spark: SparkSession) -> Check:
    """Days are cut at midnight UTC."""
    zone = setting(spark, ZONE)
    return Check("Time zone", "pass" if zone in UTC else "fail", zone, f"start the session with {ZONE}=UTC")


def check_settings(spark: SparkSession) -> Check:
    """The settings that the answer, or its safety, depends on."""
    wrong = [key for key, value in SESSION_SETTINGS.items() if key != ZONE and setting(spark, key) != value]
    if not wrong:
        return Check("Settings", "pass", "ANSI, checksums of shuffles and the others are as they must be")
    remedy = "start the session with " + " ".join(f"--conf {key}={SESSION_SETTINGS[key]}" for key in wrong)
    return Check("Settings", "fail", f"not as they must be: {', '.join(wrong)}", remedy)


def check_round_trip(spark: SparkSession) -> Check:
    """Three rows go through a Python worker into a Delta table and come back."""
    with tempfile.TemporaryDirectory() as folder:
        table = TableRef(str(Path(folder) / "doctor"))
        try:
            write_table(spark.range(3).mapInArrow(_same, "id bigint"), table)
            rows = read_table(spark, table, made_by="claimtwin doctor").count()
        except PySparkException as error:
            remedy = f"see {' and '.join(DELTA_SETTINGS)}; CLAIMTWIN_DEBUG=1 shows more"
            return Check("Delta", "fail", f"{type(error).__name__}: {error.getCondition()}", remedy)
    remedy = "report it: what was written is not what was read"
    return Check("Delta", "pass" if rows == 3 else "fail", f"{rows} of 3 rows written and read", remedy)


def _same(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    yield from batches
