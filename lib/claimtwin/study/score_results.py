"""The propensity model in the results: its coefficients, what it does without, and how far the arms overlap."""

from collections.abc import Mapping
from dataclasses import asdict
from math import isnan, log
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyspark.sql import DataFrame

from claimtwin.config.protocol import Protocol
from claimtwin.io.collect import collect_compact
from claimtwin.spark.summaries import count_steps
from claimtwin.stats.gates import equipoise_range
from claimtwin.stats.overlap import STEPS, discrimination, weight_figures
from claimtwin.stats.withhold import is_small
from claimtwin.study.counts import ARMS, FEW, collect_overlap
from claimtwin.study.tables import Design

Counts = NDArray[np.int64]


def score_part(design: Design, protocol: Protocol, min_cell: int) -> dict[str, Any]:
    """The fit and its diagnostics. Keys of what the protocol does not ask for are left out.

    A penalised fit has no standard errors: they are None.
    """
    fit, model = design.model.fit, design.model
    dropped = [
        {"column": column.name, "why": fault}
        for column, fault in zip(model.asked, model.faults, strict=True)
        if fault is not None
    ]
    knots = {column.covariate: list(column.knots) for column in model.asked if column.basis}
    splines = {name: {"asked": asked, "knots": knots.get(name, [])} for name, asked in protocol.score.splines.items()}
    asked: dict[str, Any] = {"dropped": dropped, "splines": splines, "penalty": model.path}
    return {
        "columns": list(fit.columns),
        "params": fit.params.tolist(),
        "se": [None if isnan(error) else error for error in fit.standard_errors.tolist()],
        "iterations": fit.iterations,
        "n": fit.n,
        "sd_logit": model.sd_logit,
        **{name: value for name, value in asked.items() if value},
        "diagnostics": diagnostics(design.score_rows(), min_cell),
    }


def diagnostics(scores: DataFrame, min_cell: int) -> dict[str, Any]:
    """How well the score tells the arms apart, and what weights by it would be; two small aggregations.

    ``c_statistic`` to 1/1024 of a logit (``stats.overlap``); ``equipoise`` the share of candidates with a preference
    score of 0.3 to 0.7, to a step; ``common_support`` by arm; ``preference`` people by twentieth of the preference
    score; ``weights`` by estimand and arm. None where a small cell would be given away.
    """
    table = collect_compact(count_steps(scores), ["treated", "step", "n"], max_rows=FEW).to_pylist()
    step, arms = _by_step(table)
    told = discrimination(step, arms["treated"], arms["comparator"])
    sizes = {arm: int(counts.sum()) for arm, counts in arms.items()}
    share = sizes["treated"] / sum(sizes.values())
    low, high = equipoise_range(share)
    middle = (step + 0.5 >= low * STEPS) & (step + 0.5 <= high * STEPS)
    inside = sum(int(counts[middle].sum()) for counts in arms.values())
    return {
        "c_statistic": None if told.c_statistic is None else round(told.c_statistic, 4),
        "equipoise": _share(inside, sum(sizes.values()), min_cell),
        "common_support": {
            arm: _share(round(part * sizes[arm]), sizes[arm], min_cell)
            for arm, part in zip(ARMS, told.common or (0.0, 0.0), strict=True)
        },
        "preference": collect_overlap(scores, min_cell, log(share / (1 - share))),
        "weights": _weights(step, arms, min_cell),
    }


def _by_step(table: list[dict[str, Any]]) -> tuple[Counts, Mapping[str, Counts]]:
    """Steps in which anybody lies, ascending, and the people of each arm there."""
    steps = sorted({row["step"] for row in table})
    place = {step: k for k, step in enumerate(steps)}
    arms = {arm: np.zeros(len(steps), np.int64) for arm in ARMS}
    for row in table:
        arms[ARMS[0] if row["treated"] else ARMS[1]][place[row["step"]]] = row["n"]
    return np.array(steps, np.int64), arms


def _share(part: int, whole: int, min_cell: int) -> float | None:
    hidden = is_small(part, min_cell) or is_small(whole - part, min_cell)
    return None if hidden else round(part / whole, 3)


def _weights(step: Counts, arms: Mapping[str, Counts], min_cell: int) -> list[dict[str, Any]]:
    """One row per estimand and arm; an arm of few people has none.

    Of the effect on the treated the treated weigh 1 each: a row would tell their number, which may be withheld.
    """
    found = {
        arm: {} if is_small(int(people.sum()), min_cell) else weight_figures(step, people, arm == "treated")
        for arm, people in arms.items()
    }
    return [
        {
            "estimand": estimand,
            "arm": arm,
            **{key: float(f"{v:.6g}") for key, v in asdict(found[arm][estimand]).items()},
        }
        for estimand in ("att", "ate", "overlap")
        for arm in ARMS
        if estimand in found[arm] and (estimand, arm) != ("att", "treated")
    ]
