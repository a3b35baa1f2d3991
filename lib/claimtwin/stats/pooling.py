"""Several estimates of one effect as one: fixed and random effects, and how much they differ."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log

import numpy as np
from scipy.stats import chi2
from statsmodels.stats.meta_analysis import combine_effects

from claimtwin.stats.fitting import CannotFitError
from claimtwin.stats.intervals import Z95, Estimate, wald, wald_of_log


@dataclass(frozen=True)
class Pooled:
    """Pooled estimates and heterogeneity.

    Attributes:
        fixed, random: One effect for all, and the mean of effects that differ (DerSimonian and Laird).
        tau2: Variance of the effects between groups, on the scale that was pooled (log for ratios).
        i2: Share of the variation between estimates that is not chance, 0 to 1.
        q, q_p_value: Cochran's Q and its p-value.
        groups: How many estimates were pooled.
    """

    fixed: Estimate
    random: Estimate
    tau2: float
    i2: float
    q: float
    q_p_value: float
    groups: int


def pool(estimates: Sequence[Estimate], *, ratio: bool) -> Pooled:
    """Pool estimates by inverse variance, ratios on the log scale; errors are worked back from the intervals.

    Where the estimates differ by no more than chance, the variance between groups is 0 and both pools are one.

    Source: DerSimonian and Laird, Control. Clin. Trials 1986;7:177; statsmodels ``combine_effects``.

    Raises:
        CannotFitError: Fewer than two estimates, or one without any spread.
    """
    if len(estimates) < 2:
        raise CannotFitError("fewer than two estimates to pool")
    ends = [(e.estimate, e.low, e.high) for e in estimates]
    scale = np.array([[log(end) for end in row] if ratio else row for row in ends])
    errors = (scale[:, 2] - scale[:, 1]) / (2 * Z95)
    if not (errors > 0).all():
        raise CannotFitError("an estimate without any spread cannot be pooled")
    with np.errstate(all="ignore"):  # where statsmodels lets the variance between groups fall below nought
        found = combine_effects(scale[:, 0], errors**2, method_re="dl")
    back = wald_of_log if ratio else wald
    q, rest = float(found.q), len(estimates) - 1
    fixed = back(float(found.mean_effect_fe), float(found.sd_eff_w_fe))
    differ = q > rest
    return Pooled(
        fixed,
        back(float(found.mean_effect_re), float(found.sd_eff_w_re)) if differ else fixed,
        float(found.tau2) if differ else 0.0,
        1 - rest / q if differ else 0.0,
        q,
        float(chi2.sf(q, rest)),
        len(estimates),
    )
