"""From a block's claims to its candidates: index, criteria as bits, covariates. One row a person and arm."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from claimtwin.config.events import FAMILIES
from claimtwin.config.protocol import Protocol
from claimtwin.kernel.claims import Claims
from claimtwin.kernel.columns import Events, Flags, Index, sum_between
from claimtwin.kernel.comorbidity import count_groups
from claimtwin.kernel.covariates import Cells, Values, groups_before, measure_extras
from claimtwin.kernel.eligibility import People, criteria_of, judge, people_at_index
from claimtwin.kernel.index_events import Entries, pick_entries

TREATED = 0
COMPARATOR = 1


@dataclass(frozen=True)
class Candidates:
    """One row per member and arm, sorted by member, treated first.

    ``met`` holds bit k for the k-th criterion; ``people`` the enrolment row that tells attributes; ``visits``
    has a column per care family (days with such care in the look-back); ``cents`` is allowed money there.
    ``extras`` are covariates that the protocol asks for, ``groups`` the code groups that it may choose from.
    """

    member: Index
    treated: Flags
    entries: Entries
    people: People
    met: Index
    visits: NDArray[np.int64]
    cents: Index
    comorbidities: Index
    extras: dict[str, Values] = field(default_factory=dict)
    groups: Cells | None = None


def build_candidates(claims: Claims, protocol: Protocol) -> Candidates:
    """Every member that comes into an arm, with every criterion judged and every covariate measured."""
    parts = [pick_entries(claims, protocol, arm, k) for k, arm in enumerate(protocol.arm_list())]
    member = np.concatenate([part.member for part in parts])
    arm = np.repeat([TREATED, COMPARATOR], [len(part.member) for part in parts])
    order = np.lexsort((arm, member))
    entries = Entries(
        member[order], np.concatenate([p.day for p in parts])[order], np.concatenate([p.body for p in parts])[order]
    )
    treated = arm[order] == TREATED
    people = people_at_index(claims, entries)
    answers = judge(claims, protocol, entries, people)
    answers["index_drawn"] = treated | ~undrawn(claims, entries.member)
    entered = answers["index_in_window"] & answers["index_drawn"]
    answers["one_arm"] = keeps_one_arm(claims, protocol, entries, treated, entered)
    days = protocol.score.lookback_days
    return Candidates(
        member=entries.member,
        treated=treated,
        entries=entries,
        people=people,
        met=as_bits(answers, criteria_of(protocol)),
        visits=count_visits(claims, entries, days),
        cents=sum_between(
            claims.services.member, claims.services.day, claims.services.cents, *(entries.member, entries.day),
            first=-days, last=-1,
        ),
        comorbidities=count_groups(claims.conditions, entries.member, entries.day, protocol.score.comorbidity_days),
        extras=measure_extras(claims, protocol.score, entries.member, entries.day),
        groups=None
        if claims.groups is None
        else groups_before(claims.groups, entries.member, entries.day, days),
    )  # fmt: skip


def undrawn(claims: Claims, member: Index) -> Flags:
    """Whether a member should have been drawn an index day and its stratum has no users."""
    return np.zeros(len(member), np.bool_) if claims.undrawn is None else claims.undrawn[member]


def keeps_one_arm(claims: Claims, protocol: Protocol, entries: Entries, treated: Flags, entered: Flags) -> Flags:
    """Whether a candidate may stay where people could be in both arms.

    ``exclude_roster``: a comparator has no programme start, studied or not, at any time.
    ``first_arm_entered``: among a person's entries inside the index window the earliest stays; same day, treated.
    """
    if protocol.arms.overlap == "exclude_roster":
        return treated | ~np.isin(entries.member, claims.roster.member)
    order = np.lexsort((~treated, entries.day, ~entered, entries.member))
    first = np.ones(len(order), np.bool_)
    first[1:] = entries.member[order][1:] != entries.member[order][:-1]
    stays = np.zeros(len(order), np.bool_)
    stays[order] = first
    return stays


def as_bits(answers: dict[str, Flags], names: tuple[str, ...]) -> Index:
    """One integer a candidate; bit k is the answer to the k-th criterion."""
    total = np.zeros(len(answers["one_arm"]), np.int64)
    for k, name in enumerate(names):
        total |= answers[name].astype(np.int64) << k
    return total


def count_visits(claims: Claims, entries: Entries, days: int) -> NDArray[np.int64]:
    """Days with care of each family in the ``days`` before index, the index day left out."""
    services = claims.services
    columns = []
    for k in range(len(FAMILIES)):
        rows = services.families[:, k]
        events = Events.of(services.member[rows], services.day[rows]).distinct_days()
        columns.append(events.count(entries.member, entries.day, -days, -1))
    return np.stack(columns, axis=1)
