"""Rows of results on sensitivity: how strong a hidden bias would have to be, and what negative controls say."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from claimtwin.config.protocol import Outcome, Protocol
from claimtwin.report.answer import main_of
from claimtwin.report.words import MAIN
from claimtwin.stats.calibration import Null, calibrated, error_of, fit_null
from claimtwin.stats.confounding import (
    Confounder,
    as_risk_ratio,
    bias_factor,
    e_value,
    e_value_of_limit,
    hazard_as_risk_ratio,
    tipping_risk_ratio,
)
from claimtwin.stats.fitting import CannotFitError
from claimtwin.stats.paired import OF_PAIRS_ALONE, pair_table, whole_pairs
from claimtwin.stats.power import Wanted, detectable_difference, detectable_ratio
from claimtwin.stats.rosenbaum import Tail, bounds, critical_gamma, sign_tail, signed_rank_tail
from claimtwin.stats.withhold import SMALL_CELL, has_small_pairs
from claimtwin.study.counts import Rows
from claimtwin.study.matched import MatchedRows

Row = dict[str, Any]
ENDS = ("estimate", "low", "high")
AS_RISK_RATIO: dict[str, Callable[[float, float], float]] = {
    "binary": as_risk_ratio, "time": hazard_as_risk_ratio, "rate": lambda ratio, _: ratio,
}  # fmt: skip
"""How the main ratio of each kind of outcome stands for a risk ratio; first events by time are taken as hazards."""


def sensitivity_of(matched: MatchedRows, protocol: Protocol, outcomes: Rows, effects: Rows, min_cell: int) -> Row:
    """Everything on hidden bias, from the effects as they are shown: what is withheld there is absent here."""
    ratios = [_main_ratio(outcome, outcomes, effects) for outcome in protocol.outcomes if outcome.kind in AS_RISK_RATIO]
    null, note = _null(protocol, ratios)
    return {
        "e_values": [_e_values(ratio) for ratio in ratios],
        "confounders": [row for ratio in ratios for row in _confounded(ratio, protocol)],
        "tipping": [row for ratio in ratios for row in _tipped(ratio, protocol)],
        "rosenbaum": [row for outcome in protocol.outcomes
                      for row in _rosenbaum(outcome, matched, protocol, effects, min_cell)
                      if not outcome.over_time],
        "null": None if null is None else {**asdict(null), "expected_error": null.expected_error},
        "null_note": note,
        "calibrated": [] if null is None else [row for ratio in ratios for row in _calibrated(ratio, null, protocol)],
    }  # fmt: skip


def power_rows(pairs: int, protocol: Protocol, twins: int | None = None) -> Rows:
    """What so many matched treated can show of each outcome whose risk was stated before; no outcome is looked at.

    ``twins`` is how many these have in all; null: one each.
    """
    wanted = Wanted(protocol.power.level, protocol.power.power)
    rows: Rows = []
    for name, risk in protocol.power.expected_risk.items():
        found = detectable_difference(pairs, risk, wanted, twins=(twins or pairs) / pairs)
        ratio = None if found is None else (risk - found) / risk
        points = None if found is None else -100 * found
        rows.append({"outcome": name, "expected_risk": risk, "risk_difference": points, "risk_ratio": ratio,
                     "level": wanted.level, "power": wanted.power})  # fmt: skip
    return rows


def detectable_by_events(events: int, protocol: Protocol, share_treated: float = 0.5) -> float | None:
    """Smallest ratio above 1 that the events of both arms together can show; None without events."""
    return detectable_ratio(events, Wanted(protocol.power.level, protocol.power.power), share_treated)


def main_effect(effects: Rows, outcome: str) -> Row:
    """The main estimate of an outcome, which the headline of a report chooses alike; every outcome has one."""
    return dict(main_of([e for e in effects if e["outcome"] == outcome and e["measure"] in MAIN]))


def _main_ratio(outcome: Outcome, outcomes: Rows, effects: Rows) -> Row:
    """The main ratio of an outcome as a risk ratio, and an odds ratio's own ends; None where there is none."""
    main = main_effect(effects, outcome.name)
    arms = [row for row in outcomes if (row["outcome"], row["scope"]) == (outcome.name, "matched")]
    base = {"outcome": outcome.name, "adjusted": main["adjusted"], "errors": main["errors"], "note": main["note"]}
    if main["estimate"] is None:
        return base | dict.fromkeys(("odds_ratio", *ENDS, "rare"))
    convert = AS_RISK_RATIO[outcome.kind]
    risk = sum(arm["people"] for arm in arms) / sum(arm["n"] for arm in arms)
    odds = [main[end] for end in ENDS] if outcome.kind == "binary" else None
    ratios = {end: convert(main[end], risk) for end in ENDS}
    return base | {"odds_ratio": odds, "rare": as_risk_ratio(4.0, risk) == 4.0} | ratios


def _e_values(ratio: Row) -> Row:
    point = limit = None
    if ratio["estimate"] is not None:
        point, limit = e_value(ratio["estimate"]), e_value_of_limit(ratio["low"], ratio["high"])
    return {key: value for key, value in ratio.items() if key != "odds_ratio"} | {"point": point, "limit": limit}


