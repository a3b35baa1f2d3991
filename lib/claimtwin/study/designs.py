"""Rows of results on other designs: the same candidates by strata, by weights, or by both models at once."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark.sql import DataFrame

from claimtwin.config.designs import OtherDesign
from claimtwin.config.protocol import Outcome, Protocol
from claimtwin.config.score import CATEGORIES
from claimtwin.io.collect import collect_compact
from claimtwin.spark.design import design_columns, matrix_of
from claimtwin.stats.designs import DesignEstimate, doubly_robust, keep_between, stratified, weighted
from claimtwin.stats.exact import FloatArray
from claimtwin.stats.expected import expected_by_arm
from claimtwin.stats.fitting import CannotFitError
from claimtwin.stats.intervals import Estimate
from claimtwin.stats.withhold import SMALL_CELL, is_small
from claimtwin.study.counts import Rows
from claimtwin.study.tables import StudyTables

STRATA = 5
"""Strata of the score where the protocol does not say how many: they take some nine tenths of a bias (Cochran 1968)."""
PAIRS = "pairs"
OVER_TIME = "an outcome over time has no difference of means"


@dataclass(frozen=True, eq=False)
class Eligible:
    """Everybody in the match, matched or not; one row a person, without ids or dates.

    Attributes:
        rows: Arm, score, covariates and outcome counts, sorted by all columns.
        treated, score: (n,) arm and propensity.
        covariates: (n, p) columns of the outcome models.
        names: Of these columns.
    """

    rows: pa.Table
    treated: NDArray[np.bool_]
    score: FloatArray
    covariates: FloatArray
    names: tuple[str, ...]

    def part(self, rows: NDArray[np.bool_]) -> "Eligible":
        """Some of the people."""
        return Eligible(
            self.rows.filter(pa.array(rows)), self.treated[rows], self.score[rows], self.covariates[rows], self.names
        )


def collect_eligible(tables: StudyTables, protocol: Protocol, max_rows: int) -> pa.Table:
    """One row a candidate in the match, sorted by all columns: no id, no date.

    Raises:
        GuardError: There are more than ``max_rows``.
    """
    design = tables.design
    return collect_scored(design.score_rows(), design.candidates.frame, tables.outcomes.frame, protocol, max_rows)


def collect_scored(
    scored: DataFrame, candidates: DataFrame, outcomes: DataFrame, protocol: Protocol, max_rows: int
) -> pa.Table:
    """The same from rows of scores, candidates and outcome counts, one a person and arm."""
    names = covariates_of(protocol)
    people = candidates.select("person_id", "treated", *names)
    scores = scored.select("person_id", "treated", "logit")
    rows = scores.join(people, ["person_id", "treated"]).join(outcomes, ["person_id", "treated"])
    columns = ["treated", "logit", *names, *(outcome.name for outcome in protocol.outcomes)]
    text = [name for name in names if name in CATEGORIES]
    found = collect_compact(rows.select(*columns), columns, max_rows=max_rows, text=text)
    return found.sort_by([(name, "ascending") for name in columns])


def covariates_of(protocol: Protocol) -> list[str]:
    """Covariates of the outcome models: those adjusted for, or without any those of the score."""
    return list(protocol.adjust or protocol.score.covariates)


def eligible_rows(rows: pa.Table, protocol: Protocol) -> Eligible:
    """The rows as arrays."""
    names = covariates_of(protocol)
    levels: dict[str, list[str]] = {
        name: sorted(set(rows[name].drop_null().to_pylist())) for name in names if name in CATEGORIES
    }
    logit = np.asarray(rows["logit"].to_numpy(), np.float64)
    treated = np.asarray(rows["treated"].to_numpy(), np.bool_)
    columns = design_columns(names, levels)
    return Eligible(
        rows, treated, 1 / (1 + np.exp(-logit)), matrix_of(rows, columns), tuple(column.name for column in columns)
    )


def designs_of(eligible: Eligible, protocol: Protocol, effects: Rows, min_cell: int) -> Rows:
    """One row a design and outcome, the match first; differences only.

    A difference and a ratio of one design together would give the risks of both arms back, and with them how many of
    the treated without a twin had the outcome. An outcome that few people of an arm had, or had not, is withheld. One
    over time has no difference of means: its rows say so.
    """
    rows: Rows = []
    for outcome in protocol.outcomes:
        rows.append(_pairs_row(outcome, effects))
        for design in protocol.designs:
            rows.append(design_row(outcome, design, eligible, min_cell))
    return rows


def estimate_by(
    design: OtherDesign, y: FloatArray, eligible: Eligible, *, binary: bool
) -> tuple[DesignEstimate, tuple[str, ...]]:
    """What one design says of the outcome ``y`` (n,), and covariates that its outcome models had to leave out.

    Raises:
        CannotFitError: An arm or a stratum's arm is empty, a score is 0 or 1, or a model has no finite solution.
    """
    score, treated = eligible.score, eligible.treated
    if design.method == "weights":
        return weighted(y, treated, score, design.estimand, design.most_weight), ()
    estimand: Literal["att", "ate"] = "att" if design.estimand == "att" else "ate"
    if design.method == "stratification":
        return stratified(y, treated, score, design.strata or STRATA, estimand), ()
    if not 0 < treated.sum() < len(treated):
        raise CannotFitError("an arm is empty")
    expected = expected_by_arm(y, treated, eligible.covariates, binary=binary, names=eligible.names)
    return doubly_robust(y, treated, score, expected[:2], estimand), expected.left_out


def trimmed(design: OtherDesign, eligible: Eligible) -> Eligible:
    """The people whose score lies where the design asks; all of them where it does not ask."""
    return eligible if design.trim is None else eligible.part(keep_between(eligible.score, *design.trim))


def design_row(outcome: Outcome, design: OtherDesign, everybody: Eligible, min_cell: int) -> dict[str, Any]:
    """What one design says of one outcome, a row of results; withheld where few had, or had not, the outcome."""
    eligible = trimmed(design, everybody)
    count = np.asarray(eligible.rows[outcome.name].to_numpy(), np.int64)
    happened, binary = count > 0, outcome.kind == "binary"
    label = _label(outcome, design.model_dump(mode="json"))
    if outcome.over_time:
        return label | _numbers(None) | {"left_out": "", "note": OVER_TIME}
    if _has_small(everybody, outcome, min_cell) or _has_small(eligible, outcome, min_cell):
        return label | _numbers(None) | {"left_out": "", "note": SMALL_CELL}
    scale = 100 if binary else outcome.scale
    y = np.where(happened, 1.0, 0.0) if binary else count.astype(np.float64)
    try:
        found, left_out = estimate_by(design, y, eligible, binary=binary)
    except CannotFitError as fault:
        return label | _numbers(None) | {"left_out": "", "note": str(fault)}
    sizes = (int(everybody.treated.sum()), int((~everybody.treated).sum()))
    shares = [round(100 * own / n) for own, n in zip(found.effective, sizes, strict=True)]
    worth = dict(zip(("effective_treated", "effective_comparator"), shares, strict=True))
    return label | _numbers(found.difference, scale) | worth | {"left_out": ", ".join(left_out), "note": ""}


def _has_small(eligible: Eligible, outcome: Outcome, min_cell: int) -> bool:
    """Whether few people of an arm had the outcome, or had it not."""
    happened = np.asarray(eligible.rows[outcome.name].to_numpy(), np.int64) > 0
    arms = (eligible.treated, ~eligible.treated)
    return any(is_small(int(side[arm].sum()), min_cell) for arm in arms for side in (happened, ~happened))


def _pairs_row(outcome: Outcome, effects: Rows) -> dict[str, Any]:
    """The pair match on the same scale, as it stands among the effects."""
    label = _label(outcome, {"method": PAIRS, "estimand": "att", "strata": None, "most_weight": None, "trim": None})
    errors = "nonrobust" if outcome.kind == "binary" else "cluster_pair"
    wanted = (outcome.name, label["measure"], False, errors)
    found = (e for e in effects if (e["outcome"], e["measure"], e["adjusted"], e["errors"]) == wanted)
    if (row := next(found, None)) is None:
        return label | _numbers(None) | {"left_out": "", "note": OVER_TIME}
    numbers = {name: row[name] for name in ("estimate", "low", "high", "p_value")}
    return label | _numbers(None) | numbers | {"left_out": "", "note": row["note"]}


def _label(outcome: Outcome, design: Mapping[str, Any]) -> dict[str, Any]:
    measure = "risk_difference" if outcome.kind == "binary" else "difference_per_scale"
    return {"outcome": outcome.name, "measure": measure, **design}


def _numbers(found: Estimate | None, scale: int = 1) -> dict[str, float | None]:
    empty: dict[str, float | None] = dict.fromkeys(
        ("estimate", "low", "high", "p_value", "effective_treated", "effective_comparator")
    )
    if found is None:
        return empty
    ends = {name: scale * getattr(found, name) for name in ("estimate", "low", "high")}
    return empty | ends | {"p_value": found.p_value}
