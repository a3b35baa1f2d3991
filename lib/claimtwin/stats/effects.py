"""Effects on outcomes from compact arrays of matched people, without ids or dates.

Each model is fitted unadjusted and adjusted, with ordinary standard errors (those that the published intervals
agree with) and with errors clustered by pair (those that a matched design calls for: Austin, Stat. Med.
2009;28:2402). A model that cannot be fitted gives an effect without numbers and a note, so that one outcome
without events does not cost the others.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from claimtwin.stats import fitting
from claimtwin.stats.arms import TwoByTwo, relative_reduction, risk_difference, risk_ratio, two_by_two
from claimtwin.stats.exact import FloatArray
from claimtwin.stats.fitting import CannotFitError, design_matrix, independent, with_width
from claimtwin.stats.intervals import Effect, Errors, Estimate, Measure
from claimtwin.stats.matched import Matched
from claimtwin.stats.weighted_risks import Risk, weighted_risk, weighted_risk_difference, weighted_risk_ratio

__all__ = ["Effect", "Estimates", "Matched", "binary_effects", "count_effects"]

Fit = Callable[[FloatArray, Matched, Errors], Estimate]
ERRORS: tuple[Errors, ...] = ("nonrobust", "cluster_pair")


@dataclass(frozen=True)
class Estimates:
    """All effects on one outcome, and the covariates left out of its adjusted models, by name."""

    effects: tuple[Effect, ...]
    left_out: tuple[str, ...]


def binary_effects(outcome: str, happened: NDArray[np.bool_], people: Matched) -> Estimates:
    """Odds ratios by logit, plain and clustered, unadjusted and adjusted; crude risk difference and ratios.

    A covariate is left out of the adjusted model when it is constant, when the arm and others already say it,
    or when it is 0/1 and everybody or nobody in one of its groups has the outcome: its coefficient is infinite.
    """
    table = two_by_two(happened, people.treated)
    useful = useful_for(happened, people)
    label = partial(Effect, outcome, n=len(happened))
    models = _models(
        partial(label, "odds_ratio", model="logit"),
        people,
        useful,
        partial(fitting.odds_ratio, happened),
        why_not=table.empty,
    )
    return Estimates((*models, *_crude(label, table, happened, people)), _left_out(people, useful))


def count_effects(outcome: str, count: NDArray[np.int64], people: Matched, *, scale: int = 100) -> Estimates:
    """Difference of occurrences per ``scale`` people by least squares, plain and clustered, with and without
    adjustment.
    """
    varying = usable(people)
    label = partial(Effect, outcome, "difference_per_scale", n=len(count), model="ols")
    value = count.astype(np.float64) * scale
    why_not = "" if 0 < people.treated.sum() < len(count) else "an arm is empty"
    models = _models(label, people, varying, partial(fitting.difference, value), why_not=why_not)
    return Estimates(tuple(models), _left_out(people, varying))


def _models(
    label: Callable[..., Effect],
    people: Matched,
    columns: list[int],
    fit: Fit,
    *,
    why_not: str,
) -> list[Effect]:
    """One effect for each of unadjusted and adjusted (if there is anything to adjust for), plain and clustered."""
    found = []
    for adjusted, used in ((False, []), (True, columns)) if columns else ((False, []),):
        for errors in ERRORS:
            model = partial(_fit_on, fit, people, used, errors)
            found.append(labelled(partial(label, adjusted=adjusted, errors=errors), model, why_not))
    return found


def _fit_on(fit: Fit, people: Matched, columns: list[int], errors: Errors) -> Estimate:
    return fit(design_matrix(people.treated, people.covariates[:, columns]), people, errors)


def _crude(label: Callable[..., Effect], table: TwoByTwo, happened: NDArray[np.bool_], people: Matched) -> list[Effect]:
    """Contrasts of the arms' shares; weighted ones, made from each person's part, where people weigh differently."""
    nobody = "" if table.n1 and table.n0 else table.empty

    def ratio() -> Estimate:
        return risk_ratio(table) if people.weight is None else weighted_risk_ratio(*weighted_risks(happened, people))

    def apart() -> Estimate:
        return difference_of_risks(table, happened, people)

    measures: dict[Measure, tuple[Callable[[], Estimate], str]] = {
        "risk_ratio": (ratio, table.empty),
        "relative_reduction": (lambda: relative_reduction(ratio()), table.empty),
        "risk_difference": (apart, nobody),
    }
    plain = partial(label, adjusted=False, errors="nonrobust", model="table")
    return [labelled(partial(plain, name), make, why) for name, (make, why) in measures.items()]


def difference_of_risks(table: TwoByTwo, happened: NDArray[np.bool_], people: Matched) -> Estimate:
    """Difference of risks in percentage points, weighted where people weigh differently; both arms hold people."""
    if people.weight is None:
        return risk_difference(table)
    return weighted_risk_difference(*weighted_risks(happened, people))


def weighted_risks(happened: NDArray[np.bool_], people: Matched) -> tuple[Risk, Risk]:
    """Risks of the treated and of the comparators, both with people."""
    weight = np.ones(len(happened)) if people.weight is None else people.weight
    one, zero = (weighted_risk(happened[arm], weight[arm]) for arm in (people.treated, ~people.treated))
    return one, zero


def labelled(label: Callable[..., Effect], make: Callable[[], Estimate], why_not: str) -> Effect:
    """Label an estimate, or its absence: ``why_not`` where it says something, else what ``make`` stumbles on.

    An estimate whose interval has no width, as of people who all had the same, is none.
    """
    try:
        if why_not:
            raise CannotFitError(why_not)
        got = with_width(make())
    except CannotFitError as fault:
        return label(estimate=None, low=None, high=None, p_value=None, note=str(fault))
    return label(estimate=got.estimate, low=got.low, high=got.high, p_value=got.p_value)


def usable(people: Matched) -> list[int]:
    """Covariates that a model can hold beside the arm; places, ascending."""
    return independent(people.treated, people.covariates)


def useful_for(happened: NDArray[np.bool_], people: Matched) -> list[int]:
    """Covariates that a model of a yes-no outcome can hold; places, ascending.

    Which level of a category is the reference, must not decide: one with the outcome of everybody or nobody is joined
    by the levels after it until it has both.
    """
    kept = [column for column in usable(people) if not separates(people.covariates[:, column], happened)]
    for category in dict.fromkeys(name.partition("=")[0] for name in people.names if "=" in name):
        levels = [column for column in kept if people.names[column].startswith(f"{category}=")]
        while levels and is_same(happened[~people.covariates[:, levels].any(axis=1)]):
            kept.remove(levels.pop(0))
    return kept


def separates(column: FloatArray, happened: NDArray[np.bool_]) -> bool:
    """Whether a 0/1 column has a group in which everybody or nobody has the outcome."""
    if not np.isin(column, (0.0, 1.0)).all():
        return False
    return any(is_same(happened[column == value]) for value in (0.0, 1.0))


def is_same(happened: NDArray[np.bool_]) -> bool:
    """Whether everybody, or nobody, has the outcome."""
    return bool(happened.all() or not happened.any())


def _left_out(people: Matched, columns: list[int]) -> tuple[str, ...]:
    return tuple(name for place, name in enumerate(people.names) if place not in columns)
