"""The contract of the four claims tables: every column with its type, unit, null meaning and rule.

Names and grain follow the Tuva input layer, plus ``employer_id`` on each table and ``program_enrollment``.
docs/data-contract.md describes the same columns for people who prepare feeds.
"""

from dataclasses import dataclass, field
from typing import Literal

import pyarrow as pa
from pyspark.sql import types as T

from claimtwin.config.deployment import TableName

Form = Literal["text", "code", "icd", "ndc", "choice", "state", "boolean", "integer", "decimal", "date"]
DIAGNOSES = tuple(f"diagnosis_code_{k}" for k in range(1, 13))
GENDERS = {"f": "female", "female": "female", "m": "male", "male": "male", "u": "unknown", "unknown": "unknown"}
BODY_REGIONS = ("back", "neck", "shoulder", "hip", "knee")
CODING_SYSTEMS = ("icd-10-cm", "icd-9-cm")
QUALIFIERS = {name: name for name in CODING_SYSTEMS} | {
    **dict.fromkeys(("icd10cm", "icd-10", "icd10", "10", "0", "abk", "abf"), "icd-10-cm"),
    **dict.fromkeys(("icd9cm", "icd-9", "icd9", "9", "bk", "bf"), "icd-9-cm"),
}
"""What feeds write for the coding system: names, version digits of institutional claims, and X12 837 qualifiers."""


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes:
        type: DDL text: string, date, boolean, int or decimal(p,s).
        form: How text is read into the type; ``code`` is upper case, ``icd`` also without dots.
        required: A row without it is refused, and a feed without it.
        choices: Accepted words in lower case and what each becomes; for form ``choice``.
        when_null: What a missing value becomes; None leaves it null.
        width: A code of fewer digits is filled with zeros on the left.
        within_data: A date that must not lie after the day up to which the feed is complete.
        not_negative: A number below zero is refused.
        needed_with: A row that has one of these columns must have this one too.
    """

    name: str
    type: str
    rule: str
    null_means: str = "unknown"
    unit: str = ""
    form: Form = "text"
    required: bool = False
    choices: dict[str, str] = field(default_factory=dict)
    when_null: str | None = None
    width: int = 0
    within_data: bool = False
    not_negative: bool = False
    needed_with: tuple[str, ...] = ()


@dataclass(frozen=True)
class Order:
    """A rule that one date of a row must not lie after another; it holds where either is null."""

    rule_id: str
    earlier: str
    later: str


@dataclass(frozen=True)
class TableContract:
    """One table: what a row is, its unique key, its columns in order, and how its dates are ordered.

    ``key``: what no two rows share. Spans may overlap and are merged later, so that of ``eligibility`` it is every
    column: of two spans that differ in any one neither is a copy of the other. ``optional``: a study can do without
    the whole table.
    """

    name: TableName
    grain: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    orders: tuple[Order, ...] = ()
    optional: bool = False

    def column(self, name: str) -> Column:
        """The column of that name."""
        return next(column for column in self.columns if column.name == name)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all columns in order."""
        return tuple(column.name for column in self.columns)


NEVER = "never null"
PERSON = Column("person_id", "string", "surrogate id, the same in all tables", NEVER, required=True)
EMPLOYER = Column("employer_id", "string", "surrogate id of the employer or plan sponsor", "as on the enrolment")
PAID = Column("paid_date", "date", "1900-01-01 or later", "not paid yet, or unknown", "day", "date")
ALLOWED = Column(
    "allowed_amount", "decimal(12,2)", "rounded half up; below 0 in a reversal", unit="US dollars", form="decimal"
)
CLAIM = Column("claim_id", "string", "id of the claim within its data source", NEVER, required=True)
LINE = Column("claim_line_number", "int", "whole, 0 or more", NEVER, form="integer", required=True, not_negative=True)
SOURCE = Column("data_source", "string", "name of the feed within which claim ids are unique", NEVER, required=True)


def _covered(name: str, benefit: str) -> Column:
    rule = f"whether the span covers {benefit}; true/false, 1/0, y/n, yes/no or t/f"
    return Column(name, "boolean", rule, NEVER, form="boolean", required=True)


def _day(name: str, rule: str) -> Column:
    rule += "; 1900-01-01 or later, not after ingest.data_through"
    return Column(name, "date", rule, NEVER, "day", "date", required=True, within_data=True)


def _code(name: str, rule: str, width: int = 0) -> Column:
    return Column(name, "string", rule, "none stated", form="code", width=width)


