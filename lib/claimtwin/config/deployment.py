"""The deployment, ``env.yaml``: where the data lie and how they are run, and nothing about the study."""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from claimtwin.config.strict import Strict

TableName = Literal["eligibility", "medical_claim", "pharmacy_claim", "program_enrollment"]


class Disclosure(Strict):
    """Cells of 1 to ``min_cell`` - 1 people are withheld; 1 withholds nothing (public or synthetic data only)."""

    min_cell: Annotated[int, Field(ge=1, le=1000)] = 11


class CodeListFile(Strict):
    """A user's own list: a CSV file, the column with the codes, and how many leading digits must agree.

    ``match_digits`` null compares whole codes; 9 compares labeler and product of an 11-digit NDC.
    """

    path: str
    column: str = "NDC"
    match_digits: Annotated[int, Field(ge=4, le=12)] | None = None


class Ingest(Strict):
    """How a feed is read; see docs/data-contract.md.

    ``columns`` maps contract columns to the feed's names, ``constants`` fills columns that a feed lacks.
    ``assign_employers`` gives each person one of so many employers by hash; null (the default) assigns none.
    ``date_format`` holds a year of four digits, a month and a day, in any order, as in yyyy-MM-dd or M/d/yyyy.
    """

    data_through: date | None = None
    on_duplicate_key: Literal["stop", "reject"] = "stop"
    assign_employers: Annotated[int, Field(ge=1)] | None = None
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
