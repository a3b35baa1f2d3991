"""Effects in groups of people, whether they differ, and what no group may give away.

Everybody counts in the group of their own value, also where the twin is in another: given the score the two arms are
alike within a group too. Effects are the unadjusted main measure with pair-clustered errors.
"""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from statsmodels.stats.multitest import multipletests
from statsmodels.tools.sm_exceptions import ValueWarning

from claimtwin.stats import fitting
from claimtwin.stats.arms import ArmOutcome, arm_outcome, two_by_two
from claimtwin.stats.effects import labelled
from claimtwin.stats.exact import FloatArray
from claimtwin.stats.fitting import CannotFitError, covariance, design_matrix, guarded, least_squares, logit_model
from claimtwin.stats.intervals import Effect
from claimtwin.stats.matched import Matched
from claimtwin.stats.withhold import NOTHING, SMALL_CELL


@dataclass(frozen=True, eq=False)
class Grouping:
    """A division of the matched: its name, the names of its groups, and the (n,) group of each person."""

    name: str
    levels: tuple[str, ...]
    group: NDArray[np.int64]


@dataclass(frozen=True)
class GroupEffect:
    """One outcome in one group: both arms as they may be shown, and the effect or why there is none."""

    level: str
    treated: ArmOutcome
    comparator: ArmOutcome
    effect: Effect

    @property
    def usable(self) -> bool:
        """Whether the effect is shown, so that tests and pools may use it."""
        return self.effect.estimate is not None


def group_effects(
    outcome: str, count: NDArray[np.int64], people: Matched, grouping: Grouping, *, scale: int | None, min_cell: int
) -> list[GroupEffect]:
    """One row a group, in the order of its levels; small ones withheld, with others that would give them away.

    Args:
        outcome, count: Its name, and how often each person had it.
        people, grouping: Everybody, and their groups.
        scale: People a difference is told per; None for a yes-no outcome, whose effect is an odds ratio.
        min_cell: Counts of 1 to one less are withheld.
    """
    happened = count > 0
    size = _cells(people.treated, grouping)
    cells = np.hstack([_cells(people.treated & happened, grouping, ~people.treated & happened),
                       _cells(people.treated & ~happened, grouping, ~people.treated & ~happened)])  # fmt: skip
    hidden_size = hidden_groups(size, size.sum(axis=1), min_cell)
    hidden = hidden_groups(cells, size.sum(axis=1), min_cell, hidden_size)
    found = []
    for place, level in enumerate(grouping.levels):
        rows = grouping.group == place
        effect = group_effect(outcome, count, people, rows, scale)
        arms = [arm_outcome(_counted(count, scale)[rows & side]) for side in (people.treated, ~people.treated)]
        if hidden[place]:
            effect = replace(effect, estimate=None, low=None, high=None, p_value=None, note=SMALL_CELL)
            arms = [NOTHING if hidden_size[place] else replace(NOTHING, n=arm.n) for arm in arms]
        found.append(GroupEffect(level, arms[0], arms[1], effect))
    return found


def group_effect(
    outcome: str, count: NDArray[np.int64], people: Matched, rows: NDArray[np.bool_], scale: int | None
) -> Effect:
    """The unadjusted effect among ``rows``, pair-clustered: an odds ratio, or a difference per ``scale`` people."""
    some, happened = people.part(rows), count[rows] > 0
    design = design_matrix(some.treated, some.covariates[:, []])
    why = two_by_two(happened, some.treated).empty
    if scale is None:
        label = partial(Effect, outcome, "odds_ratio", False, "cluster_pair", n=int(rows.sum()), model="logit")
        return labelled(label, lambda: fitting.odds_ratio(happened, design, some, "cluster_pair"), why)
    label = partial(Effect, outcome, "difference_per_scale", False, "cluster_pair", n=int(rows.sum()), model="ols")
    value = count[rows].astype(np.float64) * scale
    why = "" if 0 < some.treated.sum() < len(value) else why
    return labelled(label, lambda: fitting.difference(value, design, some, "cluster_pair"), why)


