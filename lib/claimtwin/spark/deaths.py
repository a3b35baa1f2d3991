"""Deaths in a block's Arrow tables, and in a whole feed: whose are known, and which claims lie after them."""

from functools import reduce

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from claimtwin.kernel.columns import Days
from claimtwin.kernel.deaths import first_deaths, is_alive
from claimtwin.spark.columns import days_of, member_of

STARTS = {
    "medical_claim": "claim_start_date",
    "pharmacy_claim": "dispensing_date",
    "program_enrollment": "start_date",
}
PEOPLE = ("people", "died", "two_deaths")


def deaths_of(tables: dict[str, pa.Table]) -> Days | None:
    """Day of death of each member of a block (``kernel.deaths``); null where no span tells one."""
    spans = tables["eligibility"]
    if spans["death_date"].null_count == spans.num_rows:
        return None
    return first_deaths(tables["members"].num_rows, member_of(spans), days_of(spans, "death_date"))


def before_deaths(tables: dict[str, pa.Table]) -> dict[str, pa.Table]:
    """The same tables without lines and starts of a day after the person's death; nothing changes where none died.

    Such a line is misdated, or its death is: either way nobody had that care.
    """
    deaths = deaths_of(tables)
    if deaths is None:
        return tables
    lived = {
        name: is_alive(deaths, member_of(tables[name]), days_of(tables[name], day)) for name, day in STARTS.items()
    }
    kept = {
        name: tables[name].filter(pa.array(rows)).combine_chunks() for name, rows in lived.items() if not rows.all()
    }
    return {**tables, **kept}


def count_deaths(eligibility: DataFrame) -> DataFrame:
    """One row, ``PEOPLE``: persons, those with a day of death, and those with several different ones."""
    people = eligibility.groupBy("person_id").agg(F.count_distinct("death_date").alias("deaths"))
    return people.agg(
        F.count("*").alias("people"),
        F.count_if(F.col("deaths") > 0).alias("died"),
        F.count_if(F.col("deaths") > 1).alias("two_deaths"),
    )


def count_after_deaths(tables: dict[str, DataFrame], names: tuple[str, ...]) -> DataFrame:
    """One row a table: table, lines, and ``late``, those of a day after the person's (earliest) death."""
    died = tables["eligibility"].groupBy("person_id").agg(F.min("death_date").alias("death"))
    parts = [
        tables[name].join(died, "person_id", "left").agg(
            F.count("*").alias("lines"), F.count_if(F.col(STARTS[name]) > F.col("death")).alias("late")
        ).select(F.lit(name).alias("table"), "lines", "late")
        for name in names
    ]  # fmt: skip
    return reduce(DataFrame.unionAll, parts)
