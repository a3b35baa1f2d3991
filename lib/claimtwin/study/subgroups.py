"""Rows of results on subgroups: effects by group, tests of their difference, pools, and one employer left out."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa

from claimtwin.config.analysis import GROUPINGS, Subgroup
from claimtwin.config.protocol import Outcome, Protocol
from claimtwin.stats.fitting import CannotFitError
from claimtwin.stats.intervals import Effect, Estimate
from claimtwin.stats.pooling import Pooled, pool
from claimtwin.stats.subgroups import GroupEffect, Grouping, corrected, group_effect, group_effects, interaction_p
from claimtwin.study.counts import ARMS, Rows
from claimtwin.study.effects import whole_outcomes
from claimtwin.study.matched import EMPLOYER, MatchedRows

Row = dict[str, Any]
UNKNOWN = "unknown"
EFFECT = ("measure", "estimate", "low", "high", "p_value", "note")


def subgroups_of(matched: MatchedRows, protocol: Protocol, min_cell: int) -> dict[str, Rows]:
    """Effects by group, one test and one pool a division and outcome, and effects without each employer."""
    groupings = [grouping_of(matched.rows, rule) for rule in protocol.subgroups]
    groups: Rows = []
    tests: Rows = []
    left_out: Rows = []
    for outcome in whole_outcomes(protocol):
        found = [(grouping, _effects(outcome, matched, grouping, min_cell)) for grouping in groupings]
        groups += [row for grouping, rows in found for row in _group_rows(grouping, rows)]
        tests += _test_rows(outcome, matched, found)
        left_out += [row for grouping, rows in found if grouping.name == EMPLOYER
                     for row in _without_each(outcome, matched, grouping, rows)]  # fmt: skip
    return {"groups": groups, "tests": tests, "without_employer": left_out}


def grouping_of(rows: pa.Table, rule: Subgroup) -> Grouping:
    """The group of each matched person: bands of a number in order, categories sorted by name, null ``unknown``."""
    column = rows[rule.by]
    if rule.by in GROUPINGS:
        named = np.array([UNKNOWN if value is None else str(value) for value in column.to_pylist()])
        levels, group = np.unique(named, return_inverse=True)
        return Grouping(rule.by, tuple(map(str, levels)), np.asarray(group, np.int64))
    values = np.asarray(column.cast(pa.float64()).to_numpy(zero_copy_only=False))
    group = np.digitize(values, rule.cuts)
    return Grouping(rule.by, band_names(rule.cuts), np.asarray(group, np.int64))


def band_names(cuts: Sequence[float]) -> tuple[str, ...]:
    """Names of the bands between cuts: ``below 35``, ``35 to below 50``, ``50 or more``."""
    middle = [f"{low:g} to below {high:g}" for low, high in zip(cuts, cuts[1:], strict=False)]
    return (f"below {cuts[0]:g}", *middle, f"{cuts[-1]:g} or more")


def _scale(outcome: Outcome) -> int | None:
    return None if outcome.kind == "binary" else outcome.scale


def _effects(outcome: Outcome, matched: MatchedRows, grouping: Grouping, min_cell: int) -> list[GroupEffect]:
    count = matched.count(outcome.name)
    scale = _scale(outcome)
    return group_effects(outcome.name, count, matched.people, grouping, scale=scale, min_cell=min_cell)


def _group_rows(grouping: Grouping, found: list[GroupEffect]) -> Rows:
    rows = []
    for group in found:
        arms = {
            f"{name}_{arm}": getattr(side, name)
            for arm, side in zip(ARMS, (group.treated, group.comparator), strict=True)
            for name in ("n", "people")
        }
        rows.append({"outcome": group.effect.outcome, "by": grouping.name, "level": group.level, **arms,
                     **_effect(group.effect)})  # fmt: skip
    return rows


def _effect(effect: Effect) -> Row:
    return {name: getattr(effect, name) for name in EFFECT}


def _test_rows(outcome: Outcome, matched: MatchedRows, found: list[tuple[Grouping, list[GroupEffect]]]) -> Rows:
    """Interaction test and pool of each division, p-values corrected over the divisions of the outcome."""
    rows: Rows = []
    count, scale = matched.count(outcome.name), _scale(outcome)
    for grouping, groups in found:
        used = [place for place, group in enumerate(groups) if group.usable]
        test = _or_note(partial(interaction_p, count, matched.people, grouping, used, scale))
        pooled = _or_note(partial(_pool, groups, ratio=scale is None))
        rows.append({"outcome": outcome.name, "by": grouping.name, "groups": len(groups), "used": len(used),
                     "p_value": test[0], "note": test[1], **_pooled(pooled[0], pooled[1])})  # fmt: skip
    for row, (holm, fdr) in zip(rows, corrected([row["p_value"] for row in rows]), strict=True):
        row |= {"holm": holm, "fdr": fdr}
    return rows


def _or_note(make: Callable[[], Any]) -> tuple[Any, str]:
    try:
        return make(), ""
    except CannotFitError as fault:
        return None, str(fault)


def _pool(groups: list[GroupEffect], *, ratio: bool) -> Pooled:
    shown = [group.effect for group in groups if group.usable]
    return pool([_estimate(effect) for effect in shown], ratio=ratio)


def _estimate(effect: Effect) -> Estimate:
    figures = (effect.estimate, effect.low, effect.high, effect.p_value)
    return Estimate(*(float(value) for value in figures if value is not None))


def _pooled(found: Pooled | None, note: str) -> Row:
    names = ("fixed", "random", "tau2", "i2", "q", "q_p_value")
    return {**({name: None for name in names} if found is None else _told(found)), "pool_note": note}


def _told(found: Pooled) -> Row:
    values = asdict(found)
    return {name: values[name] for name in ("fixed", "random", "tau2", "i2", "q", "q_p_value")}


def _without_each(outcome: Outcome, matched: MatchedRows, grouping: Grouping, found: list[GroupEffect]) -> Rows:
    """The unadjusted effect among all but one employer; only for employers whose own effect is shown.

    Otherwise the difference to the whole would give a withheld employer away.
    """
    rows: Rows = []
    for place, group in enumerate(found):
        if group.usable and len(found) > 1:
            others = grouping.group != place
            count, scale = matched.count(outcome.name), _scale(outcome)
            effect = group_effect(outcome.name, count, matched.people, others, scale)
            rows.append({"outcome": outcome.name, "employer": group.level, **_effect(effect)})
    return rows
