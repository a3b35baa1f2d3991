"""Few people, no events, one employer, constant covariates: rows say why, and the results can always be written."""

import warnings

import numpy as np
import pyarrow as pa
import pytest
from claimtwin.io.files import to_json
from claimtwin.study.designs import designs_of, eligible_rows
from claimtwin.study.effects import estimate
from claimtwin.study.matched import matched_rows
from claimtwin.study.sensitivity import sensitivity_of
from claimtwin.study.subgroups import subgroups_of

from tests.support.rows import OUTCOMES, protocol_of

MORE = [
    {"name": "first", "title": "Days to first fill", "kind": "time", "drug": "opioid", "window": [1, 365]},
    {"name": "often", "title": "Fills", "kind": "rate", "drug": "opioid", "window": [1, 365]},
    {"name": "money", "title": "Cost", "kind": "cost", "window": [1, 365]},
    {"name": "supply", "title": "Days' supply", "kind": "days_supply", "drug": "opioid", "window": [1, 365]},
]
PROTOCOL = protocol_of(
    models={"bootstrap_draws": 20, "errors": ["hc3", "cluster_employer", "cluster_both", "bootstrap_pair"],
            "other_errors": ["nonrobust", "hc3", "cluster_pair", "cluster_both", "bootstrap_pair"],
            "count": ["ols", "poisson", "negative_binomial", "two_part", "gamma"]},
    designs=[{"method": "stratification"}, {"method": "weights", "estimand": "overlap"}, {"method": "doubly_robust"},
             {"method": "doubly_robust", "estimand": "ate", "trim": [0.1, 0.9]}],
    subgroups=[{"by": "sex"}, {"by": "age", "cuts": [40, 60]}, {"by": "employer_id"}],
    sensitivity={"negative_controls": ["any_opioid"]},
    outcomes=[*OUTCOMES, *MORE],
)  # fmt: skip


def nasty(seed: int) -> pa.Table:
    """One to thirty pairs; each column now and then constant, missing or tied to the outcome."""
    rng = np.random.default_rng(seed)
    pairs = int(rng.integers(1, 31))
    n = 2 * pairs
    treated = np.arange(n) % 2 == 0
    happened = rng.random(n) < rng.choice([0, 0.05, 0.3, 0.7, 1])
    if rng.random() < 0.3:
        happened &= treated == rng.choice([True, False])
    age = rng.choice([np.full(n, 50), rng.integers(30, 70, n), 40 + 20 * happened])
    sex = rng.choice([np.full(n, "male"), np.where(rng.random(n) < 0.5, "male", "female")])
    employers = [None] * n if rng.random() < 0.2 else [f"E{k}" for k in rng.integers(0, rng.integers(1, 5), n)]
    fills = np.where(happened, (rng.choice([1, 1, 2, 9], n), np.ones(n, int), np.full(n, 10**7))[rng.integers(3)], 0)
    return pa.table(
        {
            "block": pa.array(["back"] * n),
            "rank": pa.array(np.arange(pairs).repeat(2)),
            "treated": pa.array(treated),
            "employer_id": pa.array(employers, pa.string()),
            "age": pa.array(age),
            "sex": pa.array(sex),
            "any_opioid": pa.array(happened.astype(np.int64)),
            "opioid_fills": pa.array(fills),
            "first": pa.array(happened.astype(np.int64)),
            "first_days": pa.array(np.where(happened, rng.integers(1, 365, n), 365)),
            "often": pa.array(fills),
            "often_days": pa.array(rng.integers(0, 366, n)),
            "money": pa.array(fills * 100),
            "supply": pa.array(fills * 30),
            "logit": pa.array(rng.normal(size=n)),
        }
    )


@pytest.mark.parametrize(("min_cell", "tables"), [(1, 30), (11, 5)])
def test_every_row_has_numbers_or_a_reason_and_can_be_written(min_cell: int, tables: int) -> None:
    notes = set()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for seed in range(tables):
            table = nasty(seed)
            matched = matched_rows(table, PROTOCOL)
            found = estimate(matched, PROTOCOL, min_cell)
            parts = sensitivity_of(matched, PROTOCOL, found.outcomes, found.effects, min_cell)
            groups = subgroups_of(matched, PROTOCOL, min_cell)
            others = designs_of(eligible_rows(table, PROTOCOL), PROTOCOL, found.effects, min_cell)
            rows = [*found.effects, *found.models, *groups["groups"], *groups["without_employer"], *others]
            for row in rows:
                assert (row["estimate"] is None) == bool(row["note"]), row
                assert row["estimate"] is None or row["low"] <= row["estimate"] <= row["high"], row
                assert row["estimate"] is None or row["high"] - row["low"] > 1e-9, row
            notes |= {row["note"] for row in rows}
            to_json({"rows": rows, "outcomes": found.outcomes, "sensitivity": parts, "tests": groups["tests"]})
    assert ("withheld: small cell" in notes) == (min_cell > 1)
    if min_cell == 1:
        assert {"no events in the treated arm", "fewer than two clusters", "no employers are known",
                "only one discordant pair", "no discordant pair"} <= notes  # fmt: skip
