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
from collections.abc import Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from typing import Any

import numpy as np
from claimtwin.study.effects import estimate
from claimtwin.study.local import LocalStudy, candidates_of, study_candidates
from claimtwin.study.matched import matched_rows
from claimtwin.study.subgroups import subgroups_of
from claimtwin.synth.spec import NO_DIRT, Cause, Fills, SynthSpec

from bench.planted import Truths, protocols, timed_truths, whole_truths

RATIOS = ("odds_ratio", "risk_ratio", "rate_ratio", "mean_ratio", "total_ratio", "hazard_ratio", "incidence_rate_ratio")
DRAWN_EVERY = 4
"""Of so many populations one is studied with the pair bootstrap of all models, which takes as long as all else."""
POOLED = "body_region"
Key = tuple[str, str, bool, str, str]
"""Outcome, measure, whether adjusted, errors, and the model's or design's name, empty for the main ones."""


@dataclass(frozen=True)
class Found:
    """One effect of one population: its interval, the truth among the treated, and among those who found a twin.

    Ratios are on the log scale. A test has its p-value alone; a design that takes everybody has no matched truth.
    """

    key: Key
    estimate: float
    low: float
    high: float
    truth: float
    matched: float
    p_value: float = math.nan

    @property
    def alarms(self) -> bool:
        """Whether an effect is told."""
        return self.p_value < 0.05 if math.isnan(self.low) else not self.low <= 0 <= self.high


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


def found_in(seed: int, members: int, *, null: bool) -> list[Found]:
    """Every effect with numbers of one population, of all studies in ``bench.planted.protocols``."""
    spec = spec_of(seed, members, null=null)
    asked = protocols(spec.index_year)
    both = asked.whole.model_copy(update={"outcomes": [*asked.whole.outcomes, *asked.cost.outcomes]})
    whole, timed = candidates_of(spec, (both, asked.timed))
    study, later = study_candidates(whole, asked.whole), study_candidates(timed, asked.timed)
    matched = matched_rows(study.pairs, asked.whole)
    cost = estimate(matched, asked.cost, 1)
    effects = [*study.effects, *cost.effects, *cost.models]
    if seed % DRAWN_EVERY == 1:
        effects += [row for row in estimate(matched, asked.drawn, 1).models if row["errors"] == "bootstrap_pair"]
    truths = [whole_truths(rows.filter(rows["treated"]), spec) for rows in (study.candidates, study.pairs)]
    found = [found_of(effect, *truths) for effect in effects if has_truth(effect)]
    found += _pools_of(subgroups_of(matched, asked.whole, 1)["tests"], *truths)
    found += _designs_of(study, spec)
    truths = [timed_truths(rows.filter(rows["treated"]), spec) for rows in (later.candidates, later.pairs)]
    return found + [found_of(effect, *truths) for effect in later.effects if has_truth(effect)]


def has_truth(effect: Mapping[str, Any]) -> bool:
    """Whether there are numbers and a planted one beside them; a number needed to treat has no plain interval."""
    return effect["low"] is not None and effect["measure"] != "number_needed"


def found_of(effect: Mapping[str, Any], truths: Truths, matched: Truths) -> Found:
    """A row of results held against the truth of all treated and of the matched treated."""
    outcome, measure = effect["outcome"], effect["measure"]
    scale = math.log if measure in RATIOS else float
    key = (outcome, measure, bool(effect["adjusted"]), str(effect["errors"]), str(effect.get("model", "")))
    numbers = [scale(effect[part]) for part in ("estimate", "low", "high")]
    return Found(key, *numbers, *(scale(told.get((outcome, measure), math.nan)) for told in (truths, matched)))


def _designs_of(study: LocalStudy, spec: SynthSpec) -> list[Found]:
    """Other designs, each against the truth of the people that it speaks of."""
    rows = study.candidates
    score = 1 / (1 + np.exp(-np.asarray(rows["logit"].to_numpy(), np.float64)))
    truths = {
        "att": whole_truths(rows.filter(rows["treated"]), spec),
        "ate": whole_truths(rows, spec),
        "overlap": whole_truths(rows, spec, score * (1 - score)),
    }
    shown = [row for row in study.designs if row["method"] != "pairs" and row["low"] is not None]
    named = [{**row, "model": f"{row['method']} {row['estimand']}", "adjusted": False, "errors": "influence"}
             for row in shown]  # fmt: skip
    return [found_of(row, truths[row["estimand"]], {}) for row in named]


