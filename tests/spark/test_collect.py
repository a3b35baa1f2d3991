"""The one door: nothing that names people passes."""

import pytest
from claimtwin.errors import GuardError
from claimtwin.io.collect import collect_compact
from pyspark.sql import functions as F


def test_counts_by_named_groups_pass(spark):
    frame = spark.range(10).groupBy((F.col("id") % 2).cast("string").alias("arm")).agg(F.count("*").alias("n"))
    found = collect_compact(frame, ["arm", "n"], max_rows=2, text=["arm"])
    assert sorted(found["n"].to_pylist()) == [5, 5]


@pytest.mark.parametrize(
    ("column", "words"),
    [
        (lambda: F.lit("x").alias("person_id"), "names people"),
        (lambda: F.lit(1).alias("tie_key"), "names people"),
        (lambda: F.lit("2020-01-01").cast("date").alias("day"), "is a date"),
        (lambda: F.lit("2020-01-01").cast("timestamp").alias("day"), "is a date"),
        (lambda: F.lit("free text").alias("note"), "is text"),
        (lambda: F.array(F.lit("free text")).alias("notes"), "is text"),
    ],
)
def test_what_tells_of_people_is_refused(spark, column, words):
    frame = spark.range(1).select("id", column())
    with pytest.raises(GuardError, match=words):
        collect_compact(frame, frame.columns, max_rows=10)


def test_a_column_that_slipped_in_is_refused(spark):
    with pytest.raises(GuardError, match="'extra' was not asked for"):
        collect_compact(spark.range(1).withColumn("extra", F.lit(1)), ["id"], max_rows=10)


def test_too_many_rows_are_an_error_and_not_a_cut(spark):
    with pytest.raises(GuardError, match="More than 5 rows"):
        collect_compact(spark.range(6), ["id"], max_rows=5)
