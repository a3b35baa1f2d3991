"""A table of units and what is asked of it, as the kernel's units and rules."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from claimtwin.config.match_spec import ALL, Caliper, MatchSpec
from claimtwin.kernel.columns import Flags, Index
from claimtwin.kernel.matching import Rules, Units
from claimtwin.kernel.matching.shape import pooled_scaling, pooled_whitening
from claimtwin.kernel.matching.spread import InSd, Part, split_blocks
from claimtwin.kernel.matching.support import outside_support, within_cap
from claimtwin.kernel.matching.units import Scores, Table
from claimtwin.study.matching.columns import codes, flags, numbers, refused, require_columns, require_ids, ties

NO_BLOCKS = "all"


@dataclass(frozen=True)
class People:
    """Units checked and read, one row per person in the order of their tie keys, which are all different.

    Sums in floating point depend on the order of their terms in the last digit. In this order the standard deviations,
    covariances and balance are the same bit by bit however the rows were given.

    Attributes:
        table: The units, in this order.
        ids: As they were given.
        score: On its link; null where none is asked for.
        block_names: By code of ``units.block``: the values of the exact columns, joined by `` / `` (a slash inside
            a value is doubled); ``all`` without exact columns.
        outside: Whom ``discard`` leaves out.
        cut: Whom ``cap`` leaves out of those within support.
    """

    table: pa.Table
    ids: pa.ChunkedArray
    units: Units
    score: Scores | None
    block_names: list[str]
    outside: Flags
    cut: Flags


def columns_needed(spec: MatchSpec, known: Sequence[str]) -> list[str]:
    """Columns that a match reads, of those that the units have.

    Raises:
        ConfigError: Columns that are named and are not there.
    """
    named = [spec.id, spec.treated, *([spec.tie] if spec.tie else []), *spec.named()]
    if spec.covariates == ALL:
        return require_columns(known, [*named, *known])
    return require_columns(known, [*named, *(spec.covariates or ())])


def read_people(table: pa.Table, spec: MatchSpec) -> People:
    """Read the columns of a match.

    Raises:
        InputError: Values that cannot be matched on, with their number: ids missing or repeated, treated not 0/1, an
            arm without people, a score or covariate missing or infinite, missing values of a block.
    """
    tie = ties(table, require_ids(table, spec.id), spec.tie, spec.seed)
    order = np.argsort(tie)
    table, tie = table.take(pa.array(order)), tie[order]
    treated, score = flags(table, spec.treated), _score(table, spec)
    block, names = _blocks(table, spec)
    own_null = spec.null_block == "own"
    units = Units.of(
        treated,
        score,
        tie,
        block,
        codes(table, spec.anti_exact, own_null=own_null)[0] if spec.anti_exact else None,
        _side_by_side(table, [c.column for c in spec.covariate_calipers()]),
        _space(table, spec, treated),
    )
    outside = np.zeros(len(units), np.bool_) if score is None else outside_support(treated, score, spec.discard)
    return People(table, table[spec.id], units, score, names, outside, _cut(units, outside, spec.cap))


def _cut(units: Units, outside: Flags, cap: int | None) -> Flags:
    """Who is in support and not among the people of their arm that the cap keeps."""
    cut = np.zeros(len(units), np.bool_)
    if cap is not None:
        rows = np.flatnonzero(~outside)
        cut[rows] = ~within_cap(units.treated[rows], units.tie[rows], cap)
    return cut


def parts_of(spec: MatchSpec, units: Units) -> list[Part]:
    """Who is matched by themselves, by which rules: everybody, or each block where calipers are in its own spread.

    Every width is in units of its column. Standard deviations (n - 1) are over all units, or over all of the block, of
    both arms and whether or not they are left out of the match.
    """
    on_score, on_covariates = spec.score_caliper(), spec.covariate_calipers()
    if spec.caliper_sd == ALL:
        caliper = _width(on_score, units.score) if on_score else None
        widths = (_width(c, units.near[:, k]) for k, c in enumerate(on_covariates))
        return [Part(np.arange(len(units)), units, _rules(spec, caliper, tuple(widths)))]
    rules = _rules(spec, on_score.width if on_score else None, tuple(c.width for c in on_covariates))
    in_sd = InSd(on_score is not None and on_score.in_sd, tuple(c.in_sd for c in on_covariates))
    return list(split_blocks(units, rules, in_sd))


def _rules(spec: MatchSpec, caliper: float | None, widths: tuple[float, ...]) -> Rules:
    return Rules(
        order=spec.turn(),
        ratio=spec.ratio,
        floor=spec.floor,
        replace=spec.replace,
        max_reuse=spec.max_reuse,
        caliper=caliper,
        widths=widths,
        seed=spec.seed,
    )


def _width(caliper: Caliper, values: Scores) -> float:
    return caliper.width * (float(np.std(values, ddof=1)) if caliper.in_sd else 1.0)


def _score(table: pa.Table, spec: MatchSpec) -> Scores | None:
    """The score on its link.

    Raises:
        InputError: With link ``logit``: values outside 0 to 1, or at either end, where the logit is infinite.
    """
    if spec.score is None:
        return None
    score = numbers(table, spec.score)
    if spec.link == "none":
        return score
    if outside := int(np.count_nonzero((score < 0) | (score > 1))):
        what = f"{outside:,} values of {spec.score} lie outside 0 to 1."
        raise refused(what, spec.score, "link: logit takes a probability", "a logit already? Then --link none")
    if at_end := int(np.count_nonzero((score == 0) | (score == 1))):
        what = f"{at_end:,} values of {spec.score} are 0 or 1 exactly; their logits are infinite."
        raise refused(what, spec.score, "link: logit needs a score between 0 and 1")
    logit: Scores = np.log(score) - np.log1p(-score)
    return logit


def _blocks(table: pa.Table, spec: MatchSpec) -> tuple[Index | None, list[str]]:
    """Code of each person's block, and the blocks' names by code; codes ascend with the values as text."""
    if not spec.exact:
        return None, [NO_BLOCKS]
    coded, labels = codes(table, spec.exact, own_null=spec.null_block == "own")
    found, block = np.unique(coded, axis=0, return_inverse=True)
    escaped = [[label.replace("/", "//") for label in column] for column in labels]
    names = [" / ".join(escaped[k][code] for k, code in enumerate(row)) for row in found.tolist()]
    return block.reshape(-1).astype(np.int64), names


def _space(table: pa.Table, spec: MatchSpec, treated: Flags) -> Table | None:
    """Coordinates in which the distance is Euclidean; the covariance is pooled within arms."""
    if spec.distance.kind == "score":
        return None
    x = _side_by_side(table, spec.distance.columns)
    shape = pooled_whitening if spec.distance.kind == "mahalanobis" else pooled_scaling
    space: Table = x @ shape(x, treated)
    return space


def _side_by_side(table: pa.Table, names: Sequence[str]) -> Table:
    x = np.empty((table.num_rows, len(names)))
    for place, name in enumerate(names):
        x[:, place] = numbers(table, name)
    return x
