"""The match: block by block, round by round."""

from collections.abc import Callable, Iterable, Iterator

import numpy as np

from claimtwin.kernel.columns import Index
from claimtwin.kernel.matching.closest import match_closest_first
from claimtwin.kernel.matching.line import Block, blocks_of
from claimtwin.kernel.matching.most import match_most
from claimtwin.kernel.matching.pairs import Pairs, pairs_of
from claimtwin.kernel.matching.reuse import nearest_controls
from claimtwin.kernel.matching.rules import Rules
from claimtwin.kernel.matching.seek import match_farthest_first, match_in_turn
from claimtwin.kernel.matching.sweep import NOBODY, match_largest_first, match_smallest_first
from claimtwin.kernel.matching.turns import by_tie, place_in, rehash, turn_of
from claimtwin.kernel.matching.units import Units
from claimtwin.kernel.matching.window import Spare, Window, is_measured, take_closest, take_in_turn

Places = Index | slice
EVERYBODY = slice(None)
_NONE = np.zeros(0, np.int64)
Couples = tuple[Index, Index, Index]
"""Places of the treated and of their twins in the sorted block, and ranks."""


def match_units(units: Units, rules: Rules) -> Pairs:
    """Match the treated with controls of their block.

    Ties: of two equally near controls the one with the lower score is taken, then the smaller tie key; of two treated
    whose turn is the same (equal scores, equally near couples) the smaller tie key. On one side of a treated,
    scores too close for their computed distances to differ keep their own order. Nothing depends on the order of
    rows where tie keys are unique.

    Cost: that of sorting, if distance is the difference of scores and nothing else limits the pairs; otherwise
    the sum of the controls within each treated's score caliper.

    Raises:
        ConfigError: The rules do not fit the units.
    """
    return keep_floor(choose_twins(units, rules), rules.floor)


def choose_twins(units: Units, rules: Rules, blocks: Iterable[Block] | None = None) -> Pairs:
    """The match before ``floor`` is looked at: what the certificate judges.

    ``blocks`` are those of ``sorted_blocks``, for who needs them twice; null sorts the people here.
    """
    rules.check(units)
    parts = [_match_block(block, units, rules) for block in blocks or sorted_blocks(units, rules)]
    pairs = pairs_of(units, *_joined(parts))
    endless = is_measured(units, rules) and np.isinf(units.score).any()
    return _put_in_turn(pairs, units, rules) if endless else pairs


def sorted_blocks(units: Units, rules: Rules) -> Iterator[Block]:
    """The people of each block, sorted; in an endless score nobody is near but who shares it."""
    return blocks_of(units, split_infinite=is_measured(units, rules))


def keep_floor(pairs: Pairs, floor: int) -> Pairs:
    """Drop the couples of treated with fewer twins than ``floor``; what they had stays unused."""
    return pairs if floor == 1 or not len(pairs) else pairs.take(np.bincount(pairs.treated)[pairs.treated] >= floor)


def _match_block(block: Block, units: Units, rules: Rules) -> Couples:
    """Rows of treated and controls, and ranks, by turn and rank."""
    plain = units.on_a_line and (rules.capacity is None or rules.capacity == 1 or rules.ratio == 1)
    treated, control, rank = (_on_a_line if plain else _in_windows)(block, units, rules)
    order = np.argsort(place_in(turn_of(block, units, rules))[treated], kind="stable")  # ranks ascend already
    return block.treated[treated[order]], block.control[control[order]], rank[order]


