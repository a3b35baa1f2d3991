"""Whether the intervals of every model that the report prints hold the truth: ``python -m bench.coverage``.

Many made-up populations, each studied whole without Spark: the same kernels, match and models. Half of the work is on
populations with a planted effect (bias, coverage), half on others without any (type-I error).
"""

import argparse
import math
import os
import sys
import time
from collections import defaultdict
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context

import numpy as np
import pyarrow as pa
from claimtwin.study.local import RISKS, LocalStudy, run_local, synth_protocol
from claimtwin.synth.causes import CERTAIN
from claimtwin.synth.spec import NO_DIRT, Cause, Fills, SynthSpec
from claimtwin.synth.truth import Scales, scales_of

RATIOS = ("odds_ratio", "risk_ratio", "rate_ratio", "mean_ratio")
Key = tuple[str, str, bool, str, str]
"""Outcome, measure, whether adjusted, errors, and the model's name, empty for the main ones."""


@dataclass(frozen=True)
class Found:
    """One effect of one population: its interval, the truth among the treated, and among those who found a twin.

    Ratios are on the log scale.
    """

    key: Key
    estimate: float
    low: float
    high: float
    truth: float
    matched: float


@dataclass(frozen=True)
class Line:
    """One model over many populations.

    Attributes:
        bias, bias_error: Mean of estimate less truth, and its Monte-Carlo error; ratios on the log scale.
        spread, told: Standard deviation of the estimates, and the mean of the standard errors told.
        coverage, coverage_error: Share of intervals that hold the truth, in percent, and its Monte-Carlo error.
        matched: The same against the truth of those who found a twin.
        false_alarms, false_error: Share of intervals without no effect where there is none, in percent.
    """

    key: Key
    n: int
    bias: float
    bias_error: float
    spread: float
    told: float
    coverage: float
    coverage_error: float
    matched: float
    false_alarms: float
    false_error: float


def spec_of(seed: int, members: int, *, null: bool) -> SynthSpec:
    """A clean population with the planted effect, or with none at all: neither on beginning nor on the number."""
    if not null:
        return SynthSpec(members=members, seed=seed, dirt=NO_DIRT)
    fills = Fills()
    same = Fills(programme_mean=fills.therapy_mean, programme_dispersion=fills.therapy_dispersion)
    return SynthSpec(members=members, seed=seed, dirt=NO_DIRT, cause=Cause(effect=0.0), fills=same)


def study_of(seed: int, members: int, *, null: bool) -> tuple[LocalStudy, SynthSpec]:
    """One population studied by the preset."""
    spec = spec_of(seed, members, null=null)
    return run_local(spec, synth_protocol(spec.index_year)), spec


def found_in(seed: int, members: int, *, null: bool) -> list[Found]:
    """Every effect with numbers of one population."""
    study, spec = study_of(seed, members, null=null)
    treated = study.candidates.filter(study.candidates["treated"])
    truths = [truth_among(rows, spec) for rows in (treated, study.pairs.filter(study.pairs["treated"]))]
    return [found_of(effect, *truths) for effect in study.effects if has_truth(effect)]


def truth_among(rows: pa.Table, spec: SynthSpec) -> Scales:
    """The planted contrast among some of the treated."""
    risks = [float(rows[name].to_numpy().mean()) / CERTAIN for name in RISKS]
    return scales_of(risks[0], risks[1], spec.fills)


def has_truth(effect: dict[str, object]) -> bool:
    """Whether there are numbers and a planted one beside them; a number needed to treat has no plain interval."""
    return effect["low"] is not None and effect["measure"] != "number_needed"


def planted_in(truth: Scales, measure: str) -> float:
    """The planted figure of one measure."""
    if measure == "rate_ratio":
        return truth.per_100_treated / truth.per_100_comparator
    if measure == "mean_ratio":
        return truth.per_100_treated / truth.risk_treated / (truth.per_100_comparator / truth.risk_comparator)
    return float(getattr(truth, "difference_per_100" if measure == "difference_per_scale" else measure))


def found_of(effect: dict[str, object], truth: Scales, matched: Scales) -> Found:
    """A row of results held against the truth of all treated and of the matched treated."""
    measure = str(effect["measure"])
    scale = math.log if measure in RATIOS else float
    model = str(effect.get("model", ""))
    key = (str(effect["outcome"]), measure, bool(effect["adjusted"]), str(effect["errors"]), model)
    numbers = [scale(float(str(effect[part]))) for part in ("estimate", "low", "high")]
    return Found(key, *numbers, scale(planted_in(truth, measure)), scale(planted_in(matched, measure)))


