"""Logistic regression by Newton-Raphson on sums, so that a cluster can make the sums.

Only p x p sums leave a shard, never a row. The covariates are centred and scaled inside each shard, the sums
are exact (``stats.exact``), and the coefficients are mapped back at the end: the fit is that of maximum
likelihood to about 1e-10 of a standard error, and the same to the last bit however the rows were sharded.

    moments = add_moments([moments_of(x, y) for x, y in shards])
    def sums_at(beta):
        return add_sums([logit_sums(x, y, beta=beta, moments=moments) for x, y in shards])
    fit = fit_logit(sums_at, moments, columns)
    logit = linear_predictor(x, fit)
"""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from claimtwin.errors import GuardError
from claimtwin.stats.design import PLAIN, RULE, Tolerance, check_design
from claimtwin.stats.exact import PARTS, FloatArray, column_sums, cross_products, put_together
from claimtwin.stats.logit_fit import LogitFit, linear_predictor, predict, sd_of_logit, to_raw_units
from claimtwin.stats.moments import Moments, add_moments, moments_of
from claimtwin.stats.together import run_together

__all__ = [
    "LogitFit",
    "LogitSums",
    "Moments",
    "add_moments",
    "add_sums",
    "check_design",
    "climb_logit",
    "fit_logit",
    "linear_predictor",
    "logit_sums",
    "moments_of",
    "sd_of_logit",
    "to_raw_units",
]

CHUNK = 1024
"""Rows at a time, so that the parts of a chunk stay in the processor's cache."""
START_GRID, START_RIDGE = 2.0**-8, 1e-6
"""Coefficients to start from are rounded, so that they are the same for every sharding; columns that all but repeat
others get a ridge, lest the noise of their moments outgrow that."""
LIKELIHOOD_UNIT = 1024.0
"""Log-likelihoods of one row are held to this bound; beyond it a probability has long been 0."""
MOST_ITERATIONS = 50
MOST_HALVINGS = 30
CONVERGED = 1e-20
"""Newton's decrement, the squared step in standard errors, below which the fit has arrived."""
FLAT = 1e-12
"""A fall of the log-likelihood by less than this share of it is rounding."""
SLOW, NEAR, SLOW_STEPS = 0.1, 0.01, 12
"""Close to its end Newton's method squares its error; one that still loses less than nine tenths of it, step
after step, climbs a likelihood without a top: the covariates separate the arms."""


class SeparationError(GuardError):
    """Columns tell the arms apart only together; ``column`` is the one that does most."""

    column: str = ""


@dataclass(frozen=True, eq=False)
class LogitSums:
    """Sums of one shard, or of all, at one vector of coefficients; the intercept comes first.

    Each sum is kept in four exact addends (``stats.exact``): (4,), (4, p) and (4, p, p).
    """

    n: int
    likelihood_parts: FloatArray
    gradient_parts: FloatArray
    information_parts: FloatArray
    unit: float = 1.0
    """Weight that an addend of 1 stands for (``Moments.unit``)."""

    @property
    def log_likelihood(self) -> float:
        """Log-likelihood, natural logarithm."""
        return float(put_together(self.likelihood_parts)) * LIKELIHOOD_UNIT * self.unit

    @property
    def gradient(self) -> FloatArray:
        """(p,) first derivatives of the log-likelihood."""
        return put_together(self.gradient_parts) * self.unit

    @property
    def information(self) -> FloatArray:
        """(p, p) negative second derivatives of the log-likelihood."""
        return put_together(self.information_parts) * self.unit

    def pack(self) -> FloatArray:
        """Flatten to one float64 vector: p, n, unit, then the addends of likelihood, gradient, information."""
        head = np.array([self.gradient_parts.shape[1], self.n, self.unit], np.float64)
        tail = (self.likelihood_parts, self.gradient_parts.ravel(), self.information_parts.ravel())
        return np.concatenate([head, *tail])

    @classmethod
    def unpack(cls, vector: Sequence[float] | FloatArray) -> "LogitSums":
        """Undo ``pack``."""
        flat = np.asarray(vector, np.float64)
        p = int(flat[0])
        likelihood, gradient, information = np.split(flat[3:], np.cumsum([PARTS, PARTS * p]))
        sums = likelihood, gradient.reshape(PARTS, p), information.reshape(PARTS, p, p)
        return cls(int(flat[1]), *sums, float(flat[2]))


