"""The OMOP Common Data Model 5.4: persons, periods, drugs, conditions and procedures as claims; docs/omop.md.

A code is what its source concept's vocabulary says, never what it looks like. Medical lines: ``omop_lines``.
"""

from functools import reduce

from pyspark.sql import Column as Cell
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from claimtwin.codes.concepts import CONCEPT_TABLES, PROCEDURE_KIND
from claimtwin.config.deployment import Ingest, TableName
from claimtwin.errors import InputError
from claimtwin.io.adapters.contract import find_table
from claimtwin.io.adapters.files import refuse_column_map
from claimtwin.io.adapters.omop_cells import day_of, id_of, plain, with_corrupt, with_vocabulary, word
from claimtwin.io.adapters.omop_lines import CODED, PROCEDURES, SYSTEMS, lines_of
from claimtwin.schema.feed import Feed, employer_of
from claimtwin.schema.tables import spark_schema

NEEDED = {
    "person": ("person_id", "gender_concept_id", "year_of_birth", "month_of_birth", "day_of_birth"),
    "observation_period": ("person_id", "observation_period_start_date", "observation_period_end_date"),
    "drug_exposure": ("drug_exposure_id", "person_id", "drug_exposure_start_date", "quantity", "days_supply",
                      "visit_occurrence_id", "drug_source_value", "drug_source_concept_id", "drug_concept_id"),
    "condition_occurrence": ("condition_occurrence_id", "person_id", "condition_start_date", "visit_occurrence_id",
                             "condition_source_value", "condition_source_concept_id", "condition_concept_id"),
    "procedure_occurrence": ("procedure_occurrence_id", "person_id", "procedure_date", "visit_occurrence_id",
                             "procedure_source_value", "procedure_source_concept_id", "procedure_concept_id"),
    "visit_occurrence": ("visit_occurrence_id", "visit_concept_id"),
    "concept": ("concept_id", "vocabulary_id"),
}  # fmt: skip
DEATH = ("person_id", "death_date")
"""Of the table ``death``, which a data set need not have."""
SEXES = {"8507": "male", "8532": "female"}


def read_omop(spark: SparkSession, settings: Ingest, source: str) -> list[Feed]:
    """The contract's tables out of OMOP tables; the roster is empty.

    Args:
        spark: The session.
        settings: ``delimiter`` and ``assign_employers`` are heeded; a column map is not.
        source: A folder or ``catalog.schema`` with the seven tables and, if there is one, ``death``, in the forms of
            ``--format contract``.

    Raises:
        ConfigError: A column map or constants are set.
        InputError: A table or a column is missing; all are named.
    """
    refuse_column_map(settings, "docs/omop.md")
    tables = _open(spark, settings, source)
    fills, lines = _fills(tables), lines_of(tables)
    return [
        _feed("eligibility", _spans(tables), settings, {n: tables[n] for n in ("observation_period", "death")}),
        _feed("medical_claim", lines, settings, {name: tables[name] for name in CODED}),
        _feed("pharmacy_claim", fills, settings, {"drug_exposure": tables["drug_exposure"]}),
        Feed("program_enrollment", spark.createDataFrame([], spark_schema("program_enrollment"))),
    ]


def concept_codes(spark: SparkSession, settings: Ingest, source: str) -> DataFrame:
    """One row a kind, concept and code: kind, concept_id, code as in the source, rows.

    Of every drug, condition and procedure both its standard and its source concept; 0 and empty cells are left out.
    The kind says what a claim makes of the code, by its vocabulary: ``hcpcs``, ``icd-9-cm``, ``icd-10-cm``; of other
    drugs ``ndc``. Other codes, such as procedures of ICD-9, stand on no claim and are left out.

    Raises:
        InputError: A table or a column is missing; all are named.
    """
    tables = _open(spark, settings, source)
    pairs = []
    for table in CONCEPT_TABLES:
        name = table.partition("_")[0]
        told = with_vocabulary(tables, table, f"{name}_source_concept_id")
        for concept in (f"{name}_concept_id", f"{name}_source_concept_id"):
            number, code = plain(concept).try_cast("bigint"), F.trim(f"{name}_source_value")
            rows = told.select(_kind(table).alias("kind"), number.alias("concept_id"), code.alias("code"))
            pairs.append(rows.where(F.col("kind").isNotNull() & (F.col("concept_id") != 0) & (F.col("code") != "")))
    together = reduce(DataFrame.unionAll, pairs)
    return together.groupBy("kind", "concept_id", "code").agg(F.count("*").alias("rows"))