def summarise(effects: Iterable[Found], nulls: Iterable[Found]) -> list[Line]:
    """One line a model, in the order of the report."""
    groups: dict[Key, list[Found]] = defaultdict(list)
    alarms: dict[Key, list[bool]] = defaultdict(list)
    for found in effects:
        groups[found.key].append(found)
    for found in nulls:
        alarms[found.key].append(not found.low <= 0 <= found.high)
    return [_line(key, rows, alarms[key]) for key, rows in groups.items()]


def _line(key: Key, rows: list[Found], alarms: list[bool]) -> Line:
    off = np.array([row.estimate - row.truth for row in rows])
    held = np.array([row.low <= row.truth <= row.high for row in rows])
    matched = np.array([row.low <= row.matched <= row.high for row in rows])
    spread = float(np.std([row.estimate for row in rows], ddof=1)) if len(rows) > 1 else math.nan
    told = float(np.mean([(row.high - row.low) / (2 * 1.959964) for row in rows]))
    return Line(key, len(rows), float(off.mean()), spread / math.sqrt(len(rows)), spread, told, *_percent(held),
                _percent(matched)[0], *_percent(np.array(alarms)))  # fmt: skip


def _percent(happened: np.ndarray) -> tuple[float, float]:
    if not len(happened):
        return math.nan, math.nan
    share = float(happened.mean())
    return 100 * share, 100 * math.sqrt(share * (1 - share) / len(happened))


def lines_of(lines: list[Line]) -> list[str]:
    """The table as text, with what is known to be wrong and why."""
    head = f"{'model':84}{'n':>5}{'bias':>9}{'(MC)':>8}{'SD':>8}{'told':>8}{'cover %':>9}{'(MC)':>6}{'twins %':>9}"
    shown = [head + f"{'type-I %':>10}{'(MC)':>6}"]
    for line in lines:
        outcome, measure, adjusted, errors, model = line.key
        named = ", ".join(part for part in (outcome, measure, model) if part)
        kind = f"{named}, {'adjusted' if adjusted else 'unadjusted'}, {errors}{_mark(line.key)}"
        numbers = f"{line.n:5}{line.bias:9.4f}{line.bias_error:8.4f}{line.spread:8.3f}{line.told:8.3f}"
        cover = f"{line.coverage:9.1f}{line.coverage_error:6.1f}{line.matched:9.1f}"
        shown.append(f"{kind:84}{numbers}{cover}{line.false_alarms:10.1f}{line.false_error:6.1f}")
    return [*shown, *NOTES]


def _mark(key: Key) -> str:
    _, measure, adjusted, errors, model = key
    conditional = measure == "odds_ratio" and (adjusted or model in ("mcnemar", "conditional_logit"))
    marks = {" [c]": conditional and model != "standardised", " [p]": errors == "nonrobust"}
    marks[" [e]"] = errors in ("cluster_employer", "cluster_both")
    return "".join(mark for mark, holds in marks.items() if holds)


NOTES = (
    "Ratios on the log scale. cover: intervals that hold the truth of the treated; twins: that of the matched treated.",
    "[c] an odds ratio within pairs or covariates is conditional on them and lies farther from 1 than the marginal",
    "    truth that it is held against here: its bias is of its definition, not of the match.",
    "[p] ordinary errors take the two of a pair for independent; where pairs resemble each other they tell too much",
    "    or too little. type-I: where nothing has an effect, 5 % of the intervals should lie beside no effect.",
    "[e] errors by employer lean on many employers of like size; here a few large ones hold most people, so they tell",
    "    too little.",
    "    Fills per 100 are few and skewed: their normal intervals are a little short. A negative binomial model that",
    "    is not estimable in many populations is shown for the others, which are not a fair choice of them.",
)


def main(words: list[str]) -> int:
    """Run and print; the studies of each kind are ``--seeds`` many."""
    parser = argparse.ArgumentParser(prog="python -m bench.coverage")
    parser.add_argument("--seeds", type=int, default=500)
    parser.add_argument("--members", type=int, default=10_000)
    parser.add_argument("--cores", type=int, default=os.cpu_count() or 1)
    asked = parser.parse_args(words)
    start, found = time.monotonic(), []
    for threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[threads] = "1"  # a process a core is all the parallelism wanted; new processes heed it
    with ProcessPoolExecutor(asked.cores, mp_context=get_context("spawn")) as pool:
        for null in (False, True):
            work = partial(found_in, members=asked.members, null=null)
            found.append([one for rows in pool.map(work, range(1, asked.seeds + 1), chunksize=4) for one in rows])
    print(f"{asked.seeds} populations of {asked.members:,} members, with and without an effect")
    print("\n".join(lines_of(summarise(*found))))
    print(f"{time.monotonic() - start:.0f} s on {asked.cores} cores")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
