"""What a planted-truth population is asked to be; checked before anything runs."""

from datetime import date
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationError, model_validator

from claimtwin.config.load import config_error
from claimtwin.config.strict import Strict
from claimtwin.synth.calendar import OpenDays, day_of

Rate = Annotated[float, Field(ge=0, le=1)]
Month = Annotated[int, Field(ge=1, le=10)]


class Fills(Strict):
    """Dispensings of a person that begins opioids: 1 + a negative binomial (study of two parts).

    Defaults: abstract-calibrated reconstruction of J Pain Res 2023;16:2609, recovered from its means and spreads.
    ``on_index`` is the chance of one more on the index day, which counts neither before nor after.
    """

    programme_mean: Annotated[float, Field(gt=0, le=5)] = 1.120
    programme_dispersion: Annotated[float, Field(gt=0, le=10)] = 3.41
    therapy_mean: Annotated[float, Field(gt=0, le=5)] = 0.640
    therapy_dispersion: Annotated[float, Field(gt=0, le=10)] = 3.75
    on_index: Rate = 0.01


class Cause(Strict):
    """Log-odds of the two decisions, on the person's own scale.

    Attributes:
        effect: What the programme adds to the log-odds of beginning opioids; 0 is no effect.
        risk: Level of those log-odds in a woman of 42 in the Midwest without care or comorbidity.
        choice: Level of the log-odds of taking the programme, for the same person.
        confounding: 1 as calibrated, 0 for a choice that has nothing to do with the risk.
        severity: What one standard deviation of a severity that no claim shows takes from the choice and adds
            to the risk; 0 for none.
    """

    effect: Annotated[float, Field(ge=-3, le=3)] = -0.626
    risk: Annotated[float, Field(ge=-6, le=1)] = -2.385
    choice: Annotated[float, Field(ge=-4, le=4)] = -0.77
    confounding: Annotated[float, Field(ge=0, le=2)] = 1.0
    severity: Annotated[float, Field(ge=0, le=2)] = 0.0


class Targets(Strict):
    """What the planted risks are to be; ``synth.calibration`` finds the log-odds that give them.

    Attributes:
        risk_treated: Share that begins opioids with the programme, among those who take it.
        risk_comparator: The same people's share without it.
        crude_odds_ratio: What comparing the arms as they are finds; null leaves ``cause.confounding`` alone.
    """

    risk_treated: Annotated[float, Field(gt=0, lt=1)]
    risk_comparator: Annotated[float, Field(gt=0, lt=1)]
    crude_odds_ratio: Annotated[float, Field(gt=0, le=10)] | None = None


class Dip(Strict):
    """Weeks in which most care was closed: of their days one in ``open_every`` is open, both ends included."""

    first: date = date(2020, 3, 15)
    last: date = date(2020, 5, 31)
    open_every: Annotated[int, Field(ge=1, le=7)] = 2

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.first > self.last:
            raise ValueError("first lies after last")
        if not (date(2019, 1, 1) <= self.first and self.last <= date(2021, 12, 31)):
            raise ValueError("must lie in 2019 to 2021, where claims are made up")
        if (self.last - self.first).days >= 180:
            raise ValueError("longer than 180 days, so that the visits of a year would not fit")
        return self


class Dirt(Strict):
    """Chance per member of one fault, by kind; 0 switches a kind off. See docs/synthetic-data.md for each kind.

    The kinds down to ``duplicate`` add a row that an ingest refuses to every table that can have the fault, so no good
    row is spoilt. The others make rows that a contract accepts; they are off unless asked for. ``stopped_feed`` is a
    chance per employer and ``late_claim`` one per claim line or dispensing.
    """

    null_person: Rate = 0.002
    bad_date: Rate = 0.002
    text_amount: Rate = 0.002
    negative_quantity: Rate = 0.002
    swapped_span: Rate = 0.002
    before_birth: Rate = 0.002
    after_extract: Rate = 0.002
    unknown_state: Rate = 0.002
    bad_ndc: Rate = 0.002
    unknown_system: Rate = 0.002
    duplicate: Rate = 0.002
    missing_supply: Rate = 0
    zero_supply: Rate = 0
    hyphenated_ndc: Rate = 0
    dotted_icd: Rate = 0
    invalid_code: Rate = 0
    index_day_fill: Rate = 0
    overlapping_fill: Rate = 0
    reversal: Rate = 0
    late_reversal: Rate = 0
    paid_twice: Rate = 0
    adjusted_new_id: Rate = 0
    adjusted_same_id: Rate = 0
    adjusted_mixed: Rate = 0
    void_and_replace: Rate = 0
    long_history: Rate = 0
    stopped_feed: Rate = 0
    late_claim: Rate = 0


REFUSED = tuple(Dirt.model_fields)[: tuple(Dirt.model_fields).index("duplicate") + 1]
"""Kinds whose rows an ingest refuses: their counts are its rejected rows."""
NO_DIRT = Dirt(**dict.fromkeys(Dirt.model_fields, 0.0))


class SynthSpec(Strict):
    """A whole population. Members are numbered from 0; a member does not depend on how many there are.

    Attributes:
        pool: Chance that somebody of 14 or more seeks help with a joint, by therapy or by the programme.
        index_year: The year of the index days. All days lie whole spans of four years apart, so leap days agree.
        index_months: First and last month of index days; both included.
        dip: Closed weeks, only of the year 2020; null for none.
        targets: Overrides ``cause.risk`` and ``cause.effect`` (and ``cause.confounding``); null leaves ``cause``.
    """

    members: Annotated[int, Field(ge=1, le=10**9)] = 20_000
    employers: Annotated[int, Field(ge=1, le=999)] = 12
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 7
    pool: Rate = 0.6
    index_year: Literal[2008, 2012, 2016, 2020, 2024] = 2020
    index_months: tuple[Month, Month] = (1, 10)
    dip: Dip | None = Dip()
    targets: Targets | None = None
    cause: Cause = Cause()
    fills: Fills = Fills()
    dirt: Dirt = Dirt()

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.index_months[0] > self.index_months[1]:
            raise ValueError("index_months: the first month lies after the last")
        return self


def open_days(spec: SynthSpec) -> OpenDays:
    """On which days care is open, around 2020."""
    if spec.dip is None or spec.index_year != 2020:
        return OpenDays()
    first, last = (day_of(day.year, day.month, day.day) for day in (spec.dip.first, spec.dip.last))
    return OpenDays(first, last + 1, spec.dip.open_every)


def checked_spec(values: dict[str, Any]) -> SynthSpec:
    """Read a specification from plain values.

    Raises:
        ConfigError: Every unknown key and every value out of its range, each by its name.
    """
    try:
        return SynthSpec.model_validate(values)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_input=False)
        raise config_error([f"synth: {'.'.join(map(str, f['loc']))}: {f['msg']}" for f in faults]) from None
