"""`python -m bench.grid [--members 20000]`: what twelve variants cost beside the study that they are variants of.

Made-up claims are ingested and packed once. Then the study runs alone, and with a grid of twelve, each from the member
blocks to the report with nothing kept. Processor seconds of the whole process tree decide, for they hold on a machine
that others use; the second may cost at most twice the first.
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path

from claimtwin.app.session import get_session
from claimtwin.config.load import load_env
from claimtwin.study.demo import demo_feed
from claimtwin.study.pipeline import run_pack

from bench.measure import measure

BUDGET = 2.0
STUDY = "jpr_s412081"
GRID = (
    "{name: washout_180, change: {washout.days: 180}}",
    "{name: gap_45, change: {enrollment.max_gap_days: 45}}",
    "{name: caliper_05, change: {matching.caliper_sd: 0.5}}",
    "{name: three_twins, change: {matching.ratio: 3}}",
    "{name: no_blocks, change: {matching.block_keys: []}}",
    "{name: no_first_month, change: {landmark.days: 30}}",
    "{name: no_surgery, change: {outcomes.any_opioid.except_around: {care: surgery, window: [0, 14]}}}",
    "{name: placebo, change: {placebo.days_earlier: 400}}",
    "{name: few_covariates, change: {score.covariates: [age, sex, log_allowed]}}",
    "{name: adults_65, change: {population.age_max: 64}}",
    "{name: within_pairs, estimator: {binary: conditional_logit, count: poisson}}",
    "{name: doubly_robust, estimator: {design: {method: doubly_robust}}}",
)


def make_feed(folder: Path, members: int) -> int:
    """Claims made up, ingested and packed, in a process of its own."""
    folder.mkdir(parents=True)
    spark = get_session()
    env_file = demo_feed(spark, folder, members, employers=12, seed=3, say=print)
    run_pack(spark, load_env(str(env_file)), print)
    return 0


def main(words: list[str]) -> int:
    """Measure both, print a line each, and end with 1 over budget."""
    parser = argparse.ArgumentParser(prog="python -m bench.grid")
    parser.add_argument("--members", type=int, default=20_000)
    parser.add_argument("--feed", type=Path, default=None, help=argparse.SUPPRESS)
    asked = parser.parse_args(words)
    if asked.feed is not None:
        return make_feed(asked.feed, asked.members)
    with tempfile.TemporaryDirectory() as folder:
        log, claimtwin = Path(folder) / "log", [sys.executable, "-m", "claimtwin"]
        made = [sys.executable, "-m", "bench.grid", "--feed", f"{folder}/demo", "--members", str(asked.members)]
        if measure(made, log).code:
            print(log.read_text(errors="replace")[-2000:])
            return 1
        print(f"{asked.members:,} members, load {os.getloadavg()[0]:.1f}", flush=True)
        costs = []
        for name, grid in (("study", ()), ("with a grid of twelve", GRID)):
            # another name, so that no stage is there already
            said = [f"study.study.name={STUDY}_{len(grid)}", f"study.sensitivity.grid=[{', '.join(grid)}]"]
            run = [*claimtwin, "run", "--study", STUDY, "--env", f"{folder}/demo/env.yaml"]
            cost = measure([*run, *(word for one in said for word in ("--set", one))], log)
            if cost.code:
                print(log.read_text(errors="replace")[-2000:])
                return 1
            costs.append(cost)
            print(f"{name:24}{cost.cpu:8.1f} s processor{cost.seconds:8.1f} s wall", flush=True)
    ratio = costs[1].cpu / costs[0].cpu
    print(f"twelve variants and the study cost {ratio:.2f} of the study alone   budget {BUDGET}")
    return int(ratio > BUDGET)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
