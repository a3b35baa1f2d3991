"""Small cells: what may not leave, because it is, or gives away, a count of 1 to ``min_cell`` - 1 people.

``min_cell`` is 11 by the convention of the US Centers for Medicare & Medicaid Services (counts of 1 to 10 are
not shown); 1 withholds nothing. A withheld figure is None. These rules cover one table at a time.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace

from claimtwin.stats.arms import ArmOutcome
from claimtwin.stats.balance import BalanceRow
from claimtwin.stats.intervals import Effect
from claimtwin.stats.paired import PairTable

SMALL_CELL = "withheld: small cell"
OF_PAIRS = ("cluster_pair", "cluster_both", "bootstrap_pair")
"""Errors that depend on how the two of a pair resemble each other."""
WHETHER_ANY = ("two_part",)
"""Models of a number that tell who had any."""
NOTHING = ArmOutcome(None, None, None, None, None, None, None, None)


def is_small(count: int, min_cell: int) -> bool:
    """Whether a count is of 1 to ``min_cell`` - 1 people; 0 is nobody and may be shown."""
    return 1 <= count < min_cell


def withhold(count: int, min_cell: int) -> int | None:
    """The count, or None when it is small."""
    return None if is_small(count, min_cell) else count


def at_least(count: int, min_cell: int) -> int | None:
    """The count rounded down to a multiple of ``min_cell``, or None when it is small.

    For counts of overlapping groups side by side: whatever is added or taken away, no group of few is found.
    """
    return None if is_small(count, min_cell) else count - count % min_cell


def withhold_beside(count: int, shown: Sequence[int | None], min_cell: int) -> int | None:
    """The count, or None when it is small or differs from a figure shown beside it by a small number."""
    gives_away = any(other is not None and is_small(abs(count - other), min_cell) for other in shown)
    return None if gives_away else withhold(count, min_cell)


def withhold_flow(remaining: Sequence[int], min_cell: int) -> list[int | None]:
    """People left after each criterion, with the steps withheld that give an exclusion of few people away.

    The last step is shown unless it is small; going back, a step is shown when it is not small and exceeds the
    next shown one by 0 or by at least ``min_cell``. ``remaining`` never rises.
    """
    shown: list[int | None] = []
    after: list[int] = []
    for count in reversed(remaining):
        shown.append(withhold_beside(count, after[-1:], min_cell))
        after += [count] if shown[-1] is not None else []
    return shown[::-1]


def withhold_split(whole: int, part: int, min_cell: int) -> tuple[int | None, int | None, int | None]:
    """Whole, part and rest, as of the treated: in a pair and unmatched: a small part takes the other with it."""
    rest = whole - part
    if is_small(part, min_cell) or is_small(rest, min_cell):
        return withhold(whole, min_cell), None, None
    return whole, part, rest


def withhold_two_by_two(
    treated: ArmOutcome, comparator: ArmOutcome, effects: Sequence[Effect], min_cell: int
) -> tuple[ArmOutcome, ArmOutcome, tuple[Effect, ...]]:
    """Both arms of one outcome and the effects built on them.

    An arm whose people with, or without, the outcome are few keeps only its size; the effects then go too, for
    an effect and the other arm would give this one back.
    """
    arms = [withhold_arm(arm, min_cell) for arm in (treated, comparator)]
    whole = arms == [treated, comparator]
    return arms[0], arms[1], tuple(effects) if whole else tuple(map(_without_numbers, effects))


def withhold_paired(effects: Sequence[Effect], table: PairTable, min_cell: int) -> tuple[Effect, ...]:
    """Effects, without the numbers of those that tell the kinds of pairs where some kind is rare.

    What is made of discordant pairs tells them, and so does an unadjusted interval that lets the two of a pair
    resemble each other: beside both arms it has one unknown, the pairs in which both had the outcome.
    """
    if not has_small_pairs(table, min_cell):
        return tuple(effects)
    return tuple(_without_numbers(effect) if tells_pairs(effect) else effect for effect in effects)


def tells_pairs(effect: Effect) -> bool:
    """Whether the number of pairs in which both had the outcome can be worked out from an effect and both arms."""
    told = effect.estimate is not None and not effect.adjusted and effect.errors in OF_PAIRS
    return told or effect.errors == "within_pairs"


def has_small_pairs(table: PairTable, min_cell: int) -> bool:
    """Whether some kind of pair (both had the outcome, one, neither) is rare."""
    cells = (table.both, table.treated_only, table.comparator_only, table.neither)
    return any(is_small(cell, min_cell) for cell in cells)


def withhold_arm(arm: ArmOutcome, min_cell: int) -> ArmOutcome:
    """An arm with its outcome withheld when the people with or without it are few, its size when they are few."""
    if arm.n is None or arm.people is None:
        return arm
    if is_small(arm.n, min_cell):
        return NOTHING
    few = is_small(arm.people, min_cell) or is_small(arm.n - arm.people, min_cell)
    return replace(NOTHING, n=arm.n) if few else arm


def withhold_cost(
    treated: ArmOutcome, comparator: ArmOutcome, effects: Sequence[Effect], min_cell: int
) -> tuple[ArmOutcome, ArmOutcome, tuple[Effect, ...]]:
    """Both arms of a cost and the effects on it: who had any cost is withheld where few had none.

    Sums and means of amounts do not tell how many had none, so they stay, but for models of whether any. With few
    people, or few with a cost, all goes as in ``withhold_two_by_two``.
    """
    arms, counts = (treated, comparator), ("people", "percent", "low", "high")
    if any(is_small(arm.n or 0, min_cell) or is_small(arm.people or 0, min_cell) for arm in arms):
        return withhold_two_by_two(treated, comparator, effects, min_cell)
    few = [is_small((arm.n or 0) - (arm.people or 0), min_cell) for arm in arms]
    told = [replace(arm, **dict.fromkeys(counts)) if is_few else arm for arm, is_few in zip(arms, few, strict=True)]
    shown = (_without_numbers(e) if any(few) and e.model in WHETHER_ANY else e for e in effects)
    return told[0], told[1], tuple(shown)


def withhold_means(
    rows: Sequence[BalanceRow],
    sizes: dict[str, tuple[int, int]],
    binary: Collection[str],
    min_cell: int,
    *,
    counted: Sequence[BalanceRow] | None = None,
) -> list[BalanceRow]:
    """Balance rows, with both means of a 0/1 covariate withheld where either stands for few people.

    Its standardised difference is then kept to two digits, too few to find the counts back.

    Args:
        sizes: Treated and comparators for each ``when``.
        binary: Names of the 0/1 covariates: a mean times the size is a count.
        counted: The same rows with unweighted means, which times the sizes are counts, where ``rows`` are weighted.
    """
    return [
        _without_means(row) if row.covariate in binary and _few_stand_behind(own, sizes[row.when], min_cell) else row
        for row, own in zip(rows, rows if counted is None else counted, strict=True)
    ]


def _few_stand_behind(row: BalanceRow, sizes: tuple[int, int], min_cell: int) -> bool:
    shares = zip((row.mean_treated, row.mean_comparator), sizes, strict=True)
    counts = [(round(share * n), n) for share, n in shares if share is not None]
    return any(is_small(count, min_cell) or is_small(n - count, min_cell) for count, n in counts)


def _without_means(row: BalanceRow) -> BalanceRow:
    smd = None if row.smd is None else round(row.smd, 2)
    return replace(row, mean_treated=None, mean_comparator=None, smd=smd)


def _without_numbers(effect: Effect) -> Effect:
    return replace(effect, estimate=None, low=None, high=None, p_value=None, note=SMALL_CELL)


def hide_lone(cells: Sequence[int | None]) -> list[int | None]:
    """Cells whose sum is shown elsewhere: a single withheld one takes the smallest other, above 0, with it.

    Ties: the first of several equally small ones.
    """
    shown = list(cells)
    known = [place for place, count in enumerate(shown) if count]
    if shown.count(None) == 1 and known:
        shown[min(known, key=lambda place: (cells[place] or 0, place))] = None
    return shown
