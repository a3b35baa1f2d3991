"""Calipers in standard deviations of each block: people block by block, with rules of their own."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from claimtwin.errors import InputError
from claimtwin.kernel.columns import Index, starts_run
from claimtwin.kernel.matching.pairs import Pairs
from claimtwin.kernel.matching.rules import Rules
from claimtwin.kernel.matching.sorting import sort_codes
from claimtwin.kernel.matching.units import Scores, Units


@dataclass(frozen=True)
class InSd:
    """Which calipers of some rules are in standard deviations; the others are in units of their column.

    ``near`` has a flag for each of the rules' ``widths``; empty, for none.
    """

    score: bool = False
    near: tuple[bool, ...] = ()


@dataclass(frozen=True)
class Part:
    """People who are matched by themselves: their rows among all, ascending, and the rules they are matched by."""

    rows: Index
    units: Units
    rules: Rules


def spread(values: Scores) -> float:
    """Standard deviation (n - 1), in units of the values; the same to the last bit in any order of them.

    Nought for fewer than two values and for values that are all equal, whatever rounding makes of their mean.

    Raises:
        InputError: Values that are infinite or missing; how many.
    """
    if wrong := int(np.count_nonzero(~np.isfinite(values))):
        raise InputError(
            f"{wrong:,} values of a block are infinite or missing.",
            where="a caliper in standard deviations of each block",
            rule="a spread is that of finite numbers",
            remedy="leave these people out, or take the standard deviation of all units",
        )
    ascending = np.sort(values)
    if len(ascending) < 2 or ascending[0] == ascending[-1]:
        return 0.0
    return float(np.std(ascending, ddof=1))


def rules_in_block(units: Units, rules: Rules, in_sd: InSd) -> Rules:
    """The rules of one block's people: what is in standard deviations becomes a width in units of its column.

    The spread is that of both arms together. Where there is none a width is 0, which equal values keep.
    """
    flags = in_sd.near or (False,) * len(rules.widths)
    columns = zip(rules.widths, flags, units.near.T, strict=True)
    widths = tuple(width * spread(values) if scaled else width for width, scaled, values in columns)
    caliper = rules.caliper
    if caliper is not None and in_sd.score:
        caliper *= spread(units.score)
    return replace(rules, caliper=caliper, widths=widths)


def split_blocks(units: Units, rules: Rules, in_sd: InSd) -> Iterator[Part]:
    """The people of each block with its rules, in the order of the blocks' codes.

    What is matched part by part and proven part by part is matched and proven as a whole: pairs never cross blocks.
    """
    row = sort_codes(units.block)
    for rows in np.split(row, np.flatnonzero(starts_run(units.block[row]))[1:]):
        own = units.take(rows)
        yield Part(rows, own, rules_in_block(own, rules, in_sd))


def join_parts(parts: Sequence[Part], pairs: Sequence[Pairs]) -> Pairs:
    """Pairs of all the people from those of each part, one part after the other."""
    none = np.zeros(0, np.int64)
    mapped = list(zip(parts, pairs, strict=True))
    return Pairs(
        np.concatenate([none, *(part.rows[found.treated] for part, found in mapped)]),
        np.concatenate([none, *(part.rows[found.control] for part, found in mapped)]),
        np.concatenate([none, *(found.rank for found in pairs)]),
        np.concatenate([np.zeros(0), *(found.distance for found in pairs)]),
    )
