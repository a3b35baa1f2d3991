"""Compact rows of matched people as they leave Spark, made up, and the protocol of their study."""

from typing import Any

import numpy as np
import pyarrow as pa
from claimtwin.config.protocol import Protocol
from pydantic import TypeAdapter

OUTCOMES: list[dict[str, Any]] = [
    {"name": "any_opioid", "title": "Any", "kind": "binary", "drug": "opioid", "window": [1, 365]},
    {"name": "opioid_fills", "title": "F", "kind": "count", "drug": "opioid", "window": [1, 365], "scale": 100},
]


def compact_rows(pairs: int = 400, seed: int = 1, employers: int = 5, risk: float = 0.2) -> pa.Table:
    """Two rows a pair, the treated first: half the odds of the outcome in the treated, more of it at high age."""
    rng = np.random.default_rng(seed)
    n = 2 * pairs
    treated = np.arange(n) % 2 == 0
    age = rng.integers(20, 80, n)
    odds = risk / (1 - risk) * np.where(treated, 0.5, 1.0) * np.exp((age - 50) / 60)
    happened = rng.random(n) < odds / (1 + odds)
    region = np.array(["back", "knee", "neck"])[np.sort(rng.integers(0, 3, pairs))].repeat(2)
    return pa.table(
        {
            "block": pa.array(region),
            "rank": pa.array(np.arange(pairs).repeat(2)),
            "treated": pa.array(treated),
            "employer_id": pa.array([f"E{k}" for k in rng.integers(0, employers, n)]),
            "age": pa.array(age),
            "sex": pa.array(np.where(rng.random(n) < 0.6, "female", "male")),
            "body_region": pa.array(region),
            "any_opioid": pa.array(happened.astype(np.int64)),
            "opioid_fills": pa.array(np.where(happened, 1 + rng.negative_binomial(0.5, 0.3, n), 0)),
        }
    )


def protocol_of(**parts: Any) -> Protocol:
    """A protocol of the two outcomes of ``compact_rows``, adjusted for age and sex."""
    values = {
        "study": {"name": "made_up", "title": "Made up", "index_window": ["2020-01-01", "2020-10-31"], "seed": 5},
        "arms": {
            "treated": {"name": "a", "title": "A", "source": "program"},
            "comparator": {"name": "b", "title": "B", "source": "claims", "procedures": "physical_therapy"},
        },
        "score": {"covariates": ["age", "sex"]},
        "outcomes": OUTCOMES,
        "adjust": ["age", "sex"],
    }
    return TypeAdapter(Protocol).validate_python({**values, **parts})
