"""The study's answer in one sentence, and whether a known truth was found."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from claimtwin.report.set_words import among_words
from claimtwin.report.words import (
    ARMS,
    MAIN,
    WITHHELD,
    Results,
    Row,
    adjustment,
    arm_title,
    interval,
    measure_title,
    number,
    outcome_scale,
    outcome_title,
    percent,
    why_absent,
)


@dataclass(frozen=True)
class Verdict:
    """Whether the interval covers the planted truth, and the sentence that says so."""

    found: Literal["covered", "missed", "withheld"]
    text: str


def headline(results: Results, outcome: str | None = None) -> Row | None:
    """The effect of the first sentence: adjusted and clustered by pair where there is such a one.

    The choice is made by name and not by what came out: an effect without numbers stays the headline, unless rare
    kinds of pairs alone withhold it; then the one with ordinary errors takes its place.
    Without ``outcome`` it is of the first outcome that has an odds ratio, else of the first that has any.
    """
    rows = [row for row in results["effects"] if row["measure"] in MAIN and outcome in (None, row["outcome"])]
    first = next((row for row in rows if row["measure"] == "odds_ratio"), rows[0] if rows else None)
    same = [row for row in rows if first and row["outcome"] == first["outcome"]]
    return main_of(same) if same else None


def main_of(rows: Sequence[Row]) -> Row:
    """The main estimate among effects of one outcome and measure, of which there is at least one."""
    return max(told_of(rows), key=lambda row: (row["adjusted"], row["errors"] == "cluster_pair"))


def told_of(rows: Sequence[Row]) -> list[Row]:
    """Effects of one outcome and measure without those withheld where the same with ordinary errors is told."""
    plain = {row["adjusted"] for row in rows if row["errors"] == "nonrobust" and row["estimate"] is not None}
    return [row for row in rows if not (str(row["note"]).startswith(WITHHELD) and row["adjusted"] in plain)]


def judged(results: Results, measure: str = "odds_ratio") -> Row | None:
    """The effect that a planted figure is held against; None when there is none of this measure.

    Planted risks give a marginal odds ratio, and so does the unadjusted model on matched people; the adjusted
    one is conditional on the covariates and farther from 1 by construction. ``truth`` may name another by its
    keys ``adjusted`` and ``errors``.
    """
    truth = results.get("truth") or {}
    wanted = (truth.get("adjusted", False), truth.get("errors", "cluster_pair"))
    same = [row for row in results["effects"] if row["measure"] == measure]
    rows = told_of([row for row in same if row["outcome"] == same[0]["outcome"]])
    return next((row for row in rows if (row["adjusted"], row["errors"]) == wanted), rows[0] if rows else None)


def planted(results: Results, row: Row) -> float | None:
    """The planted value of an effect's outcome and measure; None where none is known.

    The truth is of the first outcome that has an odds ratio, and of the first with a difference.
    """
    truth, held = results.get("truth") or {}, judged(results, row["measure"])
    if held is None or held["outcome"] != row["outcome"]:
        return None
    if row["measure"] == "difference_per_scale" and truth.get("difference_per_100") is not None:
        return float(truth["difference_per_100"] * outcome_scale(results, row["outcome"]) / 100)
    return truth.get("odds_ratio") if row["measure"] == "odds_ratio" else None


def covers(row: Row | None, truth: float) -> bool | None:
    """Whether an interval covers a true value; None when there is no interval."""
    return None if row is None or row["low"] is None else bool(row["low"] <= truth <= row["high"])


def answer(results: Results) -> str:
    """One sentence: pairs, both arms, the main effect and its interval; or that the study is blinded."""
    if is_blinded(results):
        return "Blinded: a gate of the protocol fails, and no outcome and no effect was looked at."
    row = headline(results)
    if row is None:
        return "No effect was estimated."
    what = outcome_title(results, row["outcome"])
    if row["estimate"] is None:
        return f"No effect on “{what}” can be shown ({why_absent(row)})."
    people = f"Among {among_words(results)}"
    kind = measure_title(row["measure"], outcome_scale(results, row["outcome"])).lower()
    effect = f"{number(row['estimate'])} (95% interval {interval(row['low'], row['high'])})"
    return f"{people}, “{what}”: {_arms_in_words(results, row)}; {adjustment(row)} {kind} {effect}."


def is_blinded(results: Results) -> bool:
    """Whether effects are hidden because a gate fails."""
    return bool((results.get("blinding") or {}).get("blinded"))


def verdict(results: Results) -> Verdict | None:
    """Whether the planted truth was found; None when no truth is known."""
    truth = results.get("truth")
    if not truth or is_blinded(results):
        return None
    row = judged(results)
    found = covers(row, truth["odds_ratio"])
    told = f"Planted truth: odds ratio {number(truth['odds_ratio'])}."
    if row is None or found is None:
        return Verdict("withheld", f"{told} The estimate that it is held against is withheld or could not be made.")
    says = "covers it" if found else "does not cover it"
    text = f"{told} The 95% interval of the {adjustment(row)} odds ratio, {interval(row['low'], row['high'])}, {says}."
    return Verdict("covered" if found else "missed", text)


def outcome_rows(results: Results, outcome: str, scope: str = "matched") -> list[Row]:
    """The rows of one outcome in one scope, one an arm, the treated first."""
    rows = [row for row in results["outcomes"] if (row["outcome"], row["scope"]) == (outcome, scope)]
    return sorted(rows, key=lambda row: (row["arm"] not in ARMS, row["arm"] != "treated", row["arm"]))


def outcomes_in(results: Results) -> list[str]:
    """Names of the outcomes in the order of the results."""
    return list(dict.fromkeys(row["outcome"] for row in (*results["outcomes"], *results["effects"])))


def worst_balance(results: Results, when: str) -> Row | None:
    """The balance row with the largest absolute standardised difference; None where no row has one."""
    rows: Sequence[Row] = [row for row in results["balance"] if row["when"] == when and row["smd"] is not None]
    return max(rows, key=lambda row: (abs(row["smd"]), row["covariate"]), default=None)


def _arms_in_words(results: Results, row: Row) -> str:
    rows = {found["arm"]: found for found in outcome_rows(results, row["outcome"])}
    shown = []
    for arm in ARMS:
        found = rows.get(arm, {})
        ratio = row["measure"] == "odds_ratio"
        scale = outcome_scale(results, row["outcome"])
        figure = percent(found.get("percent")) if ratio else _per_scale(found.get("per_100"), scale)
        shown.append(f"{figure} in {arm_title(results, arm)}")
    return " against ".join(shown)


def _per_scale(per_100: float | None, scale: int) -> str:
    return number(None if per_100 is None else per_100 * scale / 100)
