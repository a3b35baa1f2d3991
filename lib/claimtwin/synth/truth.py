"""What a perfect study of a population would find, from chances alone: no outcome is drawn for it.

Sums are of whole numbers, so they are exact and do not depend on how members are cut into chunks.
"""

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from claimtwin.config.deployment import TableName
from claimtwin.errors import ConfigError
from claimtwin.synth.care import draw_lines
from claimtwin.synth.causes import CERTAIN
from claimtwin.synth.coverage import Coverage, draw_coverage
from claimtwin.synth.dirt import FAULTS, mark_dirt
from claimtwin.synth.draws import Draws, Flags, Index
from claimtwin.synth.feed import CHUNK
from claimtwin.synth.fills import draw_dispensings, mean_after_first
from claimtwin.synth.people import BACKGROUND, PROGRAMME, THERAPY, People, draw_people
from claimtwin.synth.spec import SynthSpec
from claimtwin.synth.starts import draw_starts, on_roster, region_known

ADULT = 18


@dataclass(frozen=True)
class SynthTruth:
    """The planted truth of one population, for the study preset ``jpr_s412081``.

    Attributes:
        odds_ratio: Marginal, among those who take the programme and meet the study's criteria: the odds of their
            mean chance of beginning opioids with the programme over those without it.
        risk_treated, risk_comparator: Those two mean chances, in percent.
        per_100_treated, per_100_comparator: Their expected dispensings per 100, with and without.
        difference_per_100: The first less the second.
        crude_odds_ratio: What comparing the arms as they are would find: confounded.
        treated, comparators: People of each arm who meet the criteria.
        text: One sentence.
        dirt: Faulty rows by table and kind.
        adjusted, errors: The model whose interval is held against the truth.
    """

    odds_ratio: float
    risk_treated: float
    risk_comparator: float
    per_100_treated: float
    per_100_comparator: float
    difference_per_100: float
    crude_odds_ratio: float
    treated: int
    comparators: int
    text: str
    dirt: dict[TableName, dict[str, int]]
    adjusted: bool = False
    errors: str = "cluster_pair"

    def as_dict(self) -> dict[str, Any]:
        """Plain values, as written to ``truth.json``."""
        return asdict(self)


@dataclass
class Tally:
    """Sums over members; chances in units of 2**-32."""

    treated: int = 0
    comparators: int = 0
    risk_with: int = 0
    risk_without: int = 0
    risk_of_comparators: int = 0
    dirt: dict[TableName, Counter[str]] = field(default_factory=lambda: {name: Counter() for name in FAULTS})


def truth_of(spec: SynthSpec) -> SynthTruth:
    """Add up all members.

    Raises:
        ConfigError: Nobody in one of the arms meets the criteria, so there is no truth to find.
    """
    tally = Tally()
    for first in range(0, spec.members, CHUNK):
        _add(spec, draw_people(spec, first, min(first + CHUNK, spec.members)), tally)
    if not (tally.treated and tally.comparators):
        raise ConfigError(
            "Nobody in one of the arms meets the criteria.", "synth: members, pool", remedy="ask for more members"
        )
    with_it, without = _share(tally.risk_with, tally.treated), _share(tally.risk_without, tally.treated)
    crude = _share(tally.risk_of_comparators, tally.comparators)
    more_with, more_without = mean_after_first(spec.fills)
    per_100 = 100 * with_it * (1 + more_with), 100 * without * (1 + more_without)
    ratio = _odds(with_it) / _odds(without)
    return SynthTruth(
        odds_ratio=ratio,
        risk_treated=100 * with_it,
        risk_comparator=100 * without,
        per_100_treated=per_100[0],
        per_100_comparator=per_100[1],
        difference_per_100=per_100[0] - per_100[1],
        crude_odds_ratio=_odds(with_it) / _odds(crude),
        treated=tally.treated,
        comparators=tally.comparators,
        text=_in_words(ratio, with_it, without),
        dirt={name: dict(counts) for name, counts in tally.dirt.items()},
    )


def eligible(draws: Draws, people: People, coverage: Coverage) -> Flags:
    """Whether a member of either arm meets every criterion of the study."""
    enters = np.where(people.arm == PROGRAMME, region_known(draws, people), ~on_roster(draws, people))
    met = (
        enters & (people.age >= ADULT) & coverage.continuous(people.index) & ~people.prior & (people.arm != BACKGROUND)
    )
    return np.asarray(met, np.bool_)


def _add(spec: SynthSpec, people: People, tally: Tally) -> None:
    draws = Draws(spec.seed)
    coverage = draw_coverage(draws, people)
    met = eligible(draws, people, coverage)
    treated, comparators = met & (people.arm == PROGRAMME), met & (people.arm == THERAPY)
    tally.treated += int(treated.sum())
    tally.comparators += int(comparators.sum())
    tally.risk_with += int(people.risk_with[treated].sum())
    tally.risk_without += int(people.risk_without[treated].sum())
    tally.risk_of_comparators += int(people.risk_without[comparators].sum())
    for name, person in _people_with_rows(spec, draws, people, coverage).items():
        for kind, marked in mark_dirt(spec, name, people, person).items():
            tally.dirt[name][kind] += len(marked)


def _people_with_rows(
    spec: SynthSpec, draws: Draws, people: People, coverage: Coverage
) -> dict[TableName, Index]:  # fmt: skip
    """Who has any good row in each table."""
    return {
        "eligibility": np.arange(len(people.number)),
        "medical_claim": draw_lines(draws, people, coverage).person,
        "pharmacy_claim": draw_dispensings(draws, people, coverage, spec.fills).person,
        "program_enrollment": draw_starts(draws, people).person,
    }


def _share(chances: int, people: int) -> float:
    return chances / people / CERTAIN


def _odds(chance: float) -> float:
    return chance / (1 - chance)


def _in_words(ratio: float, with_it: float, without: float) -> str:
    return (
        f"Of those who took the programme and meet the criteria, {100 * with_it:.2f} % begin opioids within a year, "
        f"and {100 * without:.2f} % would have without it: odds ratio {ratio:.3f}."
    )
