"""How often calibrated p-values are wrong under a planted bias: ``python -m bench.calibration``.

Made-up people choose the programme by what a study can see and by a severity that no claim shows; they are matched on
what can be seen. Then outcomes on which no arm has an effect are drawn, each with a prevalence of its own and its own
tie to the severity: so each is biased by the match, and differently. Some are named negative controls, the others are
judged by them, by the study's own estimates and calibration. Of calibrated p-values 4 to 6 % should be below 0.05.
"""

import argparse
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from claimtwin.config.protocol import Protocol
from claimtwin.kernel.matching import match_largest
from claimtwin.stats.newton import add_sums, fit_logit, linear_predictor, logit_sums, moments_of, sd_of_logit
from claimtwin.study.effects import estimate
from claimtwin.study.local import synth_protocol
from claimtwin.study.matched import MatchedRows, matched_rows
from claimtwin.study.sensitivity import sensitivity_of
from claimtwin.synth.coverage import draw_coverage
from claimtwin.synth.draws import Draws
from claimtwin.synth.people import PROGRAMME, People, draw_people, seen_of
from claimtwin.synth.spec import NO_DIRT, Cause, SynthSpec
from claimtwin.synth.truth import eligible
from numpy.typing import NDArray
from scipy.stats import norm

Floats = NDArray[np.float64]
LEVELS = (-3.0, -1.2)
"""Log-odds of the outcomes in people of no severity, evenly spread: 5 to 23 % of people."""
TIE, TIE_SPREAD = 0.5, 0.35
"""Mean and standard deviation of what a standard deviation of severity adds to an outcome's log-odds."""


@dataclass(frozen=True)
class Judged:
    """P-values of the outcomes of one population that are no controls: as they come, and calibrated."""

    plain: Floats
    calibrated: Floats


def judge(seed: int, members: int, controls: int, judged: int) -> Judged:
    """One population: its match, its outcomes, and what the study says of those that are no controls."""
    people = matched_people(SynthSpec(members=members, seed=seed, dirt=NO_DIRT, cause=Cause(effect=0, severity=0.8)))
    happened = outcomes_of(people, Draws(seed), controls + judged)
    rows, names = rows_of(people, happened), [f"outcome_{k}" for k in range(controls + judged)]
    protocol = protocol_of(names, names[:controls])
    matched = matched_rows(rows, protocol)
    return p_values(matched, protocol, names[controls:])


def matched_people(spec: SynthSpec) -> People:
    """The matched of one population, of each pair the treated and then the twin."""
    people, draws = draw_people(spec, 0, spec.members), Draws(spec.seed)
    people = people.take(eligible(draws, people, draw_coverage(draws, people)))
    seen, treated = seen_of(people), people.arm == PROGRAMME
    regions = [seen.region == k for k in range(1, 4)]
    x = np.column_stack([seen.age, seen.female, *regions, seen.conditions, seen.visits]).astype(np.float64)
    moments = moments_of(x, treated)
    fit = fit_logit(lambda beta: add_sums([logit_sums(x, treated, beta=beta, moments=moments)]), moments,
                    [f"x{k}" for k in range(x.shape[1])])  # fmt: skip
    score, tie = linear_predictor(x, fit), draws.bits("tie", people.number).astype(np.int64)
    ours, theirs = np.flatnonzero(treated), np.flatnonzero(~treated)
    found = match_largest(score[ours], tie[ours], score[theirs], tie[theirs], caliper=0.2 * sd_of_logit(fit, moments))
    return people.take(np.stack([ours[found.treated], theirs[found.control]], axis=1).ravel())


def outcomes_of(people: People, draws: Draws, count: int) -> NDArray[np.bool_]:
    """(n, count) outcomes on which no arm has an effect; they hang on the age and the severity of a person."""
    key = np.arange(count)
    level = LEVELS[0] + (LEVELS[1] - LEVELS[0]) * draws.uniform("level", key)
    tie = TIE + TIE_SPREAD * norm.ppf(draws.uniform("tie to severity", key))
    logit = level + 0.01 * (people.age[:, None] - 42) + tie * people.severity[:, None] / 1000
    happened: NDArray[np.bool_] = draws.chance("outcome", people.number[:, None], 1 / (1 + np.exp(-logit)), key)
    return happened


def rows_of(people: People, happened: NDArray[np.bool_]) -> pa.Table:
    """The matched as they leave Spark."""
    n = len(people.number)
    columns = {
        "block": pa.array(["all"] * n),
        "rank": pa.array(np.arange(n) // 2),
        "treated": pa.array(people.arm == PROGRAMME),
        **{f"outcome_{k}": pa.array(column.astype(np.int64)) for k, column in enumerate(happened.T)},
    }
    return pa.table(columns)


def protocol_of(names: Sequence[str], controls: Sequence[str]) -> Protocol:
    """The preset study of these outcomes, unadjusted: the match alone has to make the arms alike."""
    plain = synth_protocol(2020, main_only=True).model_dump()
    outcome = plain["outcomes"][0]
    parts = {
        "outcomes": [{**outcome, "name": name, "title": name} for name in names],
        "sensitivity": {**plain["sensitivity"], "negative_controls": list(controls), "tipping": [], "gammas": []},
    }
    return Protocol.model_validate({**plain, **parts, "adjust": [], "published": [], "power": {}, "subgroups": []})


def p_values(matched: MatchedRows, protocol: Protocol, judged: Sequence[str]) -> Judged:
    """What the study's results say; an outcome without an estimate is left out of both."""
    found = estimate(matched, protocol, 1)
    told = sensitivity_of(matched, protocol, found.outcomes, found.effects, 1)["calibrated"]
    ends = {row["outcome"]: row for row in found.effects if (row["measure"], row["errors"]) ==
            ("odds_ratio", "cluster_pair")}  # fmt: skip
    shown = [row for row in told if row["outcome"] in judged]
    plain = [ends[row["outcome"]]["p_value"] for row in shown]
    return Judged(np.array(plain), np.array([row["p_value"] for row in shown]))


def share_below(found: Sequence[Floats], level: float = 0.05) -> tuple[float, float]:
    """Percent of p-values below the level, and its Monte-Carlo error with the outcomes of a population as a cluster."""
    wrong = [(p < level).astype(np.float64) for p in found]
    share = float(np.concatenate(wrong).mean())
    off = np.array([(one - share).sum() for one in wrong])
    return 100 * share, 100 * math.sqrt(float(off @ off)) / sum(map(len, wrong))


def main(words: list[str]) -> int:
    """Run and print one line a number of controls."""
    parser = argparse.ArgumentParser(prog="python -m bench.calibration")
    parser.add_argument("--populations", type=int, default=100)
    parser.add_argument("--members", type=int, default=20_000)
    parser.add_argument("--controls", type=int, nargs="*", default=[100, 20])
    parser.add_argument("--judged", type=int, default=50)
    asked = parser.parse_args(words)
    print(
        f"{asked.populations} populations of {asked.members:,} members, {asked.judged} outcomes without effect in each"
    )
    print(f"{'controls':>10}{'p < 0.05 %':>12}{'(MC)':>7}{'calibrated %':>14}{'(MC)':>7}")
    for controls in asked.controls:
        found = [judge(seed, asked.members, controls, asked.judged) for seed in range(1, asked.populations + 1)]
        plain, told = (share_below([getattr(one, name) for one in found]) for name in ("plain", "calibrated"))
        print(f"{controls:10}{plain[0]:12.1f}{plain[1]:7.1f}{told[0]:14.1f}{told[1]:7.1f}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
