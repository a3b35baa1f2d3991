"""Models that look inside pairs: McNemar's odds ratio and conditional logistic regression.

Both learn from discordant pairs alone, those in which one of the two had the outcome. For pairs the conditional
likelihood is that of a logistic regression without arms: was it the treated who had the outcome, given how the two
differ? Source: Breslow and Day, Statistical Methods in Cancer Research I, 1980, chapter 7.
"""

from dataclasses import dataclass
from math import log, sqrt

import numpy as np
import statsmodels.api as sm
from numpy.typing import NDArray
from scipy.stats import binomtest

from claimtwin.stats.exact import FloatArray
from claimtwin.stats.fitting import ENDLESS, NOT_FINITE, CannotFitError, apart_from_constant, guarded
from claimtwin.stats.intervals import Estimate, wald_of_log
from claimtwin.stats.matched import Matched
from claimtwin.stats.matched_sets import conditional_ratio_of_sets

OF_PAIRS_ALONE = "made for pairs; here a treated may have several twins"


@dataclass(frozen=True)
class PairTable:
    """Pairs by who had the outcome: both, only the treated, only the comparator, neither.

    Of sets with several twins the comparator had it where any of them had.
    """

    both: int
    treated_only: int
    comparator_only: int
    neither: int

    @property
    def discordant(self) -> int:
        """Pairs in which one of the two had the outcome."""
        return self.treated_only + self.comparator_only

    @property
    def empty(self) -> str:
        """Why no ratio can be formed, in words; the empty string if one can."""
        if self.discordant == 0:
            return "no discordant pair"
        if self.discordant == 1:
            return "only one discordant pair"
        for arm, count in (("treated", self.treated_only), ("comparator", self.comparator_only)):
            if count == 0:
                return f"no pair in which only the {arm} had the outcome"
        return ""


@dataclass(frozen=True, eq=False)
class Pairs:
    """Whole pairs, the treated's row and the comparator's of each, in the order of the pairs' numbers."""

    treated: NDArray[np.int64]
    comparator: NDArray[np.int64]


def whole_pairs(people: Matched) -> Pairs:
    """Rows of the pairs that have both; a pair of which one is missing is left out."""
    one, zero = np.flatnonzero(people.treated), np.flatnonzero(~people.treated)
    _, at_one, at_zero = np.intersect1d(people.pair[one], people.pair[zero], return_indices=True)
    return Pairs(one[at_one], zero[at_zero])


def pair_table(happened: NDArray[np.bool_], people: Matched) -> PairTable:
    """Count the pairs, or the sets."""
    pairs = whole_pairs(people)
    one, zero = happened[pairs.treated], happened[pairs.comparator]
    if people.has_sets:
        zero = np.isin(people.pair[pairs.treated], people.pair[happened & ~people.treated])
    return PairTable(int((one & zero).sum()), int((one & ~zero).sum()), int((~one & zero).sum()),
                     int((~one & ~zero).sum()))  # fmt: skip


def mcnemar(table: PairTable) -> Estimate:
    """Odds ratio of discordant pairs, log interval, exact p-value; ``table.empty`` must be empty."""
    one, zero = table.treated_only, table.comparator_only
    found = wald_of_log(log(one / zero), sqrt(1 / one + 1 / zero))
    exact = float(binomtest(one, one + zero, 0.5).pvalue)
    return Estimate(found.estimate, found.low, found.high, exact)


def conditional_odds_ratio(happened: NDArray[np.bool_], people: Matched, columns: list[int]) -> Estimate:
    """Odds ratio of the treated by conditional logistic regression, adjusted for the covariates of ``columns``.

    Of pairs; sets with several twins go to ``stats.matched_sets``. Differences that do not vary, or that others
    already say, are left out.

    Raises:
        CannotFitError: Fewer discordant pairs than columns, or no finite solution.
    """
    if people.has_sets:
        return conditional_ratio_of_sets(happened, people, columns)
    pairs = whole_pairs(people)
    odd = happened[pairs.treated] != happened[pairs.comparator]
    one, zero = pairs.treated[odd], pairs.comparator[odd]
    apart = people.covariates[one][:, columns] - people.covariates[zero][:, columns]
    apart = apart[:, apart_from_constant(apart)]
    if len(apart) <= apart.shape[1] + 1:
        raise CannotFitError("fewer discordant pairs than columns")
    design = np.column_stack([np.ones(len(apart)), _scaled(apart)])
    fit = guarded(lambda: sm.Logit(happened[one].astype(np.float64), design).fit(disp=0, maxiter=100))
    if not fit.bse[0] <= ENDLESS:
        raise CannotFitError(NOT_FINITE)
    return wald_of_log(float(fit.params[0]), float(fit.bse[0]))


def _scaled(apart: FloatArray) -> FloatArray:
    """In standard deviations, but not moved: a difference of nought must stay nought."""
    return np.asarray(apart / apart.std(axis=0)) if len(apart) else apart
