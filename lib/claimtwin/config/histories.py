"""How claims become histories: fills of listed drugs, runs of supply, episodes of care. Part of ``study.yaml``."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from claimtwin.config.strict import Days, Strict

Setting = Literal[
    "office", "emergency", "therapy", "chiropractic", "other",
    "outpatient", "telehealth", "urgent_care", "health_center", "inpatient",
]  # fmt: skip
Edition = Literal["cdc_2016", "cdc_2018", "cdc_2016_guideline", "cdc_2022"]


class FillRules(Strict):
    """Fills of the drugs of one product list, days' supply repaired, in morphine equivalents of one edition.

    ``products`` names a list of env.yaml that has the CDC's columns. A patch of fentanyl is worn 3 days, one of
    buprenorphine 7, where ``patches_worn``; else the feed's days' supply stands. With ``match_digits`` 9 a code that is
    not listed counts as a listed package of the same product, where all of these are alike.
    """

    products: str = "opioid"
    mme_edition: Edition = "cdc_2022"
    patches_worn: bool = True
    without_supply: Literal["unknown", "one_day", "drop"] = "unknown"
    over_365: Literal["unknown", "cap", "drop"] = "unknown"
    match_digits: Literal[9] | None = None


class SupplyRules(Strict):
    """How fills become runs of supply.

    ``same_drug``: a refill before the supply is used up begins when it is (``carry_forward``, but at most
    ``carry_days`` later than it was filled; null, however late), cuts off what is left (``truncate``), or runs
    beside it (``concurrent``). Different drugs always run beside each other. A run ends where more than
    ``gap_days`` are without supply. ``hospital_days``: ``kept`` means that a day in hospital uses no supply.
    A fill is early where more than ``early_days`` of the drug's supply are left on its day; that only counts it.
    """

    LATER: ClassVar[tuple[str, ...]] = ("early_days",)

    same_drug: Literal["carry_forward", "concurrent", "truncate"] = "carry_forward"
    carry_days: Days | None = None
    gap_days: Days = 30
    hospital_days: Literal["used", "kept"] = "used"
    early_days: Days = 0


class EpisodeRules(Strict):
    """How lines of musculoskeletal care become episodes, by body region.

    A line belongs to the region of its first diagnosis (``primary``) or of the first that has one (``any``).
    ``settings`` are kinds of service, or told by the place of service alone (``codes.places``); with ``places`` a line
    of any of them makes an episode only at one of these places of service, and null lets it be anywhere.
    An episode ends where more than ``gap_days`` go by without care; it is new where at least ``clean_days`` went by
    without. Therapy visits at most ``therapy_gap_days`` apart are one course. Care without a region of its own is
    counted from ``attach_days`` before an episode to as long after it.
    """

    LATER: ClassVar[tuple[str, ...]] = ("places",)

    diagnosis: Literal["primary", "any"] = "any"
    settings: list[Setting] = ["office", "emergency", "therapy", "chiropractic"]
    places: list[Annotated[str, Field(pattern=r"^[0-9]{2}$")]] | None = None
    gap_days: Annotated[int, Field(ge=1, le=3650)] = 90
    clean_days: Days = 180
    therapy_gap_days: Annotated[int, Field(ge=1, le=3650)] = 30
    attach_days: Days = 0


class Histories(Strict):
    """Which histories ``claimtwin histories`` writes, and what outcomes by measure are taken from; null leaves one out.

    ``benzodiazepines`` names a product list in env.yaml, for measures of both drugs.
    """

    fills: FillRules | None = None
    supply: SupplyRules | None = None
    episodes: EpisodeRules | None = None
    benzodiazepines: str | None = None
