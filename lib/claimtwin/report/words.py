"""How numbers and names are written in a report. None is a withheld number, never an empty cell."""

from collections.abc import Mapping
from typing import Any

Results = Mapping[str, Any]
Row = Mapping[str, Any]

WITHHELD = "withheld"
DASH, MINUS = "\N{EN DASH}", "\N{MINUS SIGN}"
ARMS = ("treated", "comparator")
ENTRY = "candidates"
"""The first step of a flow: everybody who came into the arm."""
MEASURES = {
    "odds_ratio": "Odds ratio",
    "risk_ratio": "Risk ratio",
    "risk_difference": "Risk difference, percentage points",
    "rate_ratio": "Ratio of occurrences per person",
    "incidence_rate_ratio": "Ratio of occurrences per person-time",
    "mean_ratio": "Ratio of occurrences per person that had any",
    "total_ratio": "Ratio of totals per person",
    "hazard_ratio": "Hazard ratio of the first event",
    "number_needed": "People treated for one event fewer or more",
    "relative_reduction": f"Press reading: 1 {MINUS} risk ratio, in % (not 1 {MINUS} odds ratio)",
}
RATIOS = (
    "odds_ratio", "risk_ratio", "rate_ratio", "mean_ratio", "total_ratio", "incidence_rate_ratio", "hazard_ratio"
)  # fmt: skip
MAIN = ("odds_ratio", "difference_per_scale", "incidence_rate_ratio")
"""The measures that models estimate; one outcome has one of them."""
TOLD_ENDS = ("estimate", "low", "high", "p_value")
"""Figures of an effect that go together."""
ERRORS = {
    "nonrobust": "ordinary",
    "hc3": "HC3",
    "cluster_pair": "pair-clustered",
    "cluster_employer": "employer-clustered",
    "cluster_both": "clustered by pair and employer",
    "bootstrap_pair": "bootstrap of pairs",
    "within_pairs": "within pairs",
    "score": "score",
}
MODELS = {
    "table": "Two-by-two table",
    "newcombe": "Newcombe's interval",
    "logit": "Logistic regression",
    "poisson": "Poisson regression",
    "standardised": "Standardised over the treated (g-computation)",
    "mcnemar": "McNemar, discordant pairs",
    "conditional_logit": "Conditional logistic regression",
    "ols": "Least squares",
    "negative_binomial": "Negative binomial regression",
    "person_time": "Poisson regression by days of follow-up",
    "two_part": "Two parts: whether any, then how many",
    "gamma": "Gamma regression of the amount",
    "kaplan_meier": "Kaplan-Meier, risk at the end of the window",
    "cox": "Cox regression",
}
DIGITS = {"relative_reduction": 1, "number_needed": 1}


def count(value: float | None) -> str:
    """A number of people or rows, with thousands separated: ``4,195``.

    A withheld number is not ``<11``: it may be a large one that would give a small one away.
    """
    return WITHHELD if value is None else f"{value:,.0f}"


def number(value: float | None, digits: int = 2, *, absent: str = WITHHELD) -> str:
    """A number with fixed digits, thousands separated and a true minus sign."""
    if value is None:
        return absent
    text = f"{value:,.{digits}f}"
    return text.lstrip("-") if float(text.replace(",", "")) == 0 else text.replace("-", MINUS)


def percent(value: float | None, digits: int = 1) -> str:
    """A percentage that is already times 100: ``7.9%``."""
    return WITHHELD if value is None else f"{number(value, digits)}%"


def interval(low: float | None, high: float | None, digits: int = 2) -> str:
    """The ends of an interval: ``0.45 to 0.60``."""
    return WITHHELD if low is None or high is None else f"{number(low, digits)} to {number(high, digits)}"


def with_interval(row: Row) -> str:
    """Estimate and 95 % interval of an effect or a published figure: ``0.52 (0.45 to 0.60)``."""
    digits = DIGITS.get(row["measure"], 2)
    if row["estimate"] is None:
        return why_absent(row)
    return f"{number(row['estimate'], digits)} ({interval(row['low'], row['high'], digits)})"


def why_absent(row: Row) -> str:
    """Why an effect has no numbers: withheld, or the reason that it is not estimable."""
    note = str(row.get("note") or WITHHELD)
    return note if note.startswith(WITHHELD) else f"not estimable: {note}"


def p_value(value: float | None) -> str:
    """A p-value to three digits, ``<0.001`` below; a dash when there is none."""
    if value is None:
        return DASH
    return "<0.001" if value < 0.001 else f"{value:.3f}"


def sentence_case(name: str) -> str:
    """A name of a column or key as words: ``office_visits`` becomes ``Office visits``."""
    words = name.replace("_", " ").strip()
    return words[:1].upper() + words[1:]


def covariate_title(name: str) -> str:
    """A covariate as words; a level of a category as ``Census region: south``."""
    for mark in ("=", ":"):
        column, found, level = name.partition(mark)
        if found:
            return f"{sentence_case(column)}: {level.replace('_', ' ').strip()}"
    return sentence_case(name)


def is_level(name: str) -> bool:
    """Whether a covariate is one level of a category, so that its mean is a share of people."""
    return "=" in name or ":" in name


def outcome_title(results: Results, name: str) -> str:
    """The outcome's title where the results give one, else its name as words."""
    return str(results.get("outcome_titles", {}).get(name, sentence_case(name)))


def outcome_scale(results: Results, name: str) -> int:
    """Per how many people a count outcome is told; 100 where the results do not say."""
    return int(results.get("outcome_scales", {}).get(name, 100))


def arm_title(results: Results, arm: str) -> str:
    """The arm's title; an arm that is not ``treated`` or ``comparator`` keeps its own name."""
    return str(results["arms"].get(arm, sentence_case(arm)))


def measure_title(measure: str, scale: int = 100) -> str:
    """A measure as words; differences of counts say per how many people."""
    return MEASURES.get(measure, f"Difference per {scale:,} people")


def adjustment(row: Row) -> str:
    """Whether an effect is adjusted for covariates, in a word."""
    return "adjusted" if row["adjusted"] else "unadjusted"


def errors_title(row: Row) -> str:
    """How the errors of an effect were made: ``pair-clustered``."""
    return ERRORS.get(row["errors"], str(row["errors"]))


def model_title(row: Row) -> str:
    """Which model an effect comes from: ``adjusted, pair-clustered errors``."""
    return f"{adjustment(row)}, {errors_title(row)} errors"


def listed(names: list[str]) -> str:
    """Names in a sentence: ``a, b and c``."""
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


def plain_value(value: Any) -> str:
    """A value of a configuration or manifest as words: ``pre days 365, benefits medical, pharmacy``."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{name.replace('_', ' ')} {plain_value(inner)}" for name, inner in value.items())
    if isinstance(value, list | tuple):
        return ("; " if any(isinstance(v, Mapping) for v in value) else ", ").join(map(plain_value, value))
    return str(value)
