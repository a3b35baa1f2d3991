"""``claimtwin plan``: the blocks of a match before it is made, with small cells withheld."""

from collections.abc import Sequence
from dataclasses import dataclass

from pyspark.sql import SparkSession

from claimtwin.config.deployment import Env
from claimtwin.config.protocol import Protocol
from claimtwin.errors import GuardError
from claimtwin.io.collect import collect_compact
from claimtwin.io.tables import Store
from claimtwin.spark.facts import is_eligible
from claimtwin.spark.planning import BLOCK_SIZES, count_block_sizes
from claimtwin.stats.withhold import hide_lone, is_small, withhold
from claimtwin.study.progress import Say
from claimtwin.study.stages import open_table

MOST_LINES = 40
HIDDEN = "few"
HEAD = ("block", "treated", "comparators", "couples at most", "distances to weigh")


@dataclass(frozen=True)
class BlockSize:
    """One block: people of each arm who met the criteria."""

    block: str
    treated: int
    comparators: int


def plan_lines(spark: SparkSession, protocol: Protocol, env: Env, say: Say) -> list[str]:
    """Sizes of all blocks as lines to print, from one aggregation over the candidates that are there.

    Raises:
        InputError: There are no candidates yet.
        GuardError: Nobody met the criteria.
    """
    ref = Store(env.tables).table("candidates", study=protocol.study.name)
    candidates = open_table(spark, ref, "claimtwin facts")
    say(f"candidates: version {candidates.state.version}")
    sizes = count_block_sizes(candidates.frame.where(is_eligible(protocol)), protocol.matching.block_keys)
    rows = collect_compact(sizes, BLOCK_SIZES, max_rows=env.door.max_rows, text=["block"]).to_pylist()
    if not rows:
        raise GuardError(
            "Nobody met the criteria of the study.",
            where=ref.name,
            rule="a match needs candidates",
            remedy="look at the attrition: `claimtwin report`",
        )
    return describe_blocks([BlockSize(**row) for row in rows], env.disclosure.min_cell, protocol.matching.ratio)


def describe_blocks(blocks: Sequence[BlockSize], min_cell: int, ratio: int = 1) -> list[str]:
    """A table of the blocks, those with most treated first, the sums, and warnings.

    A count of 1 to ``min_cell`` - 1 people is shown as ``few``, and what would give it away with it: the figures
    made of it, and, where it alone is hidden in its column, the next smallest. ``couples at most`` is the smaller
    arm, the treated ``ratio`` times; ``distances to weigh`` the product of the arms.
    """
    ordered = sorted(blocks, key=lambda b: (-b.treated, -b.comparators, b.block))
    columns = [
        hide_lone([withhold(count, min_cell) for count in arm])
        for arm in ([b.treated for b in ordered], [b.comparators for b in ordered])
    ]
    lines = [(b.block, *_figures(t, c, ratio)) for b, t, c in zip(ordered, *columns, strict=True)]
    rest = len(lines) - MOST_LINES
    more = [f"... and {rest:,} blocks with fewer treated"] if rest > 0 else []
    sums = (_sum(arm, shown, min_cell) for arm, shown in zip(_arms(blocks), columns, strict=True))
    whole = ("all", *map(_shown, sums), "", "")
    table = _laid_out([HEAD, *lines[:MOST_LINES], whole])
    return [*table[:-1], *more, table[-1], *_warnings(blocks)]


def _arms(blocks: Sequence[BlockSize]) -> tuple[list[int], list[int]]:
    return [b.treated for b in blocks], [b.comparators for b in blocks]


def _sum(arm: Sequence[int], shown: Sequence[int | None], min_cell: int) -> int | None:
    """Everybody of an arm, unless the hidden cells together, which is the sum less what is shown, are few."""
    hidden = sum(arm) - sum(count or 0 for count in shown)
    return None if is_small(hidden, min_cell) else withhold(sum(arm), min_cell)


def _figures(treated: int | None, comparators: int | None, ratio: int) -> tuple[str, str, str, str]:
    if treated is None or comparators is None:
        return _shown(treated), _shown(comparators), HIDDEN, HIDDEN
    most, product = min(ratio * treated, comparators), treated * comparators
    return _shown(treated), _shown(comparators), _shown(most), _shown(product)


def _shown(count: int | None) -> str:
    return HIDDEN if count is None else f"{count:,}"


def _laid_out(rows: Sequence[Sequence[str]]) -> list[str]:
    """Columns side by side, the first to the left and figures to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join([row[0].ljust(widths[0]), *(cell.rjust(w) for cell, w in zip(row[1:], widths[1:], strict=True))])
        .rstrip()
        for row in rows
    ]  # fmt: skip


def _warnings(blocks: Sequence[BlockSize]) -> list[str]:
    """Numbers of blocks only: beside the table, numbers of people could give a hidden cell away."""
    alone = sum(1 for b in blocks if b.treated and not b.comparators)
    scarce = sum(1 for b in blocks if b.treated > b.comparators > 0)
    told = (
        ("without comparators, whose treated can have no twin", alone),
        ("with fewer comparators than treated", scarce),
    )
    return [f"warning: blocks {what}: {count:,}" for what, count in told if count]
