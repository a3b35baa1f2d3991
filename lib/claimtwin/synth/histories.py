"""What a perfect reader of a clean feed finds, a row a person, span, entry, fill or episode: from what was meant.

Nothing here reads a code or a rule of the study's kernels: kinds and themes of visits, reasons of dispensings and
spans are taken as they were drawn, so that each stage of a study can be held against them row by row.
"""

from collections.abc import Callable

import numpy as np
import pyarrow as pa

from claimtwin.synth import text
from claimtwin.synth.catalogue import BODIES, DRUG_LISTS, FAMILIES, catalogue
from claimtwin.synth.causes import CERTAIN
from claimtwin.synth.coverage import FOREVER
from claimtwin.synth.entries import (
    CRITERIA,
    Meant,
    ages,
    count_around,
    covariates,
    employer_at,
    entries_of,
    is_of,
    judge,
    meant_for,
)
from claimtwin.synth.families import DEPENDANT, SPOUSE, SUBSCRIBER
from claimtwin.synth.fills import FOLLOW_UP
from claimtwin.synth.people import STATES
from claimtwin.synth.spec import SynthSpec

REGIONS = ("northeast", "midwest", "south", "west")
EPISODE_GAP = 60
"""Days without care for a region after which care for it is a new episode."""
_PARTS = {SUBSCRIBER: "subscriber", SPOUSE: "spouse", DEPENDANT: "dependant"}


def histories(spec: SynthSpec, first: int, stop: int) -> dict[str, pa.Table]:
    """Every history of members ``first`` to ``stop`` - 1, by name; see docs/synthetic-data.md for the columns."""
    meant = meant_for(spec, first, stop)
    return {name: make(meant) for name, make in HISTORIES.items()}


def history_of(spec: SynthSpec, name: str, first: int, stop: int) -> pa.Table:
    """One history of some members."""
    return HISTORIES[name](meant_for(spec, first, stop))


def _people(meant: Meant) -> pa.Table:
    """One row a member: family, what no claim shows, and both chances."""
    people = meant.people
    return pa.table(
        {
            "person_id": text.person_ids(people.number),
            "subscriber_id": text.person_ids(people.head),
            "part": text.words(list(_PARTS.values()), people.part),
            "arm": text.words(("background", "programme", "therapy"), people.arm),
            "severity": people.severity / 1000,
            "acute": people.acute,
            "risk_with": people.risk_with / CERTAIN,
            "risk_without": people.risk_without / CERTAIN,
            "begins": people.begins,
        }
    )


def _spans(meant: Meant) -> pa.Table:
    """One row a covered stretch of a benefit, half-open; ``stop_date`` null where it goes on."""
    parts = []
    for benefit, pharmacy in (("medical", False), ("pharmacy", True)):
        start, stop = meant.coverage.merged(pharmacy=pharmacy)
        person, span = np.nonzero(stop > start)
        start, stop = start[person, span], stop[person, span]
        columns = {"person_id": meant.ids(person), "benefit": text.words([benefit], person * 0)}
        columns |= {"start_date": meant.dates(start), "stop_date": meant.dates(stop, null=stop >= FOREVER)}
        parts.append(pa.table(columns))
    return pa.concat_tables(parts)


def _fills(meant: Meant) -> pa.Table:
    """One row a dispensing that stands, with its drug list."""
    fills = meant.fills
    ids = meant.ids(fills.person)
    return pa.table(
        {
            "person_id": ids,
            "claim_id": text.claim_ids("R", ids, fills.claim),
            "dispensing_date": meant.dates(fills.day),
            "ndc_code": text.words(catalogue().ndcs, fills.item),
            "drug_list": text.words(DRUG_LISTS, fills.list),
            "days_supply": fills.supply,
            "quantity": fills.quantity,
        }
    )


def _episodes(meant: Meant) -> pa.Table:
    """One row a run of visits for one region without ``EPISODE_GAP`` days between; ``stop_date`` is past the last."""
    visits = meant.visits
    rows = np.flatnonzero(visits.theme < len(BODIES))
    order = rows[np.lexsort((visits.day[rows], visits.theme[rows], visits.person[rows]))]
    person, body, day = visits.person[order], visits.theme[order], visits.day[order]
    same = (person[1:] == person[:-1]) & (body[1:] == body[:-1]) & (day[1:] - day[:-1] <= EPISODE_GAP)
    first = np.flatnonzero(np.concatenate([np.ones(min(len(order), 1), np.bool_), ~same]))
    last = np.append(first[1:], len(order))[: len(first)] - 1
    number = np.cumsum(np.isin(np.arange(len(order)), first)) - 1
    counts = {
        f"{family}_visits": np.bincount(number[is_of(visits.kind[order], family)], minlength=len(first))
        for family in FAMILIES
    }
    dated = {"start_date": meant.dates(day[first]), "stop_date": meant.dates(day[last] + 1)}
    return pa.table({"person_id": meant.ids(person[first]), "body_region": text.words(BODIES, body[first])} | dated
                    | {name: pa.array(count) for name, count in counts.items()})  # fmt: skip


def _entries(meant: Meant) -> pa.Table:
    """One row a person and arm: index date, every criterion with the reasons against, every covariate."""
    found = entries_of(meant)
    people, person = meant.people, found.person
    met = judge(meant, found)
    reasons = [[name for name in CRITERIA if not met[name][k]] for k in range(len(person))]
    states = [state for region in STATES for state in region]
    return pa.table(
        {
            "person_id": meant.ids(person),
            "treated": found.treated,
            "index_date": meant.dates(found.day),
            "body_region": text.words(BODIES, found.body),
            "age": ages(people, found),
            "sex": text.words(("male", "female"), people.female[person].astype(np.int64)),
            "census_region": text.words(REGIONS, people.region[person]),
            "state": text.words(states, (people.region * len(STATES[0]) + people.state)[person]),
            "employer_id": text.employer_ids(employer_at(meant.coverage, found)),
            **{f"meets_{name}": met[name] for name in CRITERIA},
            "excluded_by": pa.array(reasons, pa.list_(pa.string())),
            **covariates(meant, found),
        }
    )


def _outcomes(meant: Meant) -> pa.Table:
    """One row an entry: dispensings of each drug list in days 1 to 365 after its index date."""
    found, fills = entries_of(meant), meant.fills
    columns = {}
    for number, name in enumerate(DRUG_LISTS):
        rows = fills.list == number
        columns[f"{name}_fills"] = count_around(fills.person[rows], fills.day[rows], found, 1, FOLLOW_UP)
    head = {"person_id": meant.ids(found.person), "treated": pa.array(found.treated)}
    return pa.table(head | {name: pa.array(column) for name, column in columns.items()})


HISTORIES: dict[str, Callable[[Meant], pa.Table]] = {
    "people": _people,
    "spans": _spans,
    "entries": _entries,
    "fills": _fills,
    "episodes": _episodes,
    "outcomes": _outcomes,
}
