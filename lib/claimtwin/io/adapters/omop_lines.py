"""Medical lines out of OMOP's conditions, procedures, and drugs coded as procedures; see docs/omop.md.

A procedure is a line; the diagnoses of its visit and day stand on it. Diagnoses that no such line can hold, because
they are of another day or coding system or more than a line has room for, are lines of their own. What has no usable
code or cannot be read is a line too, which the contract refuses with its reason: nothing is lost unseen.
"""

from functools import reduce

from pyspark.sql import Column as Cell
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from claimtwin.io.adapters.omop_cells import day_of, id_of, plain, with_vocabulary, word
from claimtwin.schema.feed import CORRUPT
from claimtwin.schema.tables import DIAGNOSES

PLACES = {"9201": "21", "9203": "23", "262": "23"}
"""Place of service of inpatient, emergency, and emergency then inpatient visits; an outpatient visit tells none."""
SYSTEMS = {"ICD10CM": "icd-10-cm", "ICD9CM": "icd-9-cm"}
PROCEDURES = ("CPT4", "HCPCS")
CODED = ("condition_occurrence", "procedure_occurrence")
NO_SYSTEM = "no vocabulary"
"""What the contract is told, and refuses, of a condition whose source concept is in no vocabulary of diagnoses."""
OWN, SERVICE, REFUSED = range(3)
"""Lines of a claim in their order: diagnoses of their own, services, what will be refused."""
SAME_DAY = ["claim_id", "person_id", "day"]
WORDS = ("event_id", "source_value", "source_concept_id", "concept_id")
"""Columns of a service or condition that a refused line keeps beside those of the contract."""


def lines_of(tables: dict[str, DataFrame]) -> DataFrame:
    """One row a line, in the contract's columns, with ``WORDS`` and ``CORRUPT``; lines are numbered within a claim."""
    events = _events(tables)
    is_coded = F.col("vocabulary").isin(*SYSTEMS)
    is_whole = F.col(CORRUPT).isNull() & F.try_to_date("day").isNotNull() & (F.col("code") != "")
    is_condition = is_coded | (F.col("kind") == "condition_occurrence")
    services = events.where(~is_condition).withColumn(
        "hcpcs", F.when(F.col("vocabulary").isin(*PROCEDURES), F.col("code"))
    )
    faulty = events.where(is_condition & ~F.coalesce(is_coded & is_whole, F.lit(False)))
    diagnoses = _diagnoses(events.where(is_coded & is_whole))
    together = [_served(services, diagnoses), _alone(services, diagnoses), _faulty(faulty)]
    lines = reduce(DataFrame.unionByName, together)
    place = tables["visit_occurrence"].select(
        id_of("visit_occurrence_id", "visit"), word("visit_concept_id", PLACES, None).alias("place_of_service_code")
    )
    return lines.join(place, "visit", "left").select(*_columns())


def _diagnoses(coded: DataFrame) -> DataFrame:
    """One row for as many diagnoses of one visit, day and system as a line holds: ``system``, ``codes``, ``part``.

    ``part`` 0 is that of the coding system of the first of the day; codes are in the order of table and id.
    """
    told = F.array_sort(F.collect_set(F.struct("kind", "number", "vocabulary", "code"))).alias("told")
    days = coded.groupBy(*SAME_DAY).agg(told, F.min("visit").alias("visit"))
    systems = F.array_distinct(F.transform("told", lambda one: one["vocabulary"]))
    by_system = days.select("*", F.posexplode(systems).alias("rank", "vocabulary"))
    same = F.filter("told", lambda one: one["vocabulary"] == F.col("vocabulary"))
    listed = by_system.withColumn("all", F.array_distinct(F.transform(same, lambda one: one["code"])))
    last = F.floor((F.size("all") - 1) / len(DIAGNOSES)).cast("int")
    parts = listed.select("*", F.explode(F.sequence(F.lit(0), last)).alias("chunk"))
    return parts.select(
        *SAME_DAY, "visit", F.try_element_at(_systems(), F.col("vocabulary")).alias("system"),
        F.slice("all", F.col("chunk") * len(DIAGNOSES) + 1, len(DIAGNOSES)).alias("codes"),
        F.struct("rank", "chunk").alias("part"),
    )  # fmt: skip


def _systems() -> Cell:
    return F.create_map(*(F.lit(part) for pair in SYSTEMS.items() for part in pair))


def _is_first() -> Cell:
    return (F.col("part.rank") == 0) & (F.col("part.chunk") == 0)


