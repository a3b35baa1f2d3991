"""The same question asked by other models: each row says which model, which errors, adjusted or not.

What a study asks for is its ``models``; the effects of ``stats.effects`` stand beside these and are not repeated.
A model that cannot be fitted gives rows without numbers and a note; no other model takes its place.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray
from statsmodels.stats.proportion import confint_proportions_2indep, test_proportions_2indep

from claimtwin.stats import fitting
from claimtwin.stats.arms import TwoByTwo, crude_odds_ratio, two_by_two
from claimtwin.stats.counts import TWO_PART, negative_binomial_ratio, two_part
from claimtwin.stats.effects import difference_of_risks, labelled, usable, useful_for, weighted_risks
from claimtwin.stats.fitting import CannotFitError, Family, Fit, design_matrix
from claimtwin.stats.intervals import Effect, Errors, Estimate, Measure
from claimtwin.stats.matched import Matched
from claimtwin.stats.paired import OF_PAIRS_ALONE, PairTable, conditional_odds_ratio, mcnemar, pair_table
from claimtwin.stats.resampled import drawn_difference, drawn_ratio
from claimtwin.stats.standard import MEASURES, Draws, bootstrapped, standardised
from claimtwin.stats.weighted_risks import weighted_odds_ratio

Make = Callable[[list[int], Errors], tuple[Estimate, ...]]
SHOWN = ("nonrobust", "cluster_pair")
"""Errors of the main model that ``stats.effects`` gives already."""
PAIRED = ("mcnemar", "conditional_logit")
UNWEIGHTED = "this model knows no weights, and sets differ in their number of twins"


@dataclass(frozen=True)
class Plan:
    """What a study prints: models by name, errors of the main model and of the others, bootstrap draws."""

    models: tuple[str, ...]
    errors: tuple[Errors, ...]
    other_errors: tuple[Errors, ...]
    draws: Draws


@dataclass(frozen=True)
class Model:
    """One model: what it estimates, with which errors, and why it cannot be asked, if so."""

    name: str
    measures: tuple[Measure, ...]
    make: Make
    errors: tuple[Errors, ...]
    why_not: str = ""
    adjusted: tuple[bool, ...] = (False, True)


def binary_models(outcome: str, happened: NDArray[np.bool_], people: Matched, plan: Plan) -> list[Effect]:
    """All other models of a yes-no outcome, in the order of the plan; adjusted rows where there are covariates."""
    known = _binary(happened, people, plan)
    asked = [model for name in plan.models for model in known.get(name, [])]
    return rows_of(partial(Effect, outcome, n=len(happened)), asked, useful_for(happened, people))


def count_models(
    outcome: str, count: NDArray[np.int64], people: Matched, plan: Plan, *, scale: int = 100
) -> list[Effect]:
    """All other models of a count, in the order of the plan; differences are per ``scale`` people."""
    known = _count(count, people, plan, scale)
    return rows_of(
        partial(Effect, outcome, n=len(count)), [known[name] for name in plan.models if name in known], usable(people)
    )


def newcombe(table: TwoByTwo) -> Estimate:
    """Risk difference in points with Newcombe's score interval, p-value by the score test; it bears no events too.

    Source: Newcombe, Stat. Med. 1998;17:873, method 10.
    """
    counts = (table.events1, table.n1, table.events0, table.n0)
    with np.errstate(divide="ignore", invalid="ignore"):  # of ratios that statsmodels makes and nobody asked for
        low, high = confint_proportions_2indep(*counts, compare="diff", method="newcomb")
        tested = test_proportions_2indep(*counts, compare="diff", method="score", correction=False)
    points = 100 * (table.events1 / table.n1 - table.events0 / table.n0)
    p_value = float(tested.pvalue)
    return Estimate(points, 100 * float(low), 100 * float(high), p_value if np.isfinite(p_value) else 1.0)


def number_needed(points: Estimate) -> Estimate:
    """People treated for one event fewer (or more): 100 over the risk difference in points, and over its limits.

    Source: Altman, BMJ 1998;317:1309.

    Raises:
        CannotFitError: The interval of the difference holds nought, so that of the number has no end.
    """
    if points.low <= 0 <= points.high:
        raise CannotFitError("the interval of the risk difference includes no difference")
    near, far = sorted((abs(points.low), abs(points.high)))
    return Estimate(100 / abs(points.estimate), 100 / far, 100 / near, points.p_value)


def _binary(happened: NDArray[np.bool_], people: Matched, plan: Plan) -> dict[str, list[Model]]:
    table, pairs = two_by_two(happened, people.treated), pair_table(happened, people)
    nobody = "" if table.n1 and table.n0 else table.empty
    y, why = happened.astype(np.float64), table.empty

    def crude() -> Estimate:
        plain = people.weight is None
        return crude_odds_ratio(table) if plain else weighted_odds_ratio(*weighted_risks(happened, people))

    needed = lambda: number_needed(difference_of_risks(table, happened, people))  # noqa: E731
    logit = _ratio_by(fitting.fit_logit, fitting.LOGIT, y, people, plan)
    poisson = _ratio_by(fitting.fit_poisson, fitting.POISSON, y, people, plan)
    robust = tuple(errors for errors in plan.other_errors if errors != "bootstrap_pair")  # which has a row of its own
    risks = Model("standardised", MEASURES, partial(standardised, happened, people), robust, why)
    drawn = lambda columns, _: bootstrapped(happened, people, columns, plan.draws)  # noqa: E731
    return {
        "table": [
            _crude("table", "odds_ratio", crude, why),
            _crude("table", "number_needed", needed, nobody),
        ],
        "newcombe": [
            _crude("newcombe", "risk_difference", lambda: newcombe(table), nobody or no_weights(people), errors="score")
        ],
        "logit": [Model("logit", ("odds_ratio",), logit, _more(plan), why)],
        "poisson": [Model("poisson", ("risk_ratio",), poisson, plan.other_errors, why)],
        "standardised": [risks]
        + ([replace(risks, make=drawn, errors=("bootstrap_pair",))] if plan.draws.number else []),
        **_paired(happened, people, pairs),
    }


def _paired(happened: NDArray[np.bool_], people: Matched, pairs: PairTable) -> dict[str, list[Model]]:
    def conditional(columns: list[int], _: Errors) -> tuple[Estimate, ...]:
        return (conditional_odds_ratio(happened, people, columns),)

    sets = people.has_sets
    why = OF_PAIRS_ALONE if sets else pairs.empty
    found = _crude("mcnemar", "odds_ratio", lambda: mcnemar(pairs), why, errors="within_pairs")
    forms = (False, True) if sets else (True,)  # of pairs McNemar's is the unadjusted one
    within = replace(found, name="conditional_logit", make=conditional, adjusted=forms, why_not="" if sets else why)
    return {"mcnemar": [found], "conditional_logit": [within]}


def no_weights(people: Matched) -> str:
    """Why a model without weights cannot be asked, in words; empty where it can."""
    return "" if people.weight is None else UNWEIGHTED


def _count(count: NDArray[np.int64], people: Matched, plan: Plan, scale: int) -> dict[str, Model]:
    value, treated = count.astype(np.float64) * scale, people.treated
    empty = "" if 0 < treated.sum() < len(count) else "an arm is empty"
    none = next((f"no events in the {arm} arm" for arm, rows in (("treated", treated), ("comparator", ~treated))
                 if not count[rows].any()), "")  # fmt: skip
    none = "values below nought" if (count < 0).any() else none

    def ols(columns: list[int], errors: Errors) -> tuple[Estimate, ...]:
        design = _design(people, columns)
        if errors == "bootstrap_pair":
            return (drawn_difference(value, design, people, plan.draws),)
        return (fitting.difference(value, design, people, errors),)

    def overdispersed(columns: list[int], errors: Errors) -> tuple[Estimate, ...]:
        return (negative_binomial_ratio(count, people, columns, errors),)

    y = count.astype(np.float64)
    poisson = _ratio_by(fitting.fit_poisson, fitting.POISSON, y, people, plan)
    gamma = _ratio_by(fitting.fit_gamma, fitting.GAMMA, y, people, plan)
    parts = partial(two_part, count, people, scale=scale)
    return {
        "ols": Model("ols", ("difference_per_scale",), ols, _more(plan), empty),
        "poisson": Model("poisson", ("rate_ratio",), poisson, plan.other_errors, empty or none),
        "negative_binomial": Model("negative_binomial", ("rate_ratio",), overdispersed, plan.other_errors,
                                   empty or none or no_weights(people)),
        "gamma": Model("gamma", ("total_ratio",), gamma, plan.other_errors, empty or none),
        "two_part": Model("two_part", TWO_PART, parts, plan.other_errors, empty or none),
    }  # fmt: skip


def _ratio_by(fit: Callable[..., Fit], family: Family, y: NDArray[np.float64], people: Matched, plan: Plan) -> Make:
    """Ratio of the treated by one regression, with errors of any kind."""

    def make(columns: list[int], errors: Errors) -> tuple[Estimate, ...]:
        design = _design(people, columns)
        if errors == "bootstrap_pair":
            plain = fit(y, design, people, "nonrobust")
            return (drawn_ratio(y, design, people, plain, plan.draws, family),)
        return (fitting.ratio(fit(y, design, people, errors)),)

    return make


def _crude(name: str, measure: Measure, make: Callable[[], Estimate], why: str, errors: Errors = "nonrobust") -> Model:
    return Model(name, (measure,), lambda columns, _: (make(),), (errors,), why, (False,))


def _more(plan: Plan) -> tuple[Errors, ...]:
    return tuple(errors for errors in plan.errors if errors not in SHOWN)


def _design(people: Matched, columns: list[int]) -> NDArray[np.float64]:
    return design_matrix(people.treated, people.covariates[:, columns])


def rows_of(label: Callable[..., Effect], models: Sequence[Model], columns: list[int]) -> list[Effect]:
    """Every model with every kind of errors, unadjusted and where there are ``columns`` adjusted; a row a measure."""
    found = []
    for model in models:
        for adjusted in model.adjusted if columns else [form for form in model.adjusted if not form]:
            for errors in model.errors:
                named = partial(label, adjusted=adjusted, errors=errors, model=model.name)
                found += _effects_of(named, model, columns if adjusted else [], errors)
    return found


def _effects_of(label: Callable[..., Effect], model: Model, columns: list[int], errors: Errors) -> list[Effect]:
    """One row a measure; a model without a solution says so in each."""
    found: tuple[Estimate, ...] = ()
    why = model.why_not
    try:
        found = () if why else model.make(columns, errors)
    except CannotFitError as fault:
        why = str(fault)
    return [
        labelled(partial(label, measure), partial(found.__getitem__, place), why)
        for place, measure in enumerate(model.measures)
    ]
