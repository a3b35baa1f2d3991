"""What a perfect study of a population would find, from chances alone: no outcome is drawn for it.

Sums are of whole numbers, so they are exact and do not depend on how members are cut into chunks.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from claimtwin.config.deployment import TableName
from claimtwin.errors import ConfigError
from claimtwin.schema.tables import CONTRACTS
from claimtwin.synth.causes import CERTAIN
from claimtwin.synth.coverage import Coverage, draw_coverage
from claimtwin.synth.dirt import FAULTS, people_marked
from claimtwin.synth.draws import Draws, Flags
from claimtwin.synth.feed import CHUNK, build_table
from claimtwin.synth.fills import mean_after_first
from claimtwin.synth.people import ADULT, BACKGROUND, PROGRAMME, THERAPY, People, draw_people
from claimtwin.synth.spec import Fills, SynthSpec
from claimtwin.synth.starts import on_roster, region_known
from claimtwin.synth.unsettled import KINDS_OF

Sums = Mapping[str, int]
PEOPLE_SUMS = (
    "treated", "comparators", "treated_with", "treated_without", "comparators_with", "comparators_without",
)  # fmt: skip
KINDS: dict[TableName, tuple[str, ...]] = {
    name: ("duplicate", *FAULTS[name], *KINDS_OF.get(name, {})) for name in CONTRACTS
}
SUMS = (*PEOPLE_SUMS, *(f"{name}.{kind}" for name, kinds in KINDS.items() for kind in kinds))
"""Names of all sums over members; chances are in units of 2**-32."""


@dataclass(frozen=True)
class Scales:
    """One contrast on every scale that a report prints: of risks, and of dispensings.

    Attributes:
        risk_treated, risk_comparator: Percent that begins opioids within a year.
        odds_ratio, risk_ratio: Of those two. risk_difference: Percentage points.
        relative_reduction: One less the risk ratio, in percent.
        per_100_treated, per_100_comparator, difference_per_100: Expected dispensings per 100 people.
    """

    risk_treated: float
    risk_comparator: float
    odds_ratio: float
    risk_ratio: float
    risk_difference: float
    relative_reduction: float
    per_100_treated: float
    per_100_comparator: float
    difference_per_100: float


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
        dirt: Rows added, changed or lost by table and kind.
        scales: The same contrasts on all scales, of the ``treated``, of the ``population`` of both arms, and
            ``crude`` between the arms; where a match was made also of the ``matched`` treated.
        matched_members: Of so many members, the first, the match was made; null without one.
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
    scales: dict[str, Scales] = field(default_factory=dict)
    matched_members: int | None = None
    adjusted: bool = False
    errors: str = "cluster_pair"

    def as_dict(self) -> dict[str, Any]:
        """Plain values, as written to ``truth.json``."""
        return asdict(self)


def truth_of(spec: SynthSpec, sums: Sums | None = None) -> SynthTruth:
    """The truth from sums over all members.

    Args:
        spec: The population.
        sums: ``SUMS`` added up elsewhere; null adds them up here, a chunk after the other.

    Raises:
        ConfigError: Nobody in one of the arms meets the criteria, so there is no truth to find.
    """
    found = sums_of(spec) if sums is None else sums
    if not (found["treated"] and found["comparators"]):
        raise ConfigError(
            "Nobody in one of the arms meets the criteria.", "synth: members, pool", remedy="ask for more members"
        )
    scales = _all_scales(found, spec.fills)
    treated = scales["treated"]
    return SynthTruth(
        odds_ratio=treated.odds_ratio,
        risk_treated=treated.risk_treated,
        risk_comparator=treated.risk_comparator,
        per_100_treated=treated.per_100_treated,
        per_100_comparator=treated.per_100_comparator,
        difference_per_100=treated.difference_per_100,
        crude_odds_ratio=scales["crude"].odds_ratio,
        treated=found["treated"],
        comparators=found["comparators"],
        text=_in_words(treated),
        dirt={name: {kind: found[f"{name}.{kind}"] for kind in kinds} for name, kinds in KINDS.items()},
        scales=scales,
    )


def sums_of(spec: SynthSpec) -> Sums:
    """``SUMS`` over all members."""
    total: Counter[str] = Counter()
    for first in range(0, spec.members, CHUNK):
        total.update(chunk_sums(spec, first, min(first + CHUNK, spec.members)))
    return total


def chunk_sums(spec: SynthSpec, first: int, stop: int) -> dict[str, int]:
    """``SUMS`` over members ``first`` to ``stop`` - 1."""
    people = draw_people(spec, first, stop)
    draws = Draws(spec.seed)
    met = eligible(draws, people, draw_coverage(draws, people))
    sums: dict[str, int] = {}
    for arm, name in ((PROGRAMME, "treated"), (THERAPY, "comparators")):
        rows = met & (people.arm == arm)
        sums |= {
            name: int(rows.sum()),
            f"{name}_with": int(people.risk_with[rows].sum()),
            f"{name}_without": int(people.risk_without[rows].sum()),
        }
    for table in CONTRACTS:
        marked = people_marked(spec, table, people)
        counts = build_table(spec, table, people.take(marked))[1] if len(marked) else dict.fromkeys(KINDS[table], 0)
        sums |= {f"{table}.{kind}": rows for kind, rows in counts.items()}
    return sums


def eligible(draws: Draws, people: People, coverage: Coverage) -> Flags:
    """Whether a member of either arm meets every criterion of the study."""
    enters = np.where(people.arm == PROGRAMME, region_known(draws, people), ~on_roster(draws, people))
    met = (
        enters & (people.age >= ADULT) & coverage.continuous(people.index) & ~people.prior & (people.arm != BACKGROUND)
    )
    return np.asarray(met, np.bool_)


def scales_of(risk_with: float, risk_without: float, fills: Fills) -> Scales:
    """Two risks, as shares, on every scale; each with the dispensings that go with its arm."""
    more_with, more_without = mean_after_first(fills)
    per_100 = 100 * risk_with * (1 + more_with), 100 * risk_without * (1 + more_without)
    return Scales(
        risk_treated=100 * risk_with,
        risk_comparator=100 * risk_without,
        odds_ratio=_odds(risk_with) / _odds(risk_without),
        risk_ratio=risk_with / risk_without,
        risk_difference=100 * (risk_with - risk_without),
        relative_reduction=100 * (1 - risk_with / risk_without),
        per_100_treated=per_100[0],
        per_100_comparator=per_100[1],
        difference_per_100=per_100[0] - per_100[1],
    )


def _all_scales(sums: Sums, fills: Fills) -> dict[str, Scales]:
    treated, comparators = sums["treated"], sums["comparators"]
    both = {side: sums[f"treated_{side}"] + sums[f"comparators_{side}"] for side in ("with", "without")}
    pairs: dict[str, tuple[float, float]] = {
        "treated": (_share(sums["treated_with"], treated), _share(sums["treated_without"], treated)),
        "population": (_share(both["with"], treated + comparators), _share(both["without"], treated + comparators)),
        "crude": (_share(sums["treated_with"], treated), _share(sums["comparators_without"], comparators)),
    }
    return {name: scales_of(risks[0], risks[1], fills) for name, risks in pairs.items()}


def _share(chances: int, people: int) -> float:
    return chances / people / CERTAIN


def _odds(chance: float) -> float:
    return chance / (1 - chance)


def _in_words(scales: Scales) -> str:
    return (
        f"Of those who took the programme and meet the criteria, {scales.risk_treated:.2f} % begin opioids within a "
        f"year, and {scales.risk_comparator:.2f} % would have without it: odds ratio {scales.odds_ratio:.3f}."
    )
