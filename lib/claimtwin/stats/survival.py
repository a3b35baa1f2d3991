"""Time to the first event with censoring: Kaplan-Meier and Cox.

Times are whole days from index to the first event, or to the end of follow-up where there was none. An event and an
end of follow-up on one day: the event comes first. Equal days are ties, by Efron in the Cox model. Source: Kaplan
and Meier, J. Am. Stat. Assoc. 1958;53:457; Cox, J. R. Stat. Soc. B 1972;34:187; Efron, J. Am. Stat. Assoc.
1977;72:557; clustered errors: Lin and Wei, J. Am. Stat. Assoc. 1989;84:1074.
"""

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from statsmodels.duration.hazard_regression import PHReg

from claimtwin.stats.effects import useful_for
from claimtwin.stats.exact import FloatArray
from claimtwin.stats.fitting import (
    NO_FIT,
    NOT_FINITE,
    CannotFitError,
    Fit,
    clusters_of,
    design_matrix,
    guarded,
    ratio,
)
from claimtwin.stats.intervals import Effect, Errors, Estimate, wald
from claimtwin.stats.matched import Matched
from claimtwin.stats.models import Model, Plan, no_weights, rows_of
from claimtwin.stats.person_time import why_no_ratio

Flags = NDArray[np.bool_]
Days = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class FollowUp:
    """How long each person was followed and what ended it.

    Attributes:
        time: (n,) days to the first event or to the end of follow-up; above 0.
        event: (n,) whether the event ended it; False is censored.
    """

    time: Days
    event: Flags


@dataclass(frozen=True, eq=False)
class Curve:
    """Kaplan-Meier curve of one arm, a step a day on which somebody had the event.

    Attributes:
        days: (k,) ascending.
        at_risk, events: (k,) people still followed and without an event as the day began, and events on it.
        free: (k,) probability of no event up to and on the day.
    """

    days: Days
    at_risk: Days
    events: Days
    free: FloatArray


def time_models(outcome: str, follow: FollowUp, people: Matched, plan: Plan, *, horizon: int) -> list[Effect]:
    """Rows of the models of ``plan`` among ``kaplan_meier`` and ``cox``, which is also adjusted for covariates.

    ``horizon`` is the day at which risks are compared.
    """
    errors, weights = plan.other_errors, no_weights(people)
    why = why_no_ratio(follow.event, people.treated) or weights

    def hazards(columns: list[int], kind: Errors) -> tuple[Estimate, ...]:
        return (hazard_ratio(follow, people, columns, kind),)

    def risks(_: list[int], kind: Errors) -> tuple[Estimate, ...]:
        return (risk_difference_at(follow, people, horizon, kind),)

    known = {
        "kaplan_meier": Model("kaplan_meier", ("risk_difference",), risks, errors, weights, adjusted=(False,)),
        "cox": Model("cox", ("hazard_ratio",), hazards, errors, why),
    }
    asked = [known[name] for name in plan.models if name in known]
    return rows_of(partial(Effect, outcome, n=len(follow.time)), asked, useful_for(follow.event, people))


def curve_of(follow: FollowUp) -> Curve:
    """Kaplan-Meier curve of everybody given; without an event it has no step."""
    days, events = np.unique(follow.time[follow.event], return_counts=True)
    at_risk = len(follow.time) - np.searchsorted(np.sort(follow.time), days, side="left")
    return Curve(days, at_risk, events, np.asarray(np.cumprod(1 - events / at_risk), np.float64))


def risk_at(follow: FollowUp, day: int) -> tuple[float, FloatArray]:
    """Risk of an event up to and on ``day``, and each person's influence on it, whose squares sum to Greenwood's.

    Raises:
        CannotFitError: Nobody is given, or nobody is followed that long.
    """
    curve = curve_of(follow)
    if not len(follow.time) or (follow.time.max() < day and not (len(curve.free) and curve.free[-1] == 0)):
        raise CannotFitError("nobody is followed to the day of comparison")
    seen = curve.days <= day
    free = float(curve.free[seen][-1]) if seen.any() else 1.0
    if free == 0:
        return 1.0, np.zeros(len(follow.time))
    left = curve.at_risk[seen] - curve.events[seen]
    hazard = np.concatenate([[0.0], np.cumsum(curve.events[seen] / curve.at_risk[seen] / left)])
    passed = np.searchsorted(curve.days[seen], follow.time, side="right")
    own = np.zeros(len(follow.time))
    had = follow.event & (follow.time <= day)
    own[had] = 1 / left[passed[had] - 1]
    return 1 - free, np.asarray(free * (own - hazard[passed]))


