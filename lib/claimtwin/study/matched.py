"""The matched people, collected once: one row a person, without ids or dates."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from claimtwin.config.outcomes import DAYS
from claimtwin.config.protocol import Protocol
from claimtwin.config.score import CATEGORIES
from claimtwin.io.collect import collect_compact
from claimtwin.kernel.outcomes import outcome_columns
from claimtwin.spark.design import design_columns, matrix_of
from claimtwin.spark.pairing import build_pair_members, keep_pairs
from claimtwin.stats.matched import Matched, weights_of_sets
from claimtwin.study.tables import StudyTables

EMPLOYER = "employer_id"


@dataclass(frozen=True, eq=False)
class MatchedRows:
    """The compact rows, and the same as arrays for the models."""

    rows: pa.Table
    people: Matched

    def count(self, outcome: str) -> NDArray[np.int64]:
        """How often each person had the outcome."""
        return np.asarray(self.rows[outcome].to_numpy(), np.int64)

    def days(self, outcome: str) -> NDArray[np.int64]:
        """Days each person was at risk of an outcome over time: until its first event (``time``), or all (``rate``)."""
        return np.asarray(self.rows[outcome + DAYS].to_numpy(), np.int64)


def collect_matched(tables: StudyTables, protocol: Protocol, max_rows: int) -> pa.Table:
    """One row a matched person, sorted by pair, the treated first: arm, employer, covariates, outcome counts.

    The pair, or set, is named by its block and its rank there: no id, no date. The employer is the name of a group.
    """
    covariates = asked_covariates(protocol)
    members = build_pair_members(keep_pairs(tables.design.matches.frame))
    people = tables.design.candidates.frame.select("person_id", "treated", EMPLOYER, *covariates)
    rows = members.join(people, ["person_id", "treated"]).join(tables.outcomes.frame, ["person_id", "treated"])
    columns = ["block", "rank", "nth", "treated", EMPLOYER, *covariates, *outcome_columns(protocol)]
    text = ["block", EMPLOYER, *(name for name in covariates if name in CATEGORIES)]
    found = collect_compact(rows.select(*columns), columns, max_rows=max_rows, text=text)
    return found.sort_by([(name, "ascending") for name in ("block", "rank", "nth")]).drop_columns(["nth"])


def asked_covariates(protocol: Protocol) -> list[str]:
    """Covariates that the analysis of the matched reads: those adjusted for, then those that make subgroups."""
    groups = [rule.by for rule in protocol.subgroups if rule.by != EMPLOYER]
    return list(dict.fromkeys([*protocol.adjust, *groups]))


def matched_rows(rows: pa.Table, protocol: Protocol) -> MatchedRows:
    """The rows as arrays; without a column of employers, or with one employer unknown for all, there are none."""
    levels: dict[str, list[str]] = {
        name: sorted(set(rows[name].to_pylist())) for name in protocol.adjust if name in CATEGORIES
    }
    columns = design_columns(protocol.adjust, levels)
    names = tuple(column.name for column in columns)
    pair = _pairs(rows)
    treated = np.asarray(rows["treated"].to_numpy(), np.bool_)
    weight = weights_of_sets(treated, pair)
    return MatchedRows(rows, Matched(treated, pair, matrix_of(rows, columns), names, _employers(rows), weight))


def _pairs(rows: pa.Table) -> NDArray[np.int64]:
    """A number for each pair, in the order of the rows: block and rank together name it."""
    block = np.unique(rows["block"].to_numpy(zero_copy_only=False).astype(str), return_inverse=True)[1]
    key = np.stack([block, rows["rank"].to_numpy()], axis=1)
    new = np.ones(len(key), np.int64)
    new[1:] = (key[1:] != key[:-1]).any(axis=1)
    return np.asarray(np.cumsum(new) - 1, np.int64)


def _employers(rows: pa.Table) -> NDArray[np.int64] | None:
    """A number for each employer, unknown being one of its own; None where all are unknown."""
    if EMPLOYER not in rows.column_names or rows[EMPLOYER].null_count == rows.num_rows:
        return None
    named = rows[EMPLOYER].cast(pa.string()).fill_null("").to_numpy(zero_copy_only=False)
    return np.asarray(np.unique(named.astype(str), return_inverse=True)[1], np.int64)