T = TypeVar("T")
Climb = Generator[FloatArray, LogitSums, T]
"""A fit that yields coefficients and is sent the sums of all rows there."""


def logit_sums(
    x: FloatArray,
    y: NDArray[np.bool_],
    weight: FloatArray | None = None,
    *,
    beta: FloatArray,
    moments: Moments,
) -> LogitSums:
    """Sums of one shard at ``beta``, which speaks of (x - center) / scale and has the intercept first.

    Args:
        x: (n, p) covariates in their own units, n may be 0.
        y: (n,) true for the treated.
        weight: (n,) weights as in ``moments_of``; none: 1 each.
        beta: (p + 1,) coefficients in the standardised space.
        moments: Moments of all rows, whose center, scale and unit are used.
    """
    share = None
    if weight is not None:
        x, y, share = x[weight > 0], y[weight > 0], weight[weight > 0] / moments.unit
    shape = np.zeros(PARTS), np.zeros((PARTS, len(beta))), np.zeros((PARTS, len(beta), len(beta)))
    total, room = LogitSums(0, *shape, moments.unit), np.empty((PARTS + 3, len(beta), min(CHUNK, len(x))))
    for i in range(0, len(x), CHUNK):
        rows = slice(i, i + CHUNK)
        own = room[:, :, : len(y[rows])].swapaxes(1, 2)
        sums = _chunk_sums(x[rows], y[rows], None if share is None else share[rows], beta, moments, own)
        total = add_sums([total, sums])
    return total


def add_sums(shards: Sequence[LogitSums]) -> LogitSums:
    """Sums of all shards together; at least one. Their order does not matter, to the last bit."""
    likelihood = np.add.reduce([shard.likelihood_parts for shard in shards])
    gradient = np.add.reduce([shard.gradient_parts for shard in shards])
    information = np.add.reduce([shard.information_parts for shard in shards])
    return LogitSums(sum(shard.n for shard in shards), likelihood, gradient, information, shards[0].unit)


def fit_logit(
    sums_at: Callable[[FloatArray], LogitSums], moments: Moments, columns: Sequence[str], bears: Tolerance = PLAIN
) -> LogitFit:
    """Fit by maximum likelihood; an intercept is added as column ``intercept``.

    Args:
        sums_at: Sums of all rows at coefficients of the standardised space; see ``logit_sums``.
        moments: Moments of all rows.
        columns: Names of the p covariates.
        bears: What ``check_design`` lets pass.

    Raises:
        GuardError: See ``check_design``.
        SeparationError: Several columns together separate the arms.
    """
    fit = climb_logit(moments, columns, bears)
    return run_together({0: fit}, lambda asked: {0: sums_at(asked[0])})[0]


def climb_logit(moments: Moments, columns: Sequence[str], bears: Tolerance = PLAIN) -> Climb[LogitFit]:
    """The same as a fit that asks for the sums at coefficients and waits for them; for many fits side by side."""
    check_design(moments, columns, bears)
    beta, sums, iterations = yield from _climb(moments, columns)
    back = to_raw_units(moments)
    covariance = back @ _inverse(sums.information) @ back.T
    errors = np.sqrt(np.diag(covariance))
    names = ("intercept", *columns)
    return LogitFit(names, back @ beta, covariance, errors, iterations, sums.log_likelihood, sums.n)


def _chunk_sums(
    x: FloatArray, y: NDArray[np.bool_], share: FloatArray | None, beta: FloatArray, moments: Moments, room: FloatArray
) -> LogitSums:
    rows, scaled, room = room[0], room[1], room[2:]
    rows[:, 0] = 1.0
    np.divide(np.subtract(x, moments.center, out=rows[:, 1:]), moments.scale, out=rows[:, 1:])
    margin = np.where(y, 1.0, -1.0) * predict(rows[:, 1:], beta)
    small = np.exp(-np.abs(margin))
    missed = np.where(margin < 0, 1.0, small) / (1.0 + small)  # probability of the arm not taken
    likelihood = np.maximum(np.minimum(margin, 0.0) - np.log1p(small), -LIKELIHOOD_UNIT) / LIKELIHOOD_UNIT
    pull, root = np.where(y, missed, -missed), np.sqrt(small) / (1.0 + small)
    if share is not None:
        likelihood, pull, root = likelihood * share, pull * share, root * np.sqrt(share)
    gradient = column_sums(np.multiply(rows, pull[:, None], out=scaled), room)
    information = cross_products(np.multiply(rows, root[:, None], out=scaled), room)
    return LogitSums(len(x), column_sums(likelihood[:, None])[:, 0], gradient, information, moments.unit)


