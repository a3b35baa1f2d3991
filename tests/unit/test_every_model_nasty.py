"""Every model, design and group on people of whom some figure cannot be told: each row has numbers or says why.

No case may drop a row, put another model's figure in its place, warn, or tell an interval without a width.
"""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from claimtwin.study.designs import designs_of, eligible_rows
from claimtwin.study.effects import estimate
from claimtwin.study.matched import matched_rows
from claimtwin.study.subgroups import subgroups_of

from tests.support.rows import protocol_of

PAIRS = 30
N = 2 * PAIRS
TREATED = np.arange(N) % 2 == 0
ERRORS = ["nonrobust", "hc3", "cluster_pair", "cluster_employer", "cluster_both", "bootstrap_pair"]
KINDS = {"any": "binary", "fills": "count", "spent": "cost", "first": "time", "rate": "rate"}
RATIOS = {"odds_ratio", "risk_ratio", "rate_ratio", "mean_ratio", "total_ratio", "hazard_ratio", "incidence_rate_ratio"}
PROTOCOL = protocol_of(
    outcomes=[{"name": name, "title": name, "kind": kind, "drug": "opioid", "window": [1, 365], "scale": 1}
              for name, kind in KINDS.items()],
    models={
        "binary": ["table", "newcombe", "logit", "poisson", "standardised", "mcnemar", "conditional_logit"],
        "count": ["ols", "poisson", "negative_binomial", "two_part", "gamma"],
        "time": ["kaplan_meier", "cox"],
        "errors": ERRORS, "other_errors": ERRORS, "bootstrap_draws": 5,
    },
    designs=[*({"method": method, "estimand": estimand} for method in ("stratification", "weights", "doubly_robust")
               for estimand in ("att", "ate")),
             {"method": "weights", "estimand": "overlap"}, {"method": "doubly_robust", "trim": [0.999, 1]}],
    subgroups=[{"by": "sex"}],
)  # fmt: skip
RNG = np.random.default_rng(7)
SOME = RNG.random(N) < 0.35
ALIKE = np.repeat(SOME[::2], 2)


def rows(happened: np.ndarray = SOME, **columns: Any) -> pa.Table:
    """Two rows a pair; whoever has the outcome has it on some day, some times, for some money."""
    rng, n = np.random.default_rng(3), len(happened)
    count = np.where(happened, 1 + rng.poisson(1.0, n), 0)
    made = {
        "block": ["back"] * n, "rank": np.arange(n) // 2, "treated": np.arange(n) % 2 == 0,
        "employer_id": [f"E{k}" for k in rng.integers(0, 5, n)], "age": rng.integers(20, 80, n),
        "sex": np.where(rng.random(n) < 0.6, "female", "male"), "logit": rng.normal(0, 1, n),
        "any": happened.astype(np.int64), "fills": count, "spent": count * rng.integers(1000, 9000, n),
        "first": happened.astype(np.int64), "first_days": np.where(happened, rng.integers(1, 360, n), 365),
        "rate": count, "rate_days": np.full(n, 365),
    }  # fmt: skip
    return pa.table(made | columns)


def told(table: pa.Table) -> list[dict[str, Any]]:
    """All rows of results; a warning is a fault."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        matched = matched_rows(table, PROTOCOL)
        found = estimate(matched, PROTOCOL, 1)
        groups = subgroups_of(matched, PROTOCOL, 1)
        designs = designs_of(eligible_rows(table, PROTOCOL), PROTOCOL, found.effects, 1)
    for test in groups["tests"]:
        assert (test["p_value"] is None) == bool(test["note"])
    return [*found.effects, *found.models, *groups["groups"], *designs]


def key(row: dict[str, Any]) -> tuple[Any, ...]:
    names = ("outcome", "measure", "model", "adjusted", "errors", "method", "estimand", "trim", "level")
    return tuple(str(row.get(name)) for name in names)


def unadjusted(found: list[dict[str, Any]]) -> set[tuple[Any, ...]]:
    return {key(row) for row in found if not row.get("adjusted") and not row.get("level")}


HEALTHY = unadjusted(told(rows()))
ONE = SOME & False
ONE[0] = True
ONE_APART = ALIKE.copy()
ONE_APART[0] = ~ONE_APART[0]
Judge = Callable[[dict[str, Any]], bool]
"""Whether a row must have no numbers."""


def ratio(row: dict[str, Any]) -> bool:
    return row["measure"] in RATIOS


def paired(row: dict[str, Any]) -> bool:
    return row.get("errors") == "within_pairs"


def by_employer(row: dict[str, Any]) -> bool:
    return row.get("errors") in ("cluster_employer", "cluster_both")


CASES: dict[str, tuple[pa.Table, Judge]] = {
    "no events": (rows(SOME & False), lambda row: row.get("model") != "newcombe"),
    "all events": (rows(SOME | True), lambda row: row["outcome"] == "any" and row.get("model") != "newcombe"),
    "no events among the treated": (rows(SOME & ~TREATED), ratio),
    "no events among the comparators": (rows(SOME & TREATED), ratio),
    "one event": (rows(ONE), ratio),
    "no discordant pair": (rows(ALIKE), paired),
    "one discordant pair": (rows(ONE_APART), paired),
    "one employer": (rows(employer_id=["E"] * N), by_employer),
    "every employer has one person": (rows(employer_id=[f"E{k}" for k in range(N)]), lambda _: False),
    "a covariate tells the outcome": (rows(age=np.where(SOME, 30, 70)),
                                      lambda row: row.get("model") == "conditional_logit"),
    "a covariate tells the arm": (rows(age=np.where(TREATED, 30, 70)), lambda _: False),
    "an empty group": (rows(sex=np.where(TREATED, "female", "male")), lambda row: bool(row.get("level"))),
    "one pair": (rows(np.array([True, False])), lambda row: row.get("model") != "newcombe"),
    "two pairs": (rows(np.array([True, False, False, True])), lambda _: False),
    "nobody at risk": (rows(SOME & False, first_days=np.zeros(N, np.int64), rate_days=np.zeros(N, np.int64)),
                       lambda row: row.get("model") != "newcombe"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_every_row_has_numbers_or_a_reason(case: str) -> None:
    table, cannot = CASES[case]
    found = told(table)
    assert unadjusted(found) == HEALTHY
    for row in found:
        ends = [row[name] for name in ("low", "estimate", "high", "p_value")]
        if row["note"]:
            assert ends == [None] * 4, row
        else:
            assert np.isfinite(ends).all() and ends[0] < ends[2] and ends[0] <= ends[1] <= ends[2], row
    assert [row for row in found if cannot(row) and not row["note"]] == []


def test_where_nothing_is_wrong_all_that_has_such_errors_is_told() -> None:
    for row in told(rows()):
        lacks = row["errors"] in ("hc3", "bootstrap_pair", "cluster_both", "nonrobust") if "errors" in row else True
        assert not row["note"] or lacks or "vary no more than a Poisson" in row["note"], row
