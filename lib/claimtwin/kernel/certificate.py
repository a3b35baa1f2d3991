"""The certificate of a match: nobody would rather have a twin that was still to be had.

Every order is a rule by which couples take precedence, and the match is the only one in which each control that a
treated prefers to their own belongs to a couple that goes first. That is checked treated by treated, without
matching again: on a line by one question a stretch of preferred controls (which of them goes last?), with
other distances control by control.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np

from claimtwin.errors import ConfigError
from claimtwin.kernel.columns import Flags, Index, ends_run, starts_run
from claimtwin.kernel.matching.line import Block, count_below, downward
from claimtwin.kernel.matching.match import sorted_blocks
from claimtwin.kernel.matching.most import match_most
from claimtwin.kernel.matching.pairs import Pairs
from claimtwin.kernel.matching.rules import Rules
from claimtwin.kernel.matching.seek import nearest_distance
from claimtwin.kernel.matching.turns import by_tie, place_in, turn_of
from claimtwin.kernel.matching.units import Scores, Units
from claimtwin.kernel.matching.window import Window, is_allowed, is_measured

NOBODY = -1
Seats = tuple[Index, Index, Index]
"""Places of treated and control in the sorted block, and rank, of each couple."""


def count_envious(units: Units, rules: Rules, pairs: Pairs, blocks: Sequence[Block] | None = None) -> int:
    """Number of treated who prefer a control that is free or belongs to a couple that goes after theirs.

    Args:
        pairs: As ``choose_twins`` returns them, before a floor; any order. Nought proves that they are the match,
            provided that ``count_broken`` finds nothing.
        blocks: All of ``sorted_blocks``, if they are at hand; null sorts the people here.

    Who has fewer twins than ``ratio`` prefers every control within reach to none. In the order ``maximum`` nobody
    is envious; there it is the number of pairs that are missing, by a count from the other end of the scores.

    Raises:
        ConfigError: A match with replacement, where nobody competes.
    """
    if rules.replace:
        what, rule = "A match with replacement has no certificate.", "without replacement"
        raise ConfigError(what, where="matching rules, replace", rule=rule, remedy="count the broken couples only")
    blocks = list(sorted_blocks(units, rules)) if blocks is None else blocks
    total = 0
    for block, seats in zip(blocks, _seats(units, blocks, pairs), strict=True):
        maximum = rules.order == "maximum"
        total += _missing(block, rules, len(seats[0])) if maximum else _envious(block, units, rules, seats)
    return total


def _seats(units: Units, blocks: Sequence[Block], pairs: Pairs) -> Iterator[Seats]:
    """The couples of each block; those that are not within one block are left out."""
    home, place = np.full(len(units), NOBODY, np.int32), np.empty(len(units), np.int64)
    for name, block in enumerate(blocks):
        for rows in (block.treated, block.control):
            home[rows], place[rows] = name, np.arange(len(rows))
    of_couple = home[pairs.treated]
    inside = np.flatnonzero((of_couple == home[pairs.control]) & (of_couple != NOBODY))
    if len(blocks) > 1:
        inside = inside[np.argsort(of_couple[inside], kind="stable")]
    edge = np.searchsorted(of_couple[inside], np.arange(len(blocks) + 1))
    for low, high in pairwise(edge):
        own = inside[low:high]
        yield place[pairs.treated[own]], place[pairs.control[own]], pairs.rank[own]


def count_broken(units: Units, rules: Rules, pairs: Pairs) -> int:
    """Number of couples that no match may have.

    Wrong arm, two blocks, outside a caliper, equal in an anti-exact column, a control of too many, a couple twice,
    or ranks of a treated that are not 1, 2, ...
    """
    row, other = pairs.treated, pairs.control
    broken = ~units.treated[row] | units.treated[other] | (units.block[row] != units.block[other])
    broken |= ~is_allowed(units, rules, row, other)
    if is_measured(units, rules):
        one, two = units.score[row], units.score[other]
        with np.errstate(invalid="ignore"):
            broken |= (one != two) & ~(np.abs(one - two) <= rules.reach)
    if rules.capacity is not None and len(other):
        broken |= np.bincount(other)[other] > rules.capacity
    return int((broken | _misnumbered(pairs, rules)).sum())


def _misnumbered(pairs: Pairs, rules: Rules) -> Flags:
    """Couples that are there twice, and those whose rank is not the next one of their treated."""
    row, other, rank = pairs.treated, pairs.control, pairs.rank
    wrong = (rank > rules.ratio) | (rank < 1)
    if not len(row) or (rules.ratio == 1 and np.bincount(row).max() == 1):
        return wrong
    order = np.lexsort((rank, row))
    first = starts_run(row[order])
    start = np.flatnonzero(first)[np.cumsum(first) - 1]
    wrong[order] |= rank[order] != np.arange(len(row)) - start + 1
    by_couple = np.lexsort((other, row))
    wrong[by_couple] |= ~(starts_run(row[by_couple]) | starts_run(other[by_couple]))
    return wrong


def _missing(block: Block, rules: Rules, found: int) -> int:
    from_above = match_most(-block.t[::-1], -block.c[::-1], rules.reach)
    return int(np.count_nonzero(from_above != NOBODY)) - found


def _envious(block: Block, units: Units, rules: Rules, seats: Seats) -> int:
    """Treated of one block who are envious in any round."""
    treated, control, rank = seats
    window = None if units.on_a_line else Window(units, rules, block)
    by_nearness = rules.order in ("closest", "farthest")
    turn = place_in(by_tie(block, units) if by_nearness else turn_of(block, units, rules))
    gone = np.zeros(len(block.c), np.bool_)
    envious, asking = np.zeros(len(block.t), np.bool_), np.arange(len(block.t))
    for number in range(1, rules.ratio + 1):
        own = np.full(len(block.t), NOBODY)
        own[treated[rank == number]] = control[rank == number]
        if not len(asking):
            break
        first = turn[asking]
        if rules.order == "farthest":
            first = place_in(np.lexsort((first, -_nearest_free(block, window, asking, ~gone))))
        a_round = _Round(block, rules, asking, own[asking], first, gone)
        envious[asking] |= a_round.envious_on_a_line() if window is None else a_round.envious_in_windows(window)
        gone[own[own != NOBODY]] = True
        asking = asking[own[asking] != NOBODY]
    return int(envious.sum())


def _nearest_free(block: Block, window: Window | None, asking: Index, free: Flags) -> Scores:
    if window is None:
        return nearest_distance(block.t[asking], block.c[free])
    return np.array([window.nearest(who, free)[0] for who in asking.tolist()])


class _Round:
    """Who chooses in a round: places of the treated, ascending, their twins (-1 for none), and who goes first.

    A control that is ``gone`` was taken in an earlier round.
    """

    def __init__(self, block: Block, rules: Rules, asking: Index, own: Index, first: Index, gone: Flags) -> None:
        self.block, self.rules, self.asking, self.own, self.first, self.gone = block, rules, asking, own, first, gone
        self.t, self.c = block.t[asking], block.c
        self.owner = np.full(len(self.c), NOBODY)
        self.owner[own[own != NOBODY]] = np.flatnonzero(own != NOBODY)

    def envious_on_a_line(self) -> Flags:
        """Flags of ``asking``, for distances that are differences of scores."""
        below = np.searchsorted(self.c, self.t, "right")
        envious = np.zeros(len(self.t), np.bool_)
        last_left, last_right, mine_left, mine_right = self._precedence()
        for low, high in _preferred(self.t, self.c, self.own, self.rules.reach):
            envious |= latest_between(last_left, low, np.minimum(high, below)) > mine_left
            envious |= latest_between(last_right, np.maximum(low, below), high) > mine_right
        return envious

    def _precedence(self) -> tuple[Index, Index, Index, Index]:
        """When each control is taken, seen from a treated above and from one below, and the treated's own times.

        A treated would still find the control if its time is later. Turns are the same from both sides. Nearness
        depends on the side: there a control's time is the number of treated, counted away from it, whose couple
        with it would go before the one that it is in.
        """
        if self.rules.order != "closest":
            last = self._put(self.first[self.owner])
            return last, last, self.first, self.first
        left = self._put(_couples_before(self.t, self.c, self.first, self.owner))
        down, down_c = downward(self.t), downward(self.c)
        up = place_in(down_c)
        owner = np.where(self.owner == NOBODY, NOBODY, place_in(down)[self.owner])[down_c]
        right = _couples_before(-self.t[down], -self.c[down_c], self.first[down], owner)
        return left, self._put(right[up]), np.arange(len(self.t)), place_in(down)

    def _put(self, time: Index) -> Index:
        """Times of taken controls; never for a free one, long ago for one that is gone."""
        return np.where(self.gone, NOBODY, np.where(self.owner == NOBODY, np.iinfo(np.int64).max, time))

    def envious_in_windows(self, window: Window) -> Flags:
        """Flags of ``asking``, for any distance."""
        return np.array([self._is_envious(window, k) for k in range(len(self.asking))], np.bool_)

    def _is_envious(self, window: Window, k: int) -> bool:
        place, distance = window.candidates(int(self.asking[k]), ~self.gone)
        mine = np.flatnonzero(place == self.own[k])
        if len(mine):
            nearer = (distance < distance[mine[0]]) | (
                (distance == distance[mine[0]]) & (np.arange(len(place)) < mine[0])
            )
            place, distance = place[nearer], distance[nearer]
        owner = self.owner[place]
        later = self.first[owner] > self.first[k]
        if self.rules.order == "closest":
            theirs = self._distances(window, place, owner)
            later = (theirs > distance) | ((theirs == distance) & later)
        return bool(((owner == NOBODY) | later).any())

    def _distances(self, window: Window, place: Index, owner: Index) -> Scores:
        """How far each taken control is from who has it; infinite for a free one."""
        return np.array([
            window.distance(int(self.asking[who]), np.array([at]))[0] if who != NOBODY else np.inf
            for at, who in zip(place.tolist(), owner.tolist(), strict=True)
        ])  # fmt: skip


def _couples_before(t: Scores, c: Scores, first: Index, owner: Index) -> Index:
    """For each taken control, how many treated from the lowest on are nearer to it from above than who has it.

    Equally near treated count as nearer if they go first. Those of a score stand in the order of ``first``.
    """
    reach = np.where(owner == NOBODY, 0.0, np.abs(c - t[owner]))
    nearer = len(t) - count_below(-c, -t[::-1], reach, equal=np.ones(len(c), np.bool_))
    at = np.minimum(nearer, len(t) - 1)
    run, order = np.cumsum(starts_run(t)), place_in(np.argsort(first))
    equal = (nearer < len(t)) & (t[at] - c == reach)
    size = np.int64(len(t) + 1)
    ahead = np.searchsorted(run * size + order, run[at] * size + order[owner]) - at
    return nearer + np.where(equal, ahead, 0)


def _preferred(score: Scores, control: Scores, own: Index, caliper: float) -> list[tuple[Index, Index]]:
    """Places of the sorted controls that each treated prefers to their own, as half-open stretches.

    Farther out on the left than the own twin is nothing; on the right what is nearer than the twin. Equal
    distances fall to the left, equal scores to the smaller tie key, which is the smaller place.
    """
    matched, twin = own != NOBODY, np.maximum(own, 0)
    reach = np.where(matched, np.abs(score - control[twin]), caliper)
    on_left = matched & (control[twin] <= score)
    on_right = matched & ~on_left
    first = starts_run(control)
    is_plain = bool(first.all())
    stops = twin + 1 if is_plain else (np.flatnonzero(ends_run(control)) + 1)[np.cumsum(first) - 1][twin]
    inner, outer = stops, twin.copy()
    asks = np.flatnonzero(~on_left)
    inner[asks] = count_below(score[asks], control, reach[asks], equal=np.zeros(len(asks), np.bool_))
    asks = np.flatnonzero(~on_right)
    above = count_below(-score[asks], -control[::-1], reach[asks], equal=matched[asks])
    outer[asks] = len(control) - above
    if is_plain:
        return [(inner, outer)]
    starts = np.flatnonzero(first)[np.cumsum(first) - 1][twin]
    return [(inner, outer), (starts, np.where(on_left, twin, starts))]


def latest_between(owner: Index, low: Index, high: Index) -> Index:
    """Largest owner in each half-open stretch, -1 in an empty one; stretches are halved into powers of two."""
    answer, span = np.full(len(low), -1, np.int64), high - low
    width, widest = 1, owner
    while width <= span.max(initial=0):
        rows = np.flatnonzero((span >= width) & (span < 2 * width))
        answer[rows] = np.maximum(widest[low[rows]], widest[high[rows] - width])
        widest = np.maximum(widest[:-width], widest[width:])
        width *= 2
    return answer