def _full_rank(test: Callable[[], Any]) -> Any:
    """Make a test of several contrasts; statsmodels would leave some out where they are not independent.

    Raises:
        CannotFitError: They are not: the test would be another one than said.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("error", ValueWarning)
        try:
            return guarded(test)
        except ValueWarning:
            raise CannotFitError("too few clusters to tell all groups apart") from None


def interaction_p(
    count: NDArray[np.int64], people: Matched, grouping: Grouping, used: Sequence[int], scale: int | None
) -> float:
    """P-value that the groups of ``used`` have one effect: Wald test of a model with an effect for each.

    Raises:
        CannotFitError: Fewer than two groups, or no finite solution.
    """
    if len(used) < 2:
        raise CannotFitError("fewer than two groups with an effect")
    rows = np.isin(grouping.group, used)
    some, group = people.part(rows), grouping.group[rows]
    of_group = np.column_stack([group == level for level in used]).astype(np.float64)
    design = np.hstack([of_group, of_group * some.treated[:, None]])
    k = len(used)
    contrasts = np.hstack([np.zeros((k - 1, k)), -np.ones((k - 1, 1)), np.eye(k - 1)])
    options = covariance("cluster_pair", some)
    if scale is None:
        y = (count[rows] > 0).astype(np.float64)
        fit = guarded(lambda: logit_model(y, design, some)(**options))
    else:
        value = count[rows].astype(np.float64) * scale
        fit = guarded(lambda: least_squares(value, design, some).fit(use_t=True, **options))
    p_value = float(_full_rank(lambda: fit.wald_test(contrasts, scalar=True)).pvalue)
    if not np.isfinite(p_value):
        raise CannotFitError("the test has no finite value")
    return p_value


def corrected(p_values: Sequence[float | None]) -> list[tuple[float | None, float | None]]:
    """Holm's and Benjamini and Hochberg's corrections of p-values, in their order; None stays None and is not counted.

    Source: Holm, Scand. J. Stat. 1979;6:65; Benjamini and Hochberg, J. R. Stat. Soc. B 1995;57:289.
    """
    known = [p for p in p_values if p is not None]
    if not known:
        return [(None, None) for _ in p_values]
    holm, fdr = (iter(multipletests(known, method=method)[1]) for method in ("holm", "fdr_bh"))
    return [(None, None) if p is None else (float(next(holm)), float(next(fdr))) for p in p_values]


def hidden_groups(
    cells: NDArray[np.int64],
    size: NDArray[np.int64],
    min_cell: int,
    already: NDArray[np.bool_] | None = None,
) -> NDArray[np.bool_]:
    """Which groups are withheld, the sums over all groups being known.

    A group with a small cell is. For each such cell one withheld group must have a count there that is not small, or
    the sum less what is shown would give it away: where there is none, the smallest shown group that has goes with
    them, and all groups where none has.

    Args:
        cells: (groups, cells) counts of people.
        size: (groups,) people, by which the smallest is chosen; ties: all of them, or their order would tell.
        min_cell: Counts of 1 to one less are small.
        already: Groups that are withheld anyway.
    """
    small, large = (cells >= 1) & (cells < min_cell), cells >= max(min_cell, 1)
    hidden = small.any(axis=1) | (np.zeros(len(cells), bool) if already is None else already)
    while (bare := small[hidden].any(axis=0) & ~large[hidden].any(axis=0)).any():
        cover = np.flatnonzero(~hidden & large[:, np.argmax(bare)])
        if not len(cover):
            return np.ones(len(cells), bool)
        hidden[cover[size[cover] == size[cover].min()]] = True
    return hidden


def _cells(one: NDArray[np.bool_], grouping: Grouping, zero: NDArray[np.bool_] | None = None) -> NDArray[np.int64]:
    """(groups, 2) people of ``one`` and of ``zero`` (everybody else) by group."""
    sides = (one, ~one if zero is None else zero)
    counted = [np.bincount(grouping.group[side], minlength=len(grouping.levels)) for side in sides]
    return np.stack(counted, axis=1).astype(np.int64)


def _counted(count: NDArray[np.int64], scale: int | None) -> FloatArray | NDArray[np.int64]:
    return np.minimum(count, 1) if scale is None else count
