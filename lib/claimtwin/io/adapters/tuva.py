"""The Tuva input layer: eligibility, medical_claim and pharmacy_claim under Tuva's names; docs/tuva.md.

Most columns have the contract's names and pass as they are; what is added stands beside the feed's own columns, so
that a refused row still shows all of them.
"""

from collections.abc import Iterable
from itertools import chain

from pyspark.sql import Column as Cell
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

from claimtwin.codes.states import state_names
from claimtwin.config.deployment import Ingest, TableName
from claimtwin.errors import InputError
from claimtwin.io.adapters.contract import find_table
from claimtwin.io.adapters.files import refuse_column_map
from claimtwin.schema.feed import CORRUPT, Feed, employer_of
from claimtwin.schema.tables import spark_schema

TABLES: tuple[TableName, ...] = ("eligibility", "medical_claim", "pharmacy_claim")
NEEDED = {
    "eligibility": ("person_id", "payer", "plan", "enrollment_start_date", "enrollment_end_date", "birth_date",
                    "gender", "state"),
    "medical_claim": ("claim_id", "claim_line_number", "data_source", "person_id", "claim_start_date",
                      "claim_end_date", "hcpcs_code", "diagnosis_code_type", "diagnosis_code_1", "allowed_amount"),
    "pharmacy_claim": ("claim_id", "claim_line_number", "data_source", "person_id", "dispensing_date", "ndc_code",
                       "quantity", "days_supply", "allowed_amount"),
}  # fmt: skip
SAME_REVISION = {"icd-10-pcs": "icd-10-cm", "icd-9-pcs": "icd-9-cm"}
"""Type of a diagnosis that names the procedures of a revision: the diagnoses are of that revision."""
OURS = "claimtwin_"
OF_PATIENT = "death_date_of_patient"


def read_tuva(spark: SparkSession, settings: Ingest, source: str) -> list[Feed]:
    """The contract's tables out of a Tuva input layer; the roster is empty.

    Args:
        spark: The session.
        settings: ``delimiter``, ``date_format`` and ``assign_employers`` are heeded; a column map is not.
        source: A folder or ``catalog.schema`` with the three tables, in the forms of ``--format contract``.

    Deaths come from ``eligibility`` and, where it is there, from ``patient`` (``person_id``, ``death_date``).

    Raises:
        ConfigError: A column map or constants are set.
        InputError: A table or a column is missing; all are named.
    """
    refuse_column_map(settings, "docs/tuva.md")
    found = {name: find_table(spark, settings, source, name) for name in TABLES}
    faults = [fault for name, frame in found.items() for fault in _faults(name, frame)]
    if faults:
        raise InputError(
            "The Tuva input layer cannot be used: " + "; ".join(faults) + ".", source, "docs/tuva.md",
            "give --input the folder or schema of the input layer's tables, under their names",
        )  # fmt: skip
    patients = find_table(spark, settings, source, "patient")
    if found["eligibility"] is not None and patients is not None:
        found["eligibility"] = _with_patients(found["eligibility"], patients, settings.date_format)
    feeds = [_feed(name, frame, settings) for name, frame in found.items() if frame is not None]
    return [*feeds, Feed("program_enrollment", spark.createDataFrame([], spark_schema("program_enrollment")))]


def _faults(name: str, frame: DataFrame | None) -> Iterable[str]:
    if frame is None:
        return [f"no table {name}"]
    return [f"{name}: column '{column}' is missing" for column in NEEDED[name] if column not in frame.columns]


def _feed(name: TableName, frame: DataFrame, settings: Ingest) -> Feed:
    added = _added(name, frame, settings)
    wide = frame.select(
        *(named for named in frame.columns if named not in (CORRUPT, OF_PATIENT)),
        *(cell.alias(f"{OURS}{column}") for column, cell in added.items()),
        *([CORRUPT] if CORRUPT in frame.columns else []),
    )
    constants = {"medical_coverage": "true", "pharmacy_coverage": "true"} if name == "eligibility" else {}
    return Feed(
        name, wide, settings.date_format, {column: f"{OURS}{column}" for column in added}, constants,
        tells_corrupt=CORRUPT in frame.columns,
    )  # fmt: skip


