"""The deployment, ``env.yaml``: where the data lie and how they are run, and nothing about the study."""

from datetime import date
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from claimtwin.config.strict import Strict

TableName = Literal["eligibility", "medical_claim", "pharmacy_claim", "program_enrollment"]


class Disclosure(Strict):
    """Cells of 1 to ``min_cell`` - 1 people are withheld; 1 withholds nothing (public or synthetic data only)."""

    min_cell: Annotated[int, Field(ge=1, le=1000)] = 11


class CodeListFile(Strict):
    """A user's own list: a CSV or xlsx file, the column with the codes, and how many leading digits must agree.

    ``match_digits`` null compares whole codes; 9 also counts a code of eleven digits that is not listed, if its
    labeler and product are. ``codes`` says what the column holds: National Drug Codes, or concept ids of OMOP tables
    that the claims were ingested from. ``sheet`` names a sheet of an xlsx file; null: the first that has the column.
    ``use`` takes, of a list in the CDC's columns, the products for pain, or those for opioid use disorder; ``any``:
    every code.
    """

    LATER: ClassVar[tuple[str, ...]] = ("sheet", "use")

    path: str
    column: str = "NDC"
    match_digits: Annotated[int, Field(ge=4, le=12)] | None = None
    codes: Literal["ndc", "omop_concept"] = "ndc"
    sheet: str | None = None
    use: Literal["any", "pain", "use_disorder"] = "any"

    @model_validator(mode="after")
    def _use_is_of_products(self) -> Self:
        if self.use != "any" and (self.codes != "ndc" or self.column != "NDC"):
            raise ValueError("use: told from the CDC's columns only, of which NDC is one; leave `codes` and `column`")
        return self


class Settle(Strict):
    """How a feed takes lines back; see docs/decisions/013-settling.md. The default leaves every line as it is.

    ``pharmacy``: a line with a negative quantity, supply or amount takes back one of the same person, day, drug and
    quantity, and of the same claim where ``pharmacy_key`` says so. ``medical``: an adjustment comes under a new id
    beside a negative line (``new_id``), under the same id (``same_id_code``), or either (``mixed``).
    ``duplicates``: lines alike in every column are found after netting, before it, or kept.
    """

    pharmacy: Literal["already_final", "net_reversals"] = "already_final"
    pharmacy_key: Literal["fill", "claim"] = "fill"
    medical: Literal["already_final", "new_id", "same_id_code", "mixed"] = "already_final"
    duplicates: Literal["after_netting", "before_netting", "keep"] = "after_netting"


class Ingest(Strict):
    """How a feed is read; see docs/data-contract.md.

    ``columns`` maps contract columns to the feed's names, ``constants`` fills columns that a feed lacks.
    ``assign_employers`` gives each person one of so many employers by hash; null (the default) assigns none.
    ``run_out_days`` is how long claims take to come in: a study whose follow-up and run-out pass ``data_through`` is
    refused.
    ``ndc_reference`` names a list of ``code_lists`` by which ten bare digits of an NDC are read; null refuses them.
    ``date_format`` holds a year of four digits, a month and a day, in any order, as in yyyy-MM-dd or M/d/yyyy.
    """

    data_through: date | None = None
    run_out_days: Annotated[int, Field(ge=0, le=3650)] = 0
    on_duplicate_key: Literal["stop", "reject"] = "stop"
    assign_employers: Annotated[int, Field(ge=1)] | None = None
    settle: Settle = Settle()
    ndc_reference: str | None = None
    columns: dict[TableName, dict[str, str]] = {}
    constants: dict[TableName, dict[str, str]] = {}
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    date_format: Annotated[
        str, Field(pattern=r"^(yyyy[-/. ]?(MM?[-/. ]?dd?|dd?[-/. ]?MM?)|(MM?[-/. ]?dd?|dd?[-/. ]?MM?)[-/. ]?yyyy)$")
    ] = "yyyy-MM-dd"


class Pack(Strict):
    """Size of a member block before compression, in MiB."""

    payload_mib: Annotated[float, Field(gt=0, le=512)] = 32


class MatchRun(Strict):
    """A block of more people than ``split_above`` is not held by one task; it moves no pair.

    It is cut into ranges of its scores where the protocol allows that, and refused where it does not.
    """

    split_above: Annotated[int, Field(ge=1)] = 4_000_000


class Door(Strict):
    """The most rows that may leave Spark in one collection."""

    max_rows: Annotated[int, Field(ge=1)] = 2_000_000


class Env(Strict):
    """A whole deployment.

    ``tables`` is a folder or ``catalog.schema``; ``output`` is the folder of the results. ``truth`` names the
    ``truth.json`` of synthetic claims, for the report to hold its estimate against; null for real claims.
    """

    tables: str
    output: str
    truth: str | None = None
    disclosure: Disclosure = Disclosure()
    code_lists: dict[str, CodeListFile] = {}
    ingest: Ingest = Ingest()
    pack: Pack = Pack()
    matching: MatchRun = MatchRun()
    door: Door = Door()
    spark: dict[str, str] = {}
