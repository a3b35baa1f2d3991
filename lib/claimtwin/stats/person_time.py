"""Events by person-time: rates of either arm with exact intervals, and the ratio of rates."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2

from claimtwin.stats import fitting
from claimtwin.stats.effects import ERRORS, Estimates, labelled, useful_for
from claimtwin.stats.exact import FloatArray
from claimtwin.stats.fitting import design_matrix, ratio
from claimtwin.stats.intervals import Effect, Errors, Estimate, wald_of_log
from claimtwin.stats.matched import Matched
from claimtwin.stats.models import Model, Plan, rows_of

YEAR = 365.25
"""Days of a person-year."""
PER = 100


@dataclass(frozen=True)
class PersonTime:
    """Events of one arm over its person-time; any figure may be None: withheld, or without anybody at risk.

    Attributes:
        n: People at risk for at least a day.
        people: Those of them with an event.
        events: Events.
        days: Person-days at risk.
        rate, low, high: Events per 100 person-years, with the exact 95 % Poisson interval (Garwood, Biometrika
            1936;28:437), in which events are taken for independent.
    """

    n: int | None
    people: int | None
    events: int | None
    days: int | None
    rate: float | None
    low: float | None
    high: float | None


NO_TIME = PersonTime(None, None, None, None, None, None, None)


def person_time(events: NDArray[np.int64], days: NDArray[np.int64], weight: FloatArray | None = None) -> PersonTime:
    """Rate of one arm from each person's events and days at risk; people without a day at risk are left out.

    With ``weight`` people, events and days stay counts, and the rate is weighted; its interval is then that of a ratio
    mean on the log scale, and null without events.
    """
    total, time, at_risk = int(events.sum()), int(days.sum()), days > 0
    n, people = int(at_risk.sum()), int((events > 0).sum())
    if not time:
        return PersonTime(n, people, total, time, None, None, None)
    years = time / (YEAR * PER)
    if weight is not None:
        return PersonTime(n, people, total, time, *_weighted_rate(events, days / (YEAR * PER), weight))
    low = float(chi2.ppf(0.025, 2 * total)) / 2 if total else 0.0
    high = float(chi2.ppf(0.975, 2 * (total + 1))) / 2
    return PersonTime(n, people, total, time, total / years, low / years, high / years)


def _weighted_rate(
    events: NDArray[np.int64], years: FloatArray, weight: FloatArray
) -> tuple[float, float | None, float | None]:
    time = float(weight @ years)
    rate = float(weight @ events) / time
    if rate == 0:
        return 0.0, None, None
    error = float(np.sqrt(((weight * (events - rate * years)) ** 2).sum())) / time
    found = wald_of_log(float(np.log(rate)), error / rate)
    return rate, found.low, found.high


def rate_effects(outcome: str, events: NDArray[np.int64], days: NDArray[np.int64], people: Matched) -> Estimates:
    """Ratio of rates by Poisson regression with the log of the days as offset, plain and clustered by pair.

    People without a day at risk are left out. The count of somebody with several events is taken as it is; clustered
    errors do not trust the Poisson variance.
    """
    at_risk = days > 0
    events, days, people = events[at_risk], days[at_risk], people.part(at_risk)
    columns = useful_for(events > 0, people)
    label = partial(Effect, outcome, "incidence_rate_ratio", n=len(events), model="person_time")
    why_not = why_no_ratio(events, people.treated)
    found = []
    for adjusted, used in ((False, []), (True, columns)) if columns else ((False, []),):
        for errors in ERRORS:
            make = partial(_rate_ratio, events, days, people, used, errors)
            found.append(labelled(_labelled(label, adjusted, errors), make, why_not))
    left_out = tuple(name for place, name in enumerate(people.names) if place not in columns)
    return Estimates(tuple(found), left_out)


def rate_models(
    outcome: str, events: NDArray[np.int64], days: NDArray[np.int64], people: Matched, plan: Plan
) -> list[Effect]:
    """The same ratio with the other errors that the plan asks for; there is no bootstrap of pairs."""
    at_risk = days > 0
    events, days, people = events[at_risk], days[at_risk], people.part(at_risk)

    def make(columns: list[int], errors: Errors) -> tuple[Estimate, ...]:
        return (_rate_ratio(events, days, people, columns, errors),)

    asked = tuple(errors for errors in plan.errors if errors not in ERRORS)
    model = Model("person_time", ("incidence_rate_ratio",), make, asked, why_no_ratio(events, people.treated))
    return rows_of(partial(Effect, outcome, n=len(events)), [model], useful_for(events > 0, people))


def _labelled(label: Callable[..., Effect], adjusted: bool, errors: Errors) -> Callable[..., Effect]:
    return partial(label, adjusted=adjusted, errors=errors)


def why_no_ratio(events: NDArray[Any], treated: NDArray[np.bool_]) -> str:
    """Why no ratio of the arms can be formed, in words; the empty string if one can. All may have had the event."""
    for arm, rows in (("treated", treated), ("comparator", ~treated)):
        if not rows.any():
            return f"nobody at risk in the {arm} arm"
        if not events[rows].any():
            return f"no events in the {arm} arm"
    return ""


def _rate_ratio(
    events: NDArray[np.int64], days: NDArray[np.int64], people: Matched, columns: list[int], errors: Errors
) -> Estimate:
    design = design_matrix(people.treated, people.covariates[:, columns])
    return ratio(fitting.fit_poisson(events.astype(np.float64), design, people, errors, offset=np.log(days)))