def _kind(table: str) -> Cell:
    """Kind of a row's code, as the claims are made of it; null for a code that stands on no claim."""
    vocabulary = F.col("vocabulary")
    kind = F.when(vocabulary.isin(*PROCEDURES), F.lit(PROCEDURE_KIND))
    if table == "drug_exposure":
        return kind.otherwise(F.lit("ndc"))
    for name, system in SYSTEMS.items():
        kind = kind.when(vocabulary == name, F.lit(system))
    return kind


def _open(spark: SparkSession, settings: Ingest, source: str) -> dict[str, DataFrame]:
    found = {name: find_table(spark, settings, source, name) for name in NEEDED}
    faults = [f"no table {name}" for name, frame in found.items() if frame is None]
    opened = {name: frame for name, frame in found.items() if frame is not None}
    deaths = find_table(spark, settings, source, "death")
    opened["death"] = spark.createDataFrame([], "person_id string, death_date string") if deaths is None else deaths
    for name, frame in opened.items():
        needed = DEATH if name == "death" else NEEDED[name]
        faults += [f"{name}: column '{column}' is missing" for column in needed if column not in frame.columns]
    if faults:
        raise InputError(
            "The OMOP tables cannot be used: " + "; ".join(faults) + ".", source, "docs/omop.md",
            "give --input the folder or schema of an OMOP Common Data Model 5.4, with its source values and concepts",
        )  # fmt: skip
    return opened


def _feed(table: TableName, frame: DataFrame, settings: Ingest, counted: dict[str, DataFrame]) -> Feed:
    made_up = settings.assign_employers
    employer = employer_of(F.col("person_id"), made_up) if made_up else F.lit("none")
    return Feed(table, frame.withColumn("employer_id", employer), counted=counted, tells_corrupt=True)


def _spans(tables: dict[str, DataFrame]) -> DataFrame:
    """One row an observation period; it covers medical care and drugs."""
    person = tables["person"].select(
        id_of("person_id"), word("gender_concept_id", SEXES, "unknown").alias("gender"), _birth().alias("birth_date")
    )
    rows = with_corrupt(tables["observation_period"])
    periods = rows.select(
        id_of("person_id"), day_of("observation_period_start_date", "enrollment_start_date"),
        day_of("observation_period_end_date", "enrollment_end_date"), *_others(rows, ("person_id",)),
    )  # fmt: skip
    told = {"payer": "omop", "plan": "observation_period", "medical_coverage": "true", "pharmacy_coverage": "true"}
    constants = [F.lit(text).alias(name) for name, text in told.items()]
    people = person.join(_deaths(tables["death"]), "person_id", "left")
    return periods.join(people, "person_id", "left").select("*", *constants)


def _deaths(death: DataFrame) -> DataFrame:
    """One row a person with a death: the earliest day; a text that is no day where there is nothing else."""
    told = death.select(id_of("person_id"), day_of("death_date", "day"))
    earliest = F.min(F.try_to_date("day")).cast("string")
    return (
        told.where(F.col("day") != "").groupBy("person_id").agg(F.coalesce(earliest, F.min("day")).alias("death_date"))
    )


def _fills(tables: dict[str, DataFrame]) -> DataFrame:
    """One row a drug exposure that is no service: whatever its vocabulary, so that none is lost unseen."""
    drugs = with_vocabulary(tables, "drug_exposure", "drug_source_concept_id")
    return drugs.where(~F.col("vocabulary").isin(*PROCEDURES)).select(
        id_of("drug_exposure_id", "claim_id"), F.lit(1).alias("claim_line_number"),
        F.lit("drug_exposure").alias("data_source"), id_of("person_id"),
        day_of("drug_exposure_start_date", "dispensing_date"), F.trim("drug_source_value").alias("ndc_code"),
        F.col("quantity").cast("string").alias("quantity"), F.col("days_supply").cast("string").alias("days_supply"),
        *_others(drugs, ("person_id", "quantity", "days_supply", "vocabulary")),
    )  # fmt: skip


def _others(rows: DataFrame, taken: tuple[str, ...]) -> list[str]:
    """The source columns that a refused row keeps beside the contract's."""
    return [name for name in rows.columns if name not in taken]


def _birth() -> Cell:
    """Day of birth; without a month or day the first of what is known, so that nobody is taken for too young."""
    parts = [F.lpad(F.coalesce(F.nullif(plain(n), F.lit("")), F.lit(d)), w, "0") for n, d, w in (
        ("year_of_birth", "", 4), ("month_of_birth", "1", 2), ("day_of_birth", "1", 2))]  # fmt: skip
    return F.when(plain("year_of_birth") != "", F.concat_ws("-", *parts))
