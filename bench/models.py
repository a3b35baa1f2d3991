"""`python -m bench.models [--pairs 10000]`: all models and all of sensitivity on matched pairs, without Spark.

Rows are made up as they leave Spark: two a pair, an employer, twelve covariates, a yes-no outcome and its count; the
outcome depends on the covariates, and the two of a pair resemble each other. Seconds are processor seconds.
"""

import argparse
import sys
import time
from collections.abc import Callable
from functools import partial

import numpy as np
import pyarrow as pa
from claimtwin.config.load import load_file
from claimtwin.config.protocol import Protocol
from claimtwin.stats.models import Plan
from claimtwin.stats.standard import Draws
from claimtwin.stats.survival import FollowUp, time_models
from claimtwin.study.designs import designs_of, eligible_rows
from claimtwin.study.effects import estimate
from claimtwin.study.matched import MatchedRows, matched_rows
from claimtwin.study.sensitivity import power_rows, sensitivity_of
from claimtwin.study.subgroups import subgroups_of

BUDGET = 60.0
NUMBERS = ("office", "emergency", "therapy", "chiropractic", "imaging", "injection", "surgery")
REGIONS = ("back", "hip", "knee", "neck", "shoulder")
CENSUS = ("midwest", "northeast", "south", "west")
ASKED = {
    "sensitivity.negative_controls": [],
    "models.count": ["ols", "poisson", "negative_binomial", "two_part", "gamma"],
    "designs": [{"method": "stratification"}, {"method": "weights"}, {"method": "doubly_robust"}],
}
TIMES = ("kaplan_meier", "cox")
ERRORS = ("nonrobust", "cluster_pair", "cluster_employer", "cluster_both")


def made_up(n: int, seed: int) -> pa.Table:
    """People side by side in pairs, the treated first, with the columns of the preset study."""
    rng = np.random.default_rng(seed)
    age, shared = rng.integers(18, 90, n), rng.normal(0, 0.4, n // 2).repeat(2)
    treated = np.arange(n) % 2 == 0
    visits = {f"{name}_visits": rng.poisson(rng.gamma(1, 1.5, n)) for name in NUMBERS}
    risk = 1 / (1 + np.exp(-(-2.0 - 0.5 * treated + 0.01 * (age - 50) + 0.05 * visits["office_visits"] + shared)))
    happened = rng.random(n) < risk
    return pa.table(
        {
            "block": np.array(REGIONS)[np.sort(np.arange(n // 2) % 5)].repeat(2),
            "rank": np.arange(n // 2).repeat(2),
            "treated": treated,
            "employer_id": [f"E{k}" for k in rng.integers(0, 30, n)],
            "age": age,
            "sex": np.where(rng.random(n) < 0.6, "female", "male"),
            "census_region": np.array(CENSUS)[rng.integers(0, 4, n)],
            "body_region": np.array(REGIONS)[np.sort(np.arange(n // 2) % 5)].repeat(2),
            **visits,
            "log_allowed": rng.normal(7, 1.5, n),
            "comorbidity_count": rng.poisson(0.8, n),
            "any_opioid": happened.astype(np.int64),
            "opioid_fills": np.where(happened, 1 + rng.negative_binomial(0.5, 0.3, n), 0),
        }
    )


def parts_of(protocol: Protocol, rows: pa.Table) -> dict[str, Callable[[], object]]:
    """What is measured, by name, in an order in which each finds what it reads."""
    matched: MatchedRows = matched_rows(rows, protocol)
    logit = -1.2 + 0.3 * np.random.default_rng(2).normal(size=rows.num_rows)
    everybody = eligible_rows(rows.append_column("logit", pa.array(logit)), protocol)
    rng = np.random.default_rng(3)
    happened = matched.count("any_opioid") > 0
    follow = FollowUp(np.where(happened, rng.integers(1, 366, rows.num_rows), 365), happened)
    plan = Plan(TIMES, (), ERRORS, Draws(0, 1))
    found = {}

    def effects() -> None:
        found["effects"] = estimate(matched, protocol, 11)

    def hidden_bias() -> None:
        sensitivity_of(matched, protocol, found["effects"].outcomes, found["effects"].effects, 11)
        power_rows(rows.num_rows // 2, protocol)

    return {
        "effects and models": effects,
        "sensitivity, power": hidden_bias,
        "subgroups": partial(subgroups_of, matched, protocol, 11),
        "time to event": partial(time_models, "first", follow, matched.people, plan, horizon=365),
        "other designs": lambda: designs_of(everybody, protocol, found["effects"].effects, 11),
    }


def main(words: list[str]) -> int:
    """Run each part once, print its cost, and end with 1 where all together are over budget."""
    parser = argparse.ArgumentParser(prog="python -m bench.models")
    parser.add_argument("--pairs", type=int, default=10_000)
    asked = parser.parse_args(words)
    protocol = load_file(Protocol, "jpr_s412081", "studies", ASKED)
    total = 0.0
    for name, work in parts_of(protocol, made_up(2 * asked.pairs, 1)).items():
        start, wall = time.process_time(), time.monotonic()
        work()
        spent = time.process_time() - start
        total += spent
        print(f"{name:22}{spent:8.1f} s processor{time.monotonic() - wall:8.1f} s wall", flush=True)
    print(f"{'all':22}{total:8.1f} s processor   budget {BUDGET:.0f} s for 10,000 pairs")
    return int(total > BUDGET)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