def _climb(moments: Moments, columns: Sequence[str]) -> Climb[tuple[FloatArray, LogitSums, int]]:
    """Newton steps from the start to the top of the likelihood: coefficients, sums there, steps taken."""
    beta, sums = yield from _start(moments)
    before, slow = np.inf, 0
    for iteration in range(MOST_ITERATIONS):
        step = _newton_step(sums, moments, columns)
        decrement = float(step @ sums.gradient)
        if decrement < CONVERGED:
            return beta + step, sums, iteration + 1
        slow = slow + 1 if SLOW * before < decrement < NEAR else 0
        if slow == SLOW_STEPS:
            break
        before = decrement
        beta, sums = yield from _uphill(beta, step, sums)
    raise _separated(sums, moments, columns)


def _start(moments: Moments) -> Climb[tuple[FloatArray, LogitSums]]:
    """Fisher's linear discriminant, a Newton step ahead of the arms' shares alone; these where it is less likely."""
    share = moments.weight_treated / moments.weight
    plain = np.zeros(len(moments.mean) + 1)
    plain[0] = np.log(share / (1 - share))
    beta = np.rint((plain + _discriminant(moments, share)) / START_GRID) * START_GRID
    sums = yield beta
    if sums.log_likelihood >= moments.weight * (share * np.log(share) + (1 - share) * np.log(1 - share)):
        return beta, sums
    return plain, (yield plain)


def _discriminant(moments: Moments, share: float) -> FloatArray:
    """(p + 1,) what normal covariates with one scatter in both arms would add; 0 where their scatter is singular."""
    rest = (moments.mean - share * moments.mean_treated) / (1 - share)
    apart, middle = (moments.mean_treated - rest) / moments.scale, (moments.mean_treated + rest) / 2
    whole = moments.scatter / np.outer(moments.scale, moments.scale) / moments.weight
    within = whole - share * (1 - share) * np.outer(apart, apart)
    try:
        slopes = _inverse(within + START_RIDGE * np.diag(np.diag(within))) @ apart
    except np.linalg.LinAlgError:
        return np.zeros(len(apart) + 1)
    return np.append(-slopes @ ((middle - moments.center) / moments.scale), slopes)


def _uphill(beta: FloatArray, step: FloatArray, sums: LogitSums) -> Climb[tuple[FloatArray, LogitSums]]:
    """The whole step, halved for as long as it would lower the likelihood."""
    floor = sums.log_likelihood - FLAT * abs(sums.log_likelihood)
    for _ in range(MOST_HALVINGS):
        there = yield beta + step
        if there.log_likelihood >= floor:
            break
        step = step / 2
    return beta + step, there


def _newton_step(sums: LogitSums, moments: Moments, columns: Sequence[str]) -> FloatArray:
    try:
        return _inverse(sums.information) @ sums.gradient
    except np.linalg.LinAlgError:
        raise _separated(sums, moments, columns) from None


def _inverse(information: FloatArray) -> FloatArray:
    """Inverse of a positive definite matrix, scaled to a unit diagonal first; LinAlgError if it is not one."""
    size = np.sqrt(np.diag(information))
    if not (size > 0).all():
        raise np.linalg.LinAlgError
    root = np.linalg.inv(np.linalg.cholesky(information / np.outer(size, size)))
    return np.asarray(root.T @ root / np.outer(size, size))


def _separated(sums: LogitSums, moments: Moments, columns: Sequence[str]) -> SeparationError:
    """The error for columns that tell the arms apart only together: those along which the least information is left.

    Not those with the largest coefficients: a strong confounder beside them has a large one, and a finite one.
    """
    spread = np.append(1.0, moments.scale / moments.sd)
    weight = np.abs(np.linalg.eigh(sums.information * np.outer(spread, spread))[1][1:, 0])
    largest = [columns[i] for i in np.argsort(-weight, kind="stable")[:3] if weight[i] > weight.max() / 10]
    named = ", ".join(f"'{column}'" for column in largest)
    error = SeparationError(
        f"the propensity model has no finite solution: columns {named} together separate the arms",
        "score.covariates",
        RULE,
        "remove one of them from `score.covariates` in the study file",
    )
    error.column = largest[0]
    return error