def _pools_of(tests: list[dict[str, Any]], truths: Truths, matched: Truths) -> list[Found]:
    """Tests of interaction, and pools over the blocks, whose people do not differ in what is planted."""
    found = []
    for test in tests:
        base = {"outcome": test["outcome"], "adjusted": False}
        if test["p_value"] is not None:
            key = (test["outcome"], "interaction", False, "cluster_pair", test["by"])
            found.append(Found(key, *[math.nan] * 5, p_value=test["p_value"]))
        for kind in ("fixed", "random") if test["by"] == POOLED and test["fixed"] is not None else ():
            measure = "odds_ratio" if test["outcome"] == "any_opioid" else "difference_per_scale"
            row = {**base, **test[kind], "measure": measure, "errors": kind, "model": f"pool by {POOLED}"}
            found.append(found_of(row, truths, matched))
    return found


def summarise(effects: Iterable[Found], nulls: Iterable[Found]) -> list[Line]:
    """One line a model, in the order of the report."""
    groups: dict[Key, list[Found]] = defaultdict(list)
    alarms: dict[Key, list[bool]] = defaultdict(list)
    for found in effects:
        groups[found.key].append(found)
    for found in nulls:
        alarms[found.key].append(found.alarms)
    return [_line(key, rows, alarms[key]) for key, rows in groups.items()]


def _line(key: Key, rows: list[Found], alarms: list[bool]) -> Line:
    off = np.array([row.estimate - row.truth for row in rows])
    held, matched = (
        np.array([row.low <= truth <= row.high for row, truth in zip(rows, told, strict=True) if not math.isnan(truth)])
        for told in ([row.truth for row in rows], [row.matched for row in rows])
    )
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
        row = f"{kind:84}{numbers}{cover}{line.false_alarms:10.1f}{line.false_error:6.1f}"
        shown.append(row.replace("nan", "  -"))
    return [*shown, *NOTES]


def _mark(key: Key) -> str:
    _, measure, adjusted, errors, model = key
    conditional = measure == "odds_ratio" and (adjusted or model in ("mcnemar", "conditional_logit"))
    conditional |= measure == "hazard_ratio" and adjusted
    marks = {" [c]": conditional and model != "standardised", " [p]": errors == "nonrobust"}
    marks[" [e]"] = errors in ("cluster_employer", "cluster_both")
    marks |= {" [s]": model.startswith("stratification"), " [w]": errors == "influence"}
    marks |= {" [h]": measure == "hazard_ratio", " [b]": errors == "bootstrap_pair" and model != "standardised"}
    return "".join(mark for mark, holds in marks.items() if holds)


NOTES = (
    "Ratios on the log scale. cover: intervals that hold the truth of the treated; twins: that of the matched treated.",
    "[c] an odds ratio within pairs or covariates is conditional on them and lies farther from 1 than the marginal",
    "    truth that it is held against here: its bias is of its definition, not of the match.",
    "[p] ordinary errors take the two of a pair for independent; where pairs resemble each other they tell too much",
    "    or too little. type-I: where nothing has an effect, 5 % of the intervals should lie beside no effect.",
    "[e] errors by employer lean on many employers of like size; here a few large ones hold most people, so they tell",
    "    too little.",
    "[s] five strata leave about a tenth of the bias that the covariates make, as is known (Cochran 1968).",
    "[w] the score is taken as known; for everybody that makes intervals too wide rather than too narrow. Each design",
    "    is held against the truth of its own people: treated (att), everybody (ate), those of overlap.",
    "[h] hazards are not proportional here: the truth is what Cox's model tends to in the same people in both arms.",
    f"[b] studied in one population of {DRAWN_EVERY} only, and not estimable where a draw has no solution.",
    "    Fills per 100 and costs are few and skewed: their normal intervals are a little short. Ordinary errors of a",
    "    rate take its events for independent, which a person's fills are not: they tell half of the error.",
    "    A gamma model of a cost with covariates goes wrong in a study of this size: it takes everybody relative to",
    "    what is expected of them, and one bill of somebody of small expectation weighs very much: estimates lie too",
    "    far from 1, and errors are too small. Twenty populations as one study give the truth; so do OLS, two_part",
    "    and gamma without covariates.",
    "    A conditional logit has a coefficient a covariate from the discordant pairs alone, here some ten of them for",
    "    each, and such fits lie too far from 1. A negative binomial model that is not estimable in many populations",
    "    is shown for the others, which are not a fair choice of them. interaction: tests, which have no interval.",
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