def _served(services: DataFrame, diagnoses: DataFrame) -> DataFrame:
    """Services with the first diagnoses of their visit and day."""
    first = diagnoses.where(_is_first()).select(*SAME_DAY, "system", "codes")
    return services.join(first, SAME_DAY, "left").select(*_parts(SERVICE, F.col("kind"), F.col("number")))


def _alone(services: DataFrame, diagnoses: DataFrame) -> DataFrame:
    """Diagnoses that stand on no service."""
    carried = services.select(*SAME_DAY, F.lit(True).alias("served")).distinct()
    rest = diagnoses.join(carried, SAME_DAY, "left").where(~(_is_first() & F.coalesce("served", F.lit(False))))
    bare = rest.withColumn("hcpcs", F.lit(None).cast("string"))
    return _without_words(bare).select(*_parts(OWN, F.lit(""), F.lit(0).cast("bigint")))


def _faulty(events: DataFrame) -> DataFrame:
    """One line a condition without a usable code, day or line; its system is the vocabulary it has, or none."""
    known = F.try_element_at(_systems(), F.col("vocabulary"))
    told = F.coalesce(known, F.nullif(F.col("vocabulary"), F.lit("")), F.lit(NO_SYSTEM))
    rows = events.withColumns({"system": told, "codes": F.array("code"), "hcpcs": F.lit(None).cast("string")})
    return rows.select(*_parts(REFUSED, F.col("kind"), F.col("number")))


def _parts(order: int, kind: Cell, number: Cell) -> list[Cell | str]:
    """Columns of all kinds of lines before they are numbered."""
    part = F.col("part") if order == OWN else F.struct(F.lit(0).alias("rank"), F.lit(0).alias("chunk"))
    place = F.struct(F.lit(order).alias("order"), kind.alias("kind"), number.alias("number"), part.alias("part"))
    return [*SAME_DAY, "visit", "hcpcs", "system", "codes", place.alias("place"), *WORDS, CORRUPT]


def _without_words(rows: DataFrame) -> DataFrame:
    return rows.withColumns({name: F.lit(None).cast("string") for name in (*WORDS, CORRUPT)})


def _columns() -> list[Cell | str]:
    """Columns of a medical line; lines of a claim are numbered by day, kind, table and id."""
    number = F.row_number().over(Window.partitionBy("claim_id").orderBy("day", "place"))
    return [
        F.col("claim_id"), number.alias("claim_line_number"), F.lit("visit").alias("data_source"), F.col("person_id"),
        F.col("day").alias("claim_start_date"), F.col("place_of_service_code"), F.col("hcpcs").alias("hcpcs_code"),
        F.col("system").alias("diagnosis_code_type"),
        *(F.get("codes", F.lit(k)).alias(name) for k, name in enumerate(DIAGNOSES)), *WORDS, CORRUPT,
    ]  # fmt: skip


def _events(tables: dict[str, DataFrame]) -> DataFrame:
    """Conditions, procedures, and drugs coded as procedures: claim, person, visit, day, code, vocabulary, table, id."""
    drugs = _event(tables, "drug_exposure", "drug_exposure_start_date")
    return reduce(
        DataFrame.unionAll,
        [
            _event(tables, "condition_occurrence", "condition_start_date"),
            _event(tables, "procedure_occurrence", "procedure_date"),
            drugs.where(F.col("vocabulary").isin(*PROCEDURES)),
        ],
    )


def _event(tables: dict[str, DataFrame], table: str, day: str) -> DataFrame:
    name = table.partition("_")[0]
    visit = F.nullif(plain("visit_occurrence_id"), F.lit(""))
    own = F.concat(F.lit(f"{table}-"), plain(f"{table}_id"))
    told = [F.col(column).cast("string") for column in (
        f"{table}_id", f"{name}_source_value", f"{name}_source_concept_id", f"{name}_concept_id")]  # fmt: skip
    return with_vocabulary(tables, table, f"{name}_source_concept_id").select(
        F.coalesce(visit, own).alias("claim_id"), id_of("person_id"), visit.alias("visit"), day_of(day, "day"),
        F.trim(f"{name}_source_value").alias("code"), "vocabulary", F.lit(table).alias("kind"),
        plain(f"{table}_id").try_cast("bigint").alias("number"),
        *(cell.alias(word) for cell, word in zip(told, WORDS, strict=True)), CORRUPT,
    )  # fmt: skip