def _on_a_line(block: Block, units: Units, rules: Rules) -> Couples:
    if rules.capacity is None:
        return _by_rank(nearest_controls(block.t, block.c, rules.ratio, rules.reach))
    choose = _chooser(block, units, rules)
    asking: Places = EVERYBODY
    free: Places = EVERYBODY
    if rules.capacity > 1:
        free = np.repeat(np.arange(len(block.c)), min(rules.capacity, len(block.t)))
    rounds = []
    for rank in range(1, rules.ratio + 1):
        twin = choose(asking, free)
        got = np.flatnonzero(twin != NOBODY)
        taken = twin[got]
        asking = _picked(asking, got)
        rounds.append((asking, _picked(free, taken), np.full(len(asking), rank)))
        if rank < rules.ratio:
            free = np.delete(np.arange(len(block.c))[free], taken)
    return _joined(rounds)


def _picked(places: Places, which: Index) -> Index:
    return which if isinstance(places, slice) else places[which]


def _chooser(block: Block, units: Units, rules: Rules) -> Callable[[Places, Places], Index]:
    """What finds a round's twins: a place in the free controls for each treated that asks, both ascending."""
    t, c, reach = block.t, block.c, rules.reach
    if rules.order in ("data", "random"):
        turn = turn_of(block, units, rules)
        return lambda asking, free: match_in_turn(t[asking], c[free], _among(turn, asking), reach)
    if rules.order in ("closest", "farthest"):
        first = place_in(by_tie(block, units))
        choose = match_closest_first if rules.order == "closest" else match_farthest_first
        return lambda asking, free: choose(t[asking], c[free], first[asking], reach)
    along = {"largest": match_largest_first, "smallest": match_smallest_first, "maximum": match_most}[rules.order]
    return lambda asking, free: along(t[asking], c[free], reach)


def _among(turn: Index, asking: Places) -> Index:
    """The turn of those who ask, as places among them."""
    return turn if isinstance(asking, slice) else np.argsort(place_in(turn)[asking])


def _in_windows(block: Block, units: Units, rules: Rules) -> Couples:
    window = Window(units, rules, block)
    if rules.capacity is None:
        return _nearest_in_windows(window)
    spare, asking = Spare(window), turn_of(block, units, rules)
    first = place_in(by_tie(block, units))
    rounds = []
    for rank in range(1, rules.ratio + 1):
        if rules.order == "closest":
            twin = take_closest(spare, asking, first)
        else:
            if rules.order == "farthest":
                far = np.array([-spare.nearest(who)[0] for who in asking.tolist()])
                asking = asking[np.lexsort((first[asking], far))]
            twin = take_in_turn(spare, asking)
        asking, taken = asking[twin != NOBODY], twin[twin != NOBODY]
        rounds.append((asking, taken, np.full(len(asking), rank)))
    return _joined(rounds)


def _nearest_in_windows(window: Window) -> Couples:
    everybody = np.ones(len(window.block.c), np.bool_)
    places = np.full((len(window.block.t), window.rules.ratio), NOBODY)
    for who in range(len(places)):
        place, distance = window.candidates(who, everybody)
        nearest = place[np.argsort(distance, kind="stable")][: window.rules.ratio]
        places[who, : len(nearest)] = nearest
    return _by_rank(places)


def _by_rank(places: Index) -> Couples:
    """Couples from a table of the treated's twins, one column a rank."""
    treated, column = np.nonzero(places != NOBODY)
    return treated, places[treated, column], column + 1


def _joined(parts: list[Couples]) -> Couples:
    """One after the other; a single part is not copied."""
    if len(parts) == 1:
        return parts[0]
    treated, control, rank = (np.concatenate([_NONE, *(part[k] for part in parts)]) for k in range(3))
    return treated, control, rank


def _put_in_turn(pairs: Pairs, units: Units, rules: Rules) -> Pairs:
    """Order the couples of a block as one where its infinite scores were matched as blocks of their own."""
    row = pairs.treated
    score, tie = units.score[row], units.tie[row]
    by_score = {"smallest": score, "data": np.zeros(len(row)), "random": np.zeros(len(row))}.get(rules.order, -score)
    key = rehash(tie, rules.seed) if rules.order == "random" else tie
    return pairs.take(np.lexsort((pairs.rank, row, key, by_score, units.block[row])))