def _confounded(ratio: Row, protocol: Protocol) -> Rows:
    """The ratio as it would be without each confounder of the protocol."""
    rows: Rows = []
    for rule in protocol.sensitivity.confounders:
        one = Confounder(rule.prevalence_treated, rule.prevalence_comparator, rule.risk_ratio)
        factor = bias_factor(one)
        ends = {end: None if ratio[end] is None else ratio[end] / factor for end in ENDS}
        rows.append({"outcome": ratio["outcome"], **asdict(one), **ends, "note": ratio["note"]})
    return rows


def _tipped(ratio: Row, protocol: Protocol) -> Rows:
    """The ratio of risks of a confounder that moves the estimate, and the limit nearer 1, to 1."""
    rows: Rows = []
    for more, less in protocol.sensitivity.tipping:
        row = {"outcome": ratio["outcome"], "prevalence_higher_risk": more, "prevalence_lower_risk": less}
        rows.append(row | {"point": None, "limit": None, "note": ratio["note"]})
        if ratio["estimate"] is not None:
            near = ratio["high"] if ratio["estimate"] < 1 else ratio["low"]
            ends = {"point": _tip(ratio["estimate"], more, less), "limit": _tip(near, more, less)}
            crossed = (near - 1) * (ratio["estimate"] - 1) <= 0
            rows[-1] |= ends | {"limit": 1.0 if crossed else ends["limit"]}
    return rows


def _tip(ratio: float, more: float, less: float) -> float | None:
    above = max(ratio, 1 / ratio)
    return tipping_risk_ratio(above, more, less)


def _rosenbaum(outcome: Outcome, matched: MatchedRows, protocol: Protocol, effects: Rows, min_cell: int) -> Rows:
    """One row a Gamma with both bounds, and the critical Gamma; McNemar's test, or the signed rank of a count."""
    count, people = matched.count(outcome.name), matched.people
    test = "mcnemar" if outcome.kind == "binary" else "signed_rank"
    plain = [e for e in effects if e["outcome"] == outcome.name and e["errors"] == "nonrobust"]
    hidden = any(e["note"] == SMALL_CELL for e in plain)
    table = pair_table(count > 0, people)

    def tail() -> Tail:
        if people.has_sets:
            raise CannotFitError(OF_PAIRS_ALONE)
        if test == "mcnemar":
            return sign_tail(table)
        pairs = whole_pairs(people)
        return signed_rank_tail((count[pairs.treated] - count[pairs.comparator]).astype(np.float64))

    if hidden or (test == "mcnemar" and has_small_pairs(table, min_cell)):
        return [_bound_row(outcome.name, test, None, note=SMALL_CELL)]
    return _bound_rows(outcome.name, test, tail, protocol.sensitivity.gammas)


def _bound_rows(outcome: str, test: str, tail: Callable[[], Tail], gammas: Sequence[float]) -> Rows:
    try:
        found = tail()
    except CannotFitError as fault:
        return [_bound_row(outcome, test, None, note=str(fault))]
    rows = [_bound_row(outcome, test, bound.gamma, bound.low, bound.high) for bound in bounds(found, list(gammas))]
    try:
        return [*rows, _bound_row(outcome, test, critical_gamma(found), None, 0.05, critical=True)]
    except CannotFitError as fault:
        return [*rows, _bound_row(outcome, test, None, note=str(fault), critical=True)]


def _bound_row(
    outcome: str,
    test: str,
    gamma: float | None,
    low: float | None = None,
    high: float | None = None,
    *,
    critical: bool = False,
    note: str = "",
) -> Row:
    return {"outcome": outcome, "test": test, "gamma": gamma, "p_low": low, "p_high": high, "critical": critical,
            "note": note}  # fmt: skip


def _null(protocol: Protocol, ratios: Rows) -> tuple[Null | None, str]:
    """Null distribution of the negative controls that have an estimate; nothing, and no words, where none are named."""
    controls = protocol.sensitivity.negative_controls
    if not controls:
        return None, ""
    shown = [row["odds_ratio"] for row in ratios if row["outcome"] in controls and row["odds_ratio"] is not None]
    logs = np.log(np.array([ratio[0] for ratio in shown]))
    try:
        return fit_null(logs, np.array([error_of(ratio[1], ratio[2]) for ratio in shown])), ""
    except CannotFitError as fault:
        return None, str(fault)


def _calibrated(ratio: Row, null: Null, protocol: Protocol) -> Rows:
    """The calibrated odds ratio of an outcome; none for the negative controls themselves, and none without a ratio."""
    if ratio["outcome"] in protocol.sensitivity.negative_controls or ratio["odds_ratio"] is None:
        return []
    estimate, low, high = ratio["odds_ratio"]
    found = calibrated(null, float(np.log(estimate)), error_of(low, high))
    return [{"outcome": ratio["outcome"], "adjusted": ratio["adjusted"], "errors": ratio["errors"], **asdict(found)}]