ELIGIBILITY = TableContract(
    "eligibility",
    "one enrolment span of a person with an employer, payer and plan",
    ("person_id", "employer_id", "payer", "plan", "enrollment_start_date", "enrollment_end_date", "medical_coverage",
     "pharmacy_coverage", "birth_date", "gender", "state", "death_date"),
    (
        PERSON,
        Column("employer_id", "string", "surrogate id of the employer or plan sponsor", NEVER, required=True),
        Column("payer", "string", "name of the payer", NEVER, required=True),
        Column("plan", "string", "name of the plan", NEVER, required=True),
        _day("enrollment_start_date", "first covered day"),
        Column(
            "enrollment_end_date", "date", "last covered day, included; not before the start; 9999-12-31 will do",
            "still enrolled", "day", "date",
        ),
        _covered("medical_coverage", "medical care"),
        _covered("pharmacy_coverage", "prescription drugs"),
        Column(
            "birth_date", "date", "1900-01-01 or later; not after the enrolment start or ingest.data_through",
            "unknown: the person is never a candidate", "day", "date", within_data=True,
        ),
        Column(
            "death_date", "date",
            "1900-01-01 or later; not before the enrolment start; last day of life, of several the earliest counts",
            "not known to have died", "day", "date",
        ),
        Column(
            "gender", "string", "f, female, m, male, u or unknown in any case; stored as female, male or unknown",
            "never null: a missing value becomes unknown", form="choice", choices=GENDERS, when_null="unknown",
        ),
        Column("state", "string", "USPS letters of a state, DC or a territory of the US", "unknown", form="state"),
    ),
    (
        Order("enrollment_order", "enrollment_start_date", "enrollment_end_date"),
        Order("birth_order", "birth_date", "enrollment_start_date"),
        Order("death_order", "enrollment_start_date", "death_date"),
    ),
)  # fmt: skip

MEDICAL_CLAIM = TableContract(
    "medical_claim",
    "one service line of a medical claim",
    ("claim_id", "claim_line_number", "data_source"),
    (
        CLAIM,
        LINE,
        SOURCE,
        PERSON,
        EMPLOYER,
        _day("claim_start_date", "first day of the service"),
        Column("claim_end_date", "date", "last day of the service; not before the start", "same day", "day", "date"),
        _code("place_of_service_code", "CMS place of service; one digit gets a leading zero", width=2),
        _code("revenue_center_code", "revenue centre; up to three digits get leading zeros", width=4),
        _code("hcpcs_code", "HCPCS or CPT code; upper case"),
        _code("hcpcs_modifier_1", "first modifier; upper case"),
        _code("hcpcs_modifier_2", "second modifier; upper case"),
        Column(
            "diagnosis_code_type", "string",
            "icd-10-cm or icd-9-cm, or their qualifiers, in any case; needed where the line has a diagnosis",
            "the line has no diagnosis", form="choice", choices=QUALIFIERS,
            needed_with=DIAGNOSES,
        ),
        *(
            Column(name, "string", f"diagnosis {k}: upper case, without dots", "no such diagnosis", form="icd")
            for k, name in enumerate(DIAGNOSES, 1)
        ),
        ALLOWED,
        PAID,
        Column(
            "service_unit_quantity", "decimal(12,3)", "rounded half up; below 0 in a reversal; a feed may lack it",
            "one unit", "units of service", "decimal",
        ),
    ),
    (Order("claim_order", "claim_start_date", "claim_end_date"),),
)  # fmt: skip

PHARMACY_CLAIM = TableContract(
    "pharmacy_claim",
    "one dispensing line of a pharmacy claim",
    ("claim_id", "claim_line_number", "data_source"),
    (
        CLAIM,
        LINE,
        SOURCE,
        PERSON,
        EMPLOYER,
        _day("dispensing_date", "day of the fill"),
        Column(
            "ndc_code", "string",
            "11 or 12 digits, or hyphenated 6-4-2, 5-4-2, 4-4-2, 5-3-2 or 5-4-1 (see reading text)",
            NEVER, form="ndc", required=True,
        ),
        Column(
            "quantity", "decimal(12,3)", "0 or more; rounded half up", "unknown", "units dispensed", "decimal",
            not_negative=True,
        ),
        Column("days_supply", "int", "whole, 0 or more", "unknown", "days", "integer", not_negative=True),
        PAID,
        ALLOWED,
    ),
)  # fmt: skip

PROGRAM_ENROLLMENT = TableContract(
    "program_enrollment",
    "one start of a programme by a person for a body region",
    ("person_id", "program", "body_region", "start_date"),
    (
        PERSON,
        EMPLOYER,
        Column("program", "string", "name of the programme", NEVER, required=True),
        Column(
            "body_region", "string", "back, neck, shoulder, hip or knee in any case", "unknown",
            form="choice", choices={name: name for name in BODY_REGIONS},
        ),
        _day("start_date", "first day in the programme"),
    ),
    optional=True,
)  # fmt: skip

CONTRACTS: dict[TableName, TableContract] = {
    table.name: table for table in (ELIGIBILITY, MEDICAL_CLAIM, PHARMACY_CLAIM, PROGRAM_ENROLLMENT)
}
TABLES = tuple(CONTRACTS)

_SPARK: dict[str, T.DataType] = {
    "string": T.StringType(),
    "date": T.DateType(),
    "boolean": T.BooleanType(),
    "int": T.IntegerType(),
    "decimal(12,2)": T.DecimalType(12, 2),
    "decimal(12,3)": T.DecimalType(12, 3),
}
_ARROW = {
    "string": pa.string(),
    "date": pa.date32(),
    "boolean": pa.bool_(),
    "int": pa.int32(),
    "decimal(12,2)": pa.decimal128(12, 2),
    "decimal(12,3)": pa.decimal128(12, 3),
}


def spark_schema(name: TableName) -> T.StructType:
    """Columns of one table as Spark types, in order; every field may be null, as Delta reads it back."""
    return T.StructType([T.StructField(column.name, _SPARK[column.type]) for column in CONTRACTS[name].columns])


def arrow_schema(name: TableName) -> pa.Schema:
    """Columns of one table as Arrow types, in order."""
    return pa.schema([(column.name, _ARROW[column.type]) for column in CONTRACTS[name].columns])
