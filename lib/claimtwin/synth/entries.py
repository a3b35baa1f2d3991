"""Who comes into which arm when, which criteria they meet and what was measured of them: from what was meant."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from claimtwin.synth import text
from claimtwin.synth.calendar import INDEX_FIRST, INDEX_STOP, LOOKBACK, Days, completed_years, shift_of
from claimtwin.synth.care import EVALUATION, THERAPY_VISIT, Lines, Visits, bill, diagnose, draw_visits
from claimtwin.synth.catalogue import BODIES, CONDITIONS, FAMILIES, GENERAL, KINDS, catalogue
from claimtwin.synth.coverage import Coverage, draw_coverage
from claimtwin.synth.draws import Draws, Flags, Index
from claimtwin.synth.fills import FOLLOW_UP, Dispensings, draw_dispensings
from claimtwin.synth.people import ADULT, People, draw_people
from claimtwin.synth.spec import SynthSpec
from claimtwin.synth.starts import draw_starts, on_roster

CRITERIA = (
    "index_in_window", "age", "enrolled_before", "enrolled_after", "washout", "demographics_known", "one_arm",
)  # fmt: skip
_BITS = 20


@dataclass(frozen=True)
class Meant:
    """All that was drawn for some members."""

    spec: SynthSpec
    people: People
    coverage: Coverage
    visits: Visits
    diagnoses: Index
    lines: Lines
    fills: Dispensings

    def ids(self, person: Index) -> pa.Array:
        """Ids of people by place."""
        return text.person_ids(self.people.number).take(pa.array(person))

    def dates(self, day: Days, *, null: Flags | None = None) -> pa.Array:
        """Days of the feed."""
        moved = (day + shift_of(self.spec.index_year)).astype(np.int32)
        return pa.array(moved, pa.int32(), mask=null).cast(pa.date32())


@dataclass(frozen=True)
class Entries:
    """One row a person and arm that the person comes into, by person, the treated first; ``person`` is a place."""

    person: Index
    treated: Flags
    day: Days
    body: Index


def meant_for(spec: SynthSpec, first: int, stop: int) -> Meant:
    """What was meant for members ``first`` to ``stop`` - 1."""
    people = draw_people(spec, first, stop)
    coverage = draw_coverage(Draws(spec.seed), people)
    visits = draw_visits(spec, people, coverage)
    diagnoses = diagnose(spec, people, visits)
    lines = bill(spec, people, visits, diagnoses)
    return Meant(spec, people, coverage, visits, diagnoses, lines, draw_dispensings(spec, people, coverage))


def entries_of(meant: Meant) -> Entries:
    """Who comes into which arm when: the first start or therapy in the index window, else the first of all."""
    starts = draw_starts(Draws(meant.spec.seed), meant.people)
    known = starts.body >= 0
    visits = meant.visits
    is_therapy = ((visits.kind == THERAPY_VISIT) | (visits.kind == EVALUATION)) & (visits.theme < len(BODIES))
    claim = np.arange(len(visits.person)) - np.searchsorted(visits.person, visits.person) + 1
    sources = (
        (starts.person[known], starts.day[known], starts.body[known], starts.body[known]),
        (visits.person[is_therapy], visits.day[is_therapy], visits.theme[is_therapy], _as_text(claim[is_therapy])),
    )
    firsts = [_first(*source) for source in sources]
    person, day, body = (np.concatenate([part[k] for part in firsts]) for k in range(3))
    treated = np.repeat([True, False], [len(part[0]) for part in firsts])
    order = np.lexsort((~treated, person))
    return Entries(person[order], treated[order], day[order], body[order])


def _first(person: Index, day: Days, body: Index, tie: Index) -> tuple[Index, Days, Index]:
    outside = (day < INDEX_FIRST) | (day >= INDEX_STOP)
    order = np.lexsort((tie, day, outside, person))
    chosen = order[np.unique(person[order], return_index=True)[1]]
    return person[chosen], day[chosen], body[chosen]


def _as_text(claim: Index) -> Index:
    """Numbers that sort as the digits of claims do: 1, 10, 11, 2."""
    digits = np.floor(np.log10(np.maximum(claim, 1))).astype(np.int64)
    return claim * 10 ** (8 - digits) * 10 + digits


def judge(meant: Meant, found: Entries) -> dict[str, Flags]:
    """Every criterion of the study preset for every entry."""
    people, fills = meant.people, meant.fills
    cover = Coverage(*(getattr(meant.coverage, name)[found.person] for name in Coverage.__dataclass_fields__))
    opioid = fills.list == 0
    before = count_around(fills.person[opioid], fills.day[opioid], found, -LOOKBACK, -1)
    age = ages(people, found)
    return {
        "index_in_window": (found.day >= INDEX_FIRST) & (found.day < INDEX_STOP),
        "age": age >= ADULT,
        "enrolled_before": cover.covers(found.day - LOOKBACK, found.day + 1),
        "enrolled_after": cover.covers(found.day, found.day + FOLLOW_UP + 1),
        "washout": before == 0,
        "demographics_known": age >= 0,
        "one_arm": found.treated | ~on_roster(Draws(meant.spec.seed), people)[found.person],
    }


def ages(people: People, found: Entries) -> Index:
    """Completed years at each index; negative before birth."""
    return completed_years(people.birth[found.person], found.day)


def employer_at(cover: Coverage, found: Entries) -> Index:
    """Employer of the span that holds the index, of two the later; else of the last begun, else of the first."""
    start, stop = cover.start[found.person], cover.stop[found.person]
    real, day = stop > start, found.day[:, None]
    began = real & (start <= day)
    holds = began & (day < stop)
    second = holds[:, 1] | (~holds[:, 0] & began[:, 1])
    chosen: Index = cover.employer[found.person, second.astype(np.int64)]
    return chosen


def covariates(meant: Meant, found: Entries) -> dict[str, pa.Array]:
    """Days of care by family, comorbidity groups and cents in the year before each index, the index day left out."""
    visits, lines = meant.visits, meant.lines
    columns = {}
    for family in FAMILIES:
        rows = is_of(visits.kind, family)
        days = np.unique(_key(visits.person[rows], visits.day[rows]))
        columns[f"{family}_visits"] = _between(days, found, -LOOKBACK, -1)
    visit, place = np.nonzero(meant.diagnoses >= 0)
    group = catalogue().theme[meant.diagnoses[visit, place]] - GENERAL - 1
    total = np.zeros(len(found.person), np.int64)
    for number in range(len(CONDITIONS)):
        rows = visit[group == number]
        total += count_around(visits.person[rows], visits.day[rows], found, -LOOKBACK, -1) > 0
    money = np.concatenate([np.zeros(1, np.int64), np.cumsum(lines.cents)])
    low, high = _bounds(_key(lines.person, lines.day), found, -LOOKBACK, -1)
    columns |= {"comorbidity_count": total, "cents": money[high] - money[low]}
    return {name: pa.array(column) for name, column in columns.items()}


def is_of(kind: Index, family: str) -> Flags:
    """Whether each kind of visit counts for a care family; an evaluation is therapy."""
    evaluation = (kind == EVALUATION) & (family == "therapy")
    same: Flags = (kind == KINDS.index(family)) | evaluation
    return same


def count_around(person: Index, day: Days, found: Entries, first: int, last: int) -> Index:
    """Events of each entry's person on days ``first`` to ``last`` from its index, both included."""
    return _between(np.sort(_key(person, day)), found, first, last)


def _between(key: Index, found: Entries, first: int, last: int) -> Index:
    low, high = _bounds(key, found, first, last)
    return high - low


def _bounds(key: Index, found: Entries, first: int, last: int) -> tuple[Index, Index]:
    low = np.searchsorted(key, _key(found.person, found.day + first), "left")
    high = np.searchsorted(key, _key(found.person, found.day + last), "right")
    return low.astype(np.int64), high.astype(np.int64)


def _key(person: Index, day: Days) -> Index:
    return (person << _BITS) + day
