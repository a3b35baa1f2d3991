"""The study in ten lines, for a terminal."""

from claimtwin.report.answer import covers, headline, is_blinded, judged, outcome_rows, planted, worst_balance
from claimtwin.report.origin_tables import rejected_in_words
from claimtwin.report.set_words import is_of_sets, twins_of
from claimtwin.report.words import (
    Results,
    Row,
    arm_title,
    count,
    covariate_title,
    measure_title,
    model_title,
    number,
    outcome_scale,
    percent,
    with_interval,
)

LABEL = 21
ABSENT = "none"


def _matched(results: Results) -> tuple[str, str]:
    match = results["matching"]
    if not is_of_sets(results):
        return "Matched pairs", f"{count(match['pairs'])} of {count(match['treated'])} eligible"
    return (
        "Matched treated",
        f"{count(match['pairs'])} of {count(match['treated'])} eligible, {count(twins_of(match))} twins",
    )


def summary_lines(results: Results, *, result_hash: str, report_path: str) -> list[str]:
    """Exactly ten lines: pairs, balance, both arms, effect, truth, whether it is covered, rejects, hash, path.

    The effect is the one that the truth is held against; without a truth, the one of the report's answer.
    """
    effect = judged(results) if results.get("truth") else headline(results)
    lines = [
        _matched(results),
        ("Worst balance (|SMD|)", f"{_worst(results, 'before')} before, {_worst(results, 'after')} after"),
        ("Treated", _arm(results, effect, "treated")),
        ("Comparator", _arm(results, effect, "comparator")),
        *_effect_lines(results, effect),
        ("Rows rejected", rejected_in_words(results)),
        ("Hash of the results", result_hash),
        ("Report", report_path),
    ]
    return [f"{label:<{LABEL}}  {text}" for label, text in lines]


def _effect_lines(results: Results, effect: Row | None) -> list[tuple[str, str]]:
    if effect is None:
        why = "blinded: a gate fails" if is_blinded(results) else "not estimated"
        return [("Effect", why), ("Planted truth", ABSENT), ("Interval covers it", ABSENT)]
    kind = measure_title(effect["measure"], outcome_scale(results, effect["outcome"]))
    true = planted(results, effect)
    told = ABSENT if true is None else number(true)
    covered = None if true is None else covers(effect, true)
    says = ABSENT if covered is None else "yes" if covered else "no"
    return [(kind, f"{with_interval(effect)}, {model_title(effect)}"), ("Planted truth", told),
            ("Interval covers it", says)]  # fmt: skip


def _worst(results: Results, when: str) -> str:
    row = worst_balance(results, when)
    return ABSENT if row is None else f"{number(abs(row['smd']), 3)} ({covariate_title(row['covariate'])})"


def _arm(results: Results, effect: Row | None, arm: str) -> str:
    """The share of people with the outcome in one arm, with both counts."""
    rows = [] if effect is None else outcome_rows(results, effect["outcome"])
    row = next((row for row in rows if row["arm"] == arm), None)
    title = arm_title(results, arm)
    if row is None:
        return f"{title}: {ABSENT}"
    return f"{title}: {percent(row['percent'], 2)} ({count(row['people'])} of {count(row['n'])})"