def _added(name: str, frame: DataFrame, settings: Ingest) -> dict[str, Cell]:
    """Columns that differ from Tuva's, by the contract's name."""
    added = {"employer_id": _employer(frame, settings)} if name == "eligibility" else {}
    if name == "eligibility":
        added["state"] = _looked_up("state", state_names())
        added["death_date"] = _death(frame, settings.date_format)
    if name == "medical_claim":
        added["diagnosis_code_type"] = _looked_up("diagnosis_code_type", SAME_REVISION)
        added["claim_start_date"] = _first_told(frame, "claim_line_start_date", "claim_start_date")
        added["claim_end_date"] = _first_told(frame, "claim_line_end_date", "claim_end_date")
    return added


def _employer(frame: DataFrame, settings: Ingest) -> Cell:
    """The group; where there is none, a made-up employer if asked for, else ``none``."""
    group = F.nullif(F.trim("group_id"), F.lit("")) if "group_id" in frame.columns else F.lit(None).cast("string")
    made_up = settings.assign_employers
    return F.coalesce(group, employer_of(F.col("person_id"), made_up) if made_up else F.lit("none"))


def _with_patients(eligibility: DataFrame, patients: DataFrame, date_format: str) -> DataFrame:
    """Each span with the earliest death of its person in ``patient``: a text that is no day where that is all.

    Raises:
        InputError: ``patient`` lacks a column.
    """
    missing = [name for name in ("person_id", "death_date") if name not in patients.columns]
    if missing:
        raise InputError(f"patient: columns are missing: {', '.join(missing)}.", rule="docs/tuva.md")
    told = patients.select("person_id", _day_text(patients, "death_date", date_format).alias("told"))
    earliest = F.date_format(F.min(F.try_to_date("told", date_format)), date_format)
    deaths = told.groupBy("person_id").agg(F.coalesce(earliest, F.min("told")).alias(OF_PATIENT))
    wide = eligibility.join(deaths, "person_id", "left")
    return wide.select(*(name for name in eligibility.columns if name != CORRUPT), OF_PATIENT,
                       *([CORRUPT] if CORRUPT in eligibility.columns else []))  # fmt: skip


def _death(eligibility: DataFrame, date_format: str) -> Cell:
    """The earlier of the days of death of the span and of its person; a text that is no day goes on as it is."""
    none = F.lit(None).cast("string")
    own = _day_text(eligibility, "death_date", date_format) if "death_date" in eligibility.columns else none
    other = F.col(OF_PATIENT) if OF_PATIENT in eligibility.columns else none
    earlier = F.try_to_date(other, date_format) < F.try_to_date(own, date_format)
    return F.when(F.coalesce(earlier, own.isNull()), other).otherwise(own)


def _day_text(frame: DataFrame, name: str, date_format: str) -> Cell:
    """A day as text of the feed's form, whether it comes as text or as a date; empty text is null."""
    if not isinstance(frame.schema[name].dataType, T.StringType):
        return F.date_format(F.col(name), date_format)
    return F.nullif(F.trim(name), F.lit(""))


def _first_told(frame: DataFrame, *names: str) -> Cell:
    """The first of the columns that holds anything, as text."""
    return F.coalesce(
        *(F.nullif(F.trim(F.col(name).cast("string")), F.lit("")) for name in names if name in frame.columns)
    )


def _looked_up(name: str, words: dict[str, str]) -> Cell:
    """The word that a text in lower case stands for; any other text as it is."""
    known = F.create_map(*(F.lit(part) for part in chain.from_iterable(words.items())))
    return F.coalesce(F.try_element_at(known, F.lower(F.trim(name))), F.col(name))
