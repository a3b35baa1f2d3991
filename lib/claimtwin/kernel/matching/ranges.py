"""A block too large for one machine, matched range by range of its scores, in the orders ``largest`` and ``smallest``.

Cut the scores anywhere and sweep each range on its own. What the sweep of one range leaves to the next is short: the
treated whose choice is open, because a control beyond the cut may be their nearest, and the controls that are free
and still within reach of somebody. A range that was swept as if nobody waited is put right from its beginning: it is
swept again with those who wait, part by part, until both sweeps leave the same people waiting; from there on they are
the same sweep. So ranges can be swept at the same time, and the match is that of one sweep, pair by pair.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from claimtwin.errors import InputError
from claimtwin.kernel.columns import Index
from claimtwin.kernel.matching.line import downward
from claimtwin.kernel.matching.rules import Rules
from claimtwin.kernel.matching.sweep import NOBODY, match_largest_first, match_smallest_first
from claimtwin.kernel.matching.units import Scores

SWEPT_ORDERS = ("largest", "smallest")
"""Orders in which a block can be cut."""


@dataclass(frozen=True)
class Stretch:
    """People of a stretch of scores, or those who wait at a cut: either arm ascending by score, then tie key.

    ``treated`` and ``control`` are names that the caller gives, whole numbers from 0; ``t`` and ``c`` their scores.

    Raises:
        InputError: A score is infinite or missing; nothing can be said of where it lies.
    """

    t: Scores
    treated: Index
    c: Scores
    control: Index

    def __post_init__(self) -> None:
        """Refuse scores that have no place on a line."""
        wrong = sum(int(np.count_nonzero(~np.isfinite(score))) for score in (self.t, self.c))
        if wrong:
            raise InputError(
                f"{wrong} scores are infinite or missing.",
                where="a block that is matched range by range, column score",
                rule="scores are finite where a block is cut by score",
                remedy="leave these people out, or let the block be matched in one piece",
            )

    def __len__(self) -> int:
        """Number of people."""
        return len(self.t) + len(self.c)

    def __eq__(self, other: object) -> bool:
        """Same people by name; names belong to one score each."""
        return (
            isinstance(other, Stretch)
            and np.array_equal(self.treated, other.treated)
            and np.array_equal(self.control, other.control)
        )

    def between(self, low: float, high: float) -> "Stretch":
        """The people of scores from ``low`` up to, not including, ``high``."""
        t = slice(*np.searchsorted(self.t, (low, high)))
        c = slice(*np.searchsorted(self.c, (low, high)))
        return Stretch(self.t[t], self.treated[t], self.c[c], self.control[c])


_NO_SCORE, _NO_NAME = np.zeros(0), np.zeros(0, np.int64)
NOBODY_WAITS = Stretch(_NO_SCORE, _NO_NAME, _NO_SCORE, _NO_NAME)


@dataclass(frozen=True)
class Decided:
    """Treated whose choice is made, in their turn: names, and -1 and not a number for who has no twin."""

    treated: Index
    control: Index
    distance: Scores

    def __len__(self) -> int:
        """Number of treated."""
        return len(self.treated)


@dataclass(frozen=True)
class Step:
    """One range swept: everybody it was swept with, the places that were decided, and who waits at its end."""

    everybody: Stretch
    treated: Index
    twin: Index
    waiting: Stretch

    @property
    def decided(self) -> Decided:
        """The choices made, by name."""
        one, found = self.everybody, self.twin != NOBODY
        control, distance = np.full(len(found), NOBODY), np.full(len(found), np.nan)
        control[found] = one.control[self.twin[found]]
        distance[found] = np.abs(one.t[self.treated[found]] - one.c[self.twin[found]])
        return Decided(one.treated[self.treated], control, distance)


def sweep_range(people: Stretch, waiting: Stretch, rules: Rules) -> Step:
    """Sweep one range of a block after those of higher scores (``smallest``: of lower ones).

    Args:
        people: Everybody of the range. Nobody means that there is no further range: all who wait are decided.
        waiting: Who waits at the cut above it (``smallest``: below).
        rules: 1:1, ``largest`` or ``smallest``, nothing but the score and its caliper.

    Who waits are people within a caliper of the cut; without a caliper, all controls that are free.
    """
    down = rules.order == "largest"
    everybody = joined([people, waiting] if down else [waiting, people])
    along = match_largest_first if down else match_smallest_first
    turn = downward(everybody.t) if down else np.arange(len(everybody.t))
    twin = along(everybody.t, everybody.c, rules.reach)[turn]
    sign = 1.0 if down else -1.0
    score, control = sign * everybody.t[turn], sign * everybody.c
    floor = _floor(people, sign)
    n = _first_open(score, control, twin, floor, rules)
    free = np.ones(len(control), np.bool_)
    free[twin[:n][twin[:n] != NOBODY]] = False
    next_up = score[n] if n < len(score) else floor
    free &= control - next_up <= rules.reach
    rest = np.sort(turn[n:])
    left = Stretch(everybody.t[rest], everybody.treated[rest], everybody.c[free], everybody.control[free])
    return Step(everybody, turn[:n], twin[:n], left)


def repair(parts: Iterable[Stretch], waiting: Stretch, rules: Rules) -> "Repaired":
    """Put a range right that was swept as if nobody waited, reading only as many of its parts as it takes.

    Args:
        parts: The range as ``cut`` makes it, in the order of the sweep; read one at a time.
        waiting: Who waits at the range's beginning.
    """
    steps, replaced, assumed = list[Step](), 0, NOBODY_WAITS
    coming = iter(parts)
    while waiting != assumed:
        part = next(coming, None)
        if part is None:
            return Repaired(steps, replaced, waiting)
        steps.append(sweep_range(part, waiting, rules))
        other = sweep_range(part, assumed, rules)
        waiting, assumed = steps[-1].waiting, other.waiting
        replaced += len(other.treated)
    return Repaired(steps, replaced, None)


@dataclass(frozen=True)
class Repaired:
    """What a repair found.

    Attributes:
        steps: The true sweep of the range's first parts.
        replaced: How many of the first choices of the assumed sweep they stand in for.
        waiting: Who waits at the end of the range; null where the assumed sweep knows.
    """

    steps: Sequence[Step]
    replaced: int
    waiting: Stretch | None


def cut(people: Stretch, rules: Rules, size: int) -> Iterator[Stretch]:
    """Parts of about ``size`` people in the order of the sweep; people of one score stay together."""
    score = np.sort(np.concatenate([people.t, people.c]), kind="stable")
    edges = np.concatenate([[-np.inf], np.unique(score[size::size]), [np.inf]]).tolist()
    stretches = list(zip(edges[:-1], edges[1:], strict=True))
    for low, high in reversed(stretches) if rules.order == "largest" else stretches:
        if len(part := people.between(low, high)):
            yield part


def joined(stretches: Sequence[Stretch]) -> Stretch:
    """One stretch of several, given from the lowest to the highest."""
    columns = ([getattr(s, name) for s in stretches] for name in ("t", "treated", "c", "control"))
    return Stretch(*(np.concatenate(column) for column in columns))


def _floor(people: Stretch, sign: float) -> float:
    """Score, in the sweep's direction, that everybody of later ranges lies below; none later, none below."""
    last = slice(0, 1) if sign > 0 else slice(-1, None)
    return float(min(sign * np.concatenate([people.t[last], people.c[last]]), default=-np.inf))


def _first_open(score: Scores, control: Scores, twin: Index, floor: float, rules: Rules) -> int:
    """The first turn that somebody below the floor could change, or the number of turns.

    A choice is open if no free control is left at or below the treated's score, somebody below the floor can be
    within reach, and nobody above is certainly preferred: nearer than the floor, or for ``smallest``, where the
    higher score in this direction is the lower one and wins a tie, as near.

    Later turns than an open one have no control left below them either, so that all of them wait.
    """
    down, n = rules.order == "largest", len(score)
    found = twin != NOBODY
    taken = np.full(len(control), n)
    taken[twin[found]] = np.flatnonzero(found)
    upward = slice(None) if down else slice(None, None, -1)
    last = np.append(NOBODY, np.maximum.accumulate(taken[upward]))
    has_left = last[np.searchsorted(control[upward], score, "right")] >= np.arange(n)
    room = score - floor
    right = np.full(n, np.inf)
    right[found] = np.abs(score[found] - control[twin[found]])
    is_open = ~has_left & (room <= rules.reach) & ((right >= room) if down else (right > room))
    return int(is_open.argmax()) if is_open.any() else n
