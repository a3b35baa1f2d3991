"""Empirical calibration: what outcomes that the treatment cannot change say about the study's systematic error.

The log ratios of negative controls, whose truth is 1, are taken as draws from a normal distribution of systematic
error plus their own random error. Source: Schuemie, Ryan, DuMouchel, Suchard, Madigan, Stat. Med. 2014;33:209.
"""

from dataclasses import dataclass
from math import erf, exp, log, pi, sqrt

import numpy as np
from scipy.optimize import minimize_scalar

from claimtwin.stats.exact import FloatArray
from claimtwin.stats.fitting import CannotFitError
from claimtwin.stats.intervals import Estimate, wald_of_log

FEWEST = 5
"""With fewer negative controls than this a spread cannot be told."""


@dataclass(frozen=True)
class Null:
    """Distribution of the systematic error of a log ratio: mean and standard deviation."""

    mean: float
    sd: float

    @property
    def expected_error(self) -> float:
        """Mean size of the systematic error, on the log scale (EASE)."""
        if self.sd == 0:
            return abs(self.mean)
        z = self.mean / self.sd
        return self.sd * sqrt(2 / pi) * exp(-z * z / 2) + self.mean * erf(z / sqrt(2))


def fit_null(log_ratios: FloatArray, errors: FloatArray, fewest: int = FEWEST) -> Null:
    """Maximum likelihood of mean and standard deviation; a standard deviation of 0 is an answer.

    Args:
        log_ratios, errors: (n,) estimates of the negative controls and their standard errors, log scale.
        fewest: The fewest controls that are enough.

    Raises:
        CannotFitError: Too few controls.
    """
    if len(log_ratios) < fewest:
        raise CannotFitError(f"fewer than {fewest} negative controls with an estimate")
    reach = float(np.ptp(log_ratios)) + 1e-12
    found = minimize_scalar(lambda sd: _misfit(sd, log_ratios, errors), bounds=(0.0, reach), method="bounded",
                            options={"xatol": 1e-10})  # fmt: skip
    sd = 0.0 if _misfit(0.0, log_ratios, errors) <= found.fun else float(found.x)
    return Null(_mean(sd, log_ratios, errors), sd)


def calibrated(null: Null, log_ratio: float, error: float) -> Estimate:
    """Ratio less the mean systematic error, its interval and p-value wider by the spread of it."""
    return wald_of_log(log_ratio - null.mean, sqrt(error**2 + null.sd**2))


def error_of(low: float, high: float) -> float:
    """Standard error on the log scale that an interval of a ratio was made with."""
    return log(high / low) / (2 * 1.959963984540054)


def _mean(sd: float, log_ratios: FloatArray, errors: FloatArray) -> float:
    weight = 1 / np.maximum(errors**2 + sd**2, 1e-300)
    return float((weight * log_ratios).sum() / weight.sum())


def _misfit(sd: float, log_ratios: FloatArray, errors: FloatArray) -> float:
    """-2 log likelihood at the best mean, but for a constant."""
    variance = np.maximum(errors**2 + sd**2, 1e-300)
    return float((np.log(variance) + (log_ratios - _mean(sd, log_ratios, errors)) ** 2 / variance).sum())
