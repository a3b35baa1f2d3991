"""Counts by which a feed is judged before any study: each a compact frame without persons or dates."""

from functools import reduce

from pyspark.sql import Column as Cell
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from claimtwin.schema.tables import DIAGNOSES

OLDEST = 110
ICD10_FROM = "2015-10-01"
DAY = {"medical_claim": "claim_start_date", "pharmacy_claim": "dispensing_date"}
PEOPLE = ("people", "no_birth", "two_births", "too_old", "unknown_gender", "two_genders")
FILLS = ("fills", "no_supply", "zero_supply", "long_supply", "no_quantity")
SYSTEMS = ("lines_coded", "icd_10_early", "icd_9_late")


def count_people(eligibility: DataFrame) -> DataFrame:
    """One row, ``PEOPLE``: persons, and those whose birth or gender is missing, contradicts itself or is implausible.

    ``too_old``: older than 110 years when first enrolled.
    """
    first, birth = F.min("enrollment_start_date"), F.min("birth_date")
    known = F.when(F.col("gender") != "unknown", F.col("gender"))
    people = eligibility.groupBy("person_id").agg(
        birth.isNull().alias("no_birth"),
        (F.count_distinct("birth_date") > 1).alias("two_births"),
        F.coalesce(F.add_months(birth, 12 * OLDEST) < first, F.lit(False)).alias("too_old"),
        (F.count(known) == 0).alias("unknown_gender"),
        (F.count_distinct(known) > 1).alias("two_genders"),
    )
    return people.agg(F.count("*").alias("people"), *(F.count_if(name).alias(name) for name in PEOPLE[1:]))


def count_supply(fills: DataFrame) -> DataFrame:
    """One row, ``FILLS``: fills, and those without, with nought, or with more than 365 days' supply, or no quantity."""
    supply = F.col("days_supply")
    faults = (supply.isNull(), supply == 0, supply > 365, F.coalesce(F.col("quantity"), F.lit(0)) == 0)
    return fills.agg(
        F.count("*").alias("fills"),
        *(F.count_if(cell).alias(name) for cell, name in zip(faults, FILLS[1:], strict=True)),
    )


def count_orphans(claims: DataFrame, eligibility: DataFrame, table: str) -> DataFrame:
    """One row: table, lines, those of persons without enrolment, and those on a day that no span of theirs holds."""
    known = eligibility.select("person_id").distinct().withColumn("known", F.lit(True))
    spans = eligibility.select(
        F.col("person_id").alias("who"), F.col("enrollment_start_date").alias("start"),
        F.coalesce("enrollment_end_date", F.lit("9999-12-31").cast("date")).alias("stop"),
    )  # fmt: skip
    day = F.col(DAY[table])
    own = (F.col("person_id") == F.col("who")) & day.between(F.col("start"), F.col("stop"))
    outside = claims.join(spans, own, "left_anti").join(known, "person_id", "left")
    counted = outside.agg(F.count_if(F.col("known").isNull()).alias("nobody"), F.count("*").alias("outside"))
    total = claims.agg(F.count("*").alias("lines"))
    return total.crossJoin(counted).select(F.lit(table).alias("table"), "lines", "nobody", "outside")


def count_systems(medical: DataFrame) -> DataFrame:
    """One row, ``SYSTEMS``: lines with a coding system, ICD-10 before its first day of use, ICD-9 from then on."""
    system, day = F.col("diagnosis_code_type"), F.col("claim_start_date")
    first = F.lit(ICD10_FROM).cast("date")
    return medical.agg(
        F.count(system).alias("lines_coded"),
        F.count_if((system == "icd-10-cm") & (day < first)).alias("icd_10_early"),
        F.count_if((system == "icd-9-cm") & (day >= first)).alias("icd_9_late"),
    )


def count_months(claims: DataFrame, table: str) -> DataFrame:
    """One row per month of service and of payment: table, service, paid, lines; months as 12 x year + month - 1.

    ``paid`` is null for lines whose payment day is unknown.
    """
    keyed = claims.select(
        F.lit(table).alias("table"),
        _month(F.col(DAY[table])).alias("service"),
        _month(F.col("paid_date")).alias("paid"),
    )
    return keyed.groupBy("table", "service", "paid").agg(F.count("*").alias("lines"))


def count_employers(eligibility: DataFrame, fills: DataFrame) -> DataFrame:
    """One row per employer: people with pharmacy cover, their covered days, and fills of these people.

    Spans still open end with the last fill; spans of a person that overlap count twice. A person with two employers
    counts for both, and so do the fills.
    """
    covered = eligibility.where("pharmacy_coverage")
    last = fills.agg(F.max("dispensing_date").alias("last"))
    spans = covered.crossJoin(F.broadcast(last)).withColumn("stop", F.least("enrollment_end_date", "last"))
    days = spans.groupBy("employer_id").agg(
        F.count_distinct("person_id").alias("people"),
        F.sum(F.greatest(F.date_diff("stop", "enrollment_start_date") + 1, F.lit(0))).alias("days"),
    )
    owners = covered.select("person_id", "employer_id").distinct()
    filled = fills.select("person_id").join(owners, "person_id").groupBy("employer_id").agg(F.count("*").alias("fills"))
    return days.join(filled, "employer_id", "left").select(
        "employer_id",
        "people",
        F.coalesce("days", F.lit(0)).alias("days"),
        F.coalesce("fills", F.lit(0)).alias("fills"),
    )


def count_codes(medical: DataFrame, fills: DataFrame) -> DataFrame:
    """One row per kind and code: kind (a coding system, ``hcpcs`` or ``ndc``), code, lines."""
    diagnoses = medical.where(F.col("diagnosis_code_type").isNotNull()).select(
        F.col("diagnosis_code_type").alias("kind"),
        F.explode(F.array_distinct(F.array_compact(F.array(*DIAGNOSES)))).alias("code"),
    )
    procedures = medical.where(F.col("hcpcs_code").isNotNull()).select(
        F.lit("hcpcs").alias("kind"), F.col("hcpcs_code").alias("code")
    )
    drugs = fills.select(F.lit("ndc").alias("kind"), F.col("ndc_code").alias("code"))
    together = reduce(DataFrame.unionAll, [diagnoses, procedures, drugs])
    return together.groupBy("kind", "code").agg(F.count("*").alias("lines"))


def _month(day: Cell) -> Cell:
    return (F.year(day) * 12 + F.month(day) - 1).cast("int")