def risk_difference_at(follow: FollowUp, people: Matched, day: int, errors: Errors) -> Estimate:
    """Difference of Kaplan-Meier risks in percentage points; clusters may span the arms, as pairs do.

    Raises:
        CannotFitError: An arm is not followed that long, no risk differs from 0 or 1, or the errors cannot be made.
    """
    pull, risks = np.zeros(len(follow.time)), []
    for arm, sign in ((people.treated, 1.0), (~people.treated, -1.0)):
        risk, influence = risk_at(FollowUp(follow.time[arm], follow.event[arm]), day)
        pull[arm] = sign * influence
        risks.append(risk)
    if not pull.any():
        raise CannotFitError("no events" if max(risks) == 0 else "only events")
    variance = float(_summed(pull[:, None], people, errors)[0, 0])
    if variance < 0:  # of errors clustered two ways
        raise CannotFitError(NOT_FINITE)
    return wald(100 * (risks[0] - risks[1]), 100 * float(np.sqrt(variance)))


def hazard_ratio(follow: FollowUp, people: Matched, columns: list[int], errors: Errors) -> Estimate:
    """Ratio of hazards by Cox's model; sandwich errors without a factor for few clusters, as statsmodels makes them.

    Raises:
        CannotFitError: No finite solution, nobody to compare with, or HC3 errors, which this model does not have.
    """
    design = design_matrix(people.treated, people.covariates[:, columns])[:, 1:]
    model = PHReg(follow.time.astype(np.float64), design, status=follow.event.astype(np.float64), ties="efron")
    fit = guarded(lambda: model.fit(disp=0))
    params, cov = np.asarray(fit.params), np.asarray(fit.cov_params())
    if not np.isfinite(params).all() or not np.isfinite(cov).all():
        raise CannotFitError(NO_FIT)
    if errors != "nonrobust":
        cov = cov @ _summed(score_residuals(follow, design, params), people, errors) @ cov
    if cov[0, 0] <= 0:
        raise CannotFitError(NOT_FINITE)
    return ratio(Fit(np.concatenate([[0.0], params]), np.pad(cov, ((1, 0), (1, 0)))))


def score_residuals(follow: FollowUp, design: FloatArray, params: FloatArray) -> FloatArray:
    """(n, p) pull of each person on the coefficients, as statsmodels', by running sums; 0 for who leaves before any."""
    weight = np.exp(design @ params - (design @ params).max())
    days, events = np.unique(follow.time[follow.event], return_counts=True)
    order = np.argsort(follow.time, kind="stable")
    first = np.searchsorted(follow.time[order], days, side="left")
    total = np.cumsum(weight[order][::-1])[::-1][first]
    mean = np.cumsum((weight[:, None] * design)[order][::-1], axis=0)[::-1][first] / total[:, None]
    step = events / total
    hazard = np.concatenate([[0.0], np.cumsum(step)])
    weighted = np.concatenate([np.zeros((1, design.shape[1])), np.cumsum(step[:, None] * mean, axis=0)])
    passed = np.searchsorted(days, follow.time, side="right")
    found = -weight[:, None] * (design * hazard[passed][:, None] - weighted[passed])
    found[follow.event] += design[follow.event] - mean[passed[follow.event] - 1]
    return np.asarray(found)


def _summed(pull: FloatArray, people: Matched, errors: Errors) -> FloatArray:
    """(p, p) sum of outer products of each cluster's pull; one person a cluster where errors are ordinary."""
    if errors == "nonrobust":
        return np.asarray(pull.T @ pull)
    groups = clusters_of(errors, people)
    if groups is None:
        raise CannotFitError(f"this model has no such errors: {errors}")
    if groups.ndim == 1:
        return _outer(pull, groups)
    both = np.unique(groups, axis=0, return_inverse=True)[1].ravel()
    one, other = (_outer(pull, column) for column in groups.T)
    return np.asarray(one + other - _outer(pull, both))


def _outer(pull: FloatArray, groups: Days) -> FloatArray:
    code = np.unique(groups, return_inverse=True)[1]
    total = np.zeros((int(code.max()) + 1, pull.shape[1]))
    np.add.at(total, code, pull)
    return np.asarray(total.T @ total)
