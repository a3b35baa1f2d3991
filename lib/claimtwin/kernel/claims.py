"""The claims of one block as the kernels see them: numbers only, sorted by member, then day.

Codes were classified before, once per distinct code; a kernel never compares text.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from claimtwin.kernel.columns import Days, Flags, Index

if TYPE_CHECKING:
    from claimtwin.kernel.opioid_measures import OpioidUse

Small = NDArray[np.int16]


@dataclass(frozen=True)
class Coverage:
    """Enrolment spans, sorted by member, start, then the rest of the key; half-open days.

    ``birth`` is ``NO_DAY`` where unknown; ``sex``, ``region`` and ``employer`` are numbers of the block's
    name lists, -1 where unknown.
    """

    member: Index
    start: Days
    stop: Days
    medical: Flags
    pharmacy: Flags
    birth: Days
    sex: Small
    region: Small
    employer: Index


@dataclass(frozen=True)
class Services:
    """Medical lines, sorted by member, day, claim and line.

    ``families`` has a column per care family, ``arms`` one per arm (treated, comparator): whether the line
    counts for it. ``body`` is the region of the first listed diagnosis that has one, -1 for none. ``thousandths``
    are those of a unit of service; null: every line is one unit.
    """

    member: Index
    day: Days
    families: NDArray[np.bool_]
    arms: NDArray[np.bool_]
    body: Small
    cents: Index
    thousandths: Index | None = None


@dataclass(frozen=True)
class Conditions:
    """One row a line and comorbidity group named on it; any order."""

    member: Index
    day: Days
    group: Small
    names: tuple[str, ...] = ()
    points: tuple[int, ...] = ()
    """Name of each group, and what it is worth, where groups are not only counted."""
    unless: tuple[tuple[int, int], ...] = ()
    """Pairs of groups of which the first does not count beside the second, the graver."""


@dataclass(frozen=True)
class CodeGroups:
    """One row a line and code group on it, sorted by member and day; ``key`` as ``codes.groups`` numbers them."""

    member: Index
    day: Days
    key: Index


@dataclass(frozen=True)
class Roster:
    """Programme starts, sorted by member, day and key; ``body`` -1 where unknown; ``counts`` marks the one studied."""

    member: Index
    day: Days
    body: Small
    counts: Flags


@dataclass(frozen=True)
class Claims:
    """All that is known of a block's members; ``drugs`` holds (member, day) of dispensings by list name.

    ``diagnoses`` and ``procedures`` hold (member, day) of lines by the name of their list; ``opioids`` is null
    unless an outcome is a measure of them. ``amounts`` holds (member, day, amount) of the lines of an outcome that
    adds them up, by the outcome's name: whole days or cents. ``assigned`` is the index day that each member of the
    block was drawn, null unless an arm is assigned one, and ``undrawn`` who was drawn none, null unless days are drawn
    within strata; ``deaths`` the day of each member's death (``kernel.deaths``), null where the block has none.
    ``points`` are conditions worth points by the name of their list, ``noted`` (member, day) of the diagnoses that are
    covariates, both empty unless a study asks for them; ``groups`` the code groups that a study may choose covariates
    from, null unless it does.
    """

    n_members: int
    coverage: Coverage
    services: Services
    conditions: Conditions
    roster: Roster
    drugs: dict[str, tuple[Index, Days]]
    diagnoses: dict[str, tuple[Index, Days]] = field(default_factory=dict)
    procedures: dict[str, tuple[Index, Days]] = field(default_factory=dict)
    amounts: dict[str, tuple[Index, Days, Index]] = field(default_factory=dict)
    assigned: Days | None = None
    undrawn: Flags | None = None
    deaths: Days | None = None
    opioids: "OpioidUse | None" = None
    points: dict[str, Conditions] = field(default_factory=dict)
    noted: dict[str, tuple[Index, Days]] = field(default_factory=dict)
    groups: CodeGroups | None = None
