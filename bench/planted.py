"""What a perfect study of a made-up population would find, for everything that a study estimates.

Each truth is a contrast of the same people in both arms, from the chances that the generator planted and from no fit:
their risks, the dispensings and their days that follow from them, and the days for which each was followed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from math import exp

import numpy as np
import pyarrow as pa
from claimtwin.config.outcomes import DAYS
from claimtwin.config.protocol import Protocol
from claimtwin.study.local import RISKS, synth_protocol
from claimtwin.synth.causes import CERTAIN
from claimtwin.synth.fills import FOLLOW_UP, chances_after_first, mean_after_first, mean_cents
from claimtwin.synth.spec import Fills, SynthSpec
from claimtwin.synth.truth import scales_of
from numpy.typing import NDArray
from scipy.optimize import brentq

Truths = Mapping[tuple[str, str], float]
"""The planted figure by outcome and measure."""
Floats = NDArray[np.float64]
COST, TIME, RATE = "opioid_cost", "first_opioid", "opioid_rate"
OTHERS = ["stratification", "weights", "doubly_robust"]
BOOTSTRAPPED = {"binary": ["logit", "poisson"], "count": ["ols", "poisson"]}


@dataclass(frozen=True)
class Protocols:
    """The preset study, and others of the same people: all that a study can estimate.

    Attributes:
        whole: The preset with other designs; ``cost`` that of the cost of opioids.
        timed: The preset with follow-up until cover ends: time to the first opioid, and opioids by person-time.
        drawn: The preset with intervals by the pair bootstrap, of everything that has them.
    """

    whole: Protocol
    cost: Protocol
    timed: Protocol
    drawn: Protocol


@cache
def protocols(year: int) -> Protocols:
    """The studies of one year of made-up claims."""
    plain = synth_protocol(year).model_dump()
    opioids = {"drug": "opioid", "window": (1, FOLLOW_UP)}
    cost = {"name": COST, "title": COST, "kind": "cost", **opioids}
    timed = [{"name": name, "title": name, "kind": kind, **opioids} for name, kind in ((TIME, "time"), (RATE, "rate"))]
    every = [{"method": m, "estimand": e} for m in OTHERS for e in ("att", "ate")]
    designs = [*every, {"method": "weights", "estimand": "overlap"}]
    drawn = {**plain["models"], **BOOTSTRAPPED, "errors": ["bootstrap_pair"], "other_errors": ["bootstrap_pair"]}
    enrollment = {**plain["enrollment"], "post_mode": "censor"}
    over_time = {"outcomes": timed, "enrollment": enrollment, "published": [], "power": {}}
    of_cost = {"outcomes": [cost], "published": [], "power": {}}
    read = Protocol.model_validate
    return Protocols(
        whole=read({**plain, "designs": designs}),
        cost=read({**plain, **of_cost, "models": {**plain["models"], "count": ["ols", "gamma", "two_part"]}}),
        timed=read({**plain, **over_time, "models": {**plain["models"], "time": ["kaplan_meier", "cox"]}}),
        drawn=read({**plain, "models": drawn}),
    )


def whole_truths(rows: pa.Table, spec: SynthSpec, weight: Floats | None = None) -> Truths:
    """Contrasts of people followed to the end, each weighing 1 or ``weight``: their mean risks and what goes with them.

    Differences of a count are per 100 people, of a cost in cents a person.
    """
    with_, without = (float(np.average(_risks(rows, name), weights=weight)) for name in RISKS)
    told, first_later = scales_of(with_, without, spec.fills), mean_cents()
    cents = [first_later[0] + more * first_later[1] for more in mean_after_first(spec.fills)]
    counts = [1 + more for more in mean_after_first(spec.fills)]
    found = {("any_opioid", name): getattr(told, name) for name in
             ("odds_ratio", "risk_ratio", "risk_difference", "relative_reduction")}  # fmt: skip
    return {
        **found,
        ("opioid_fills", "difference_per_scale"): told.difference_per_100,
        ("opioid_fills", "rate_ratio"): told.per_100_treated / told.per_100_comparator,
        ("opioid_fills", "mean_ratio"): counts[0] / counts[1],
        (COST, "difference_per_scale"): with_ * cents[0] - without * cents[1],
        (COST, "total_ratio"): with_ * cents[0] / (without * cents[1]),
        (COST, "mean_ratio"): cents[0] / cents[1],
    }


def timed_truths(rows: pa.Table, spec: SynthSpec) -> Truths:
    """Contrasts of people who are followed for the days that cover lets them, the same days in either arm.

    The hazard ratio is the one at which the score of Cox's model is nought over these people in both arms: hazards are
    not proportional here, and the model then tends to this mean of them (Struthers and Kalbfleisch, Biometrika
    1986;73:363).
    """
    with_, without = (_risks(rows, name) for name in RISKS)
    followed = np.asarray(rows[RATE + DAYS].to_numpy(), np.int64)
    begun, filled = _by_day(spec.fills)
    firsts = [risk @ share[followed] / (followed.sum() - risk @ np.cumsum(share)[followed - 1])
              for risk, share in zip((with_, without), begun, strict=True)]  # fmt: skip
    rates = [float(risk @ curve[followed]) for risk, curve in zip((with_, without), filled, strict=True)]
    return {
        (TIME, "risk_difference"): 100 * float((with_ - without).mean()),
        (TIME, "hazard_ratio"): _hazard_ratio((with_, without), begun, followed),
        (TIME, "incidence_rate_ratio"): float(firsts[0] / firsts[1]),
        (RATE, "incidence_rate_ratio"): rates[0] / rates[1],
    }


def _risks(rows: pa.Table, name: str) -> Floats:
    return np.asarray(rows[name].to_numpy(), np.float64) / CERTAIN


@cache
def _by_day(fills: Fills) -> tuple[list[Floats], list[Floats]]:
    """Of those who begin, with the programme and without it: the share that has begun by the end of each day 0 to 365,
    and the mean dispensings so far. Dispensings are spread over a year, each within a stretch of its own.
    """
    days, begun, filled = np.arange(FOLLOW_UP + 1), [], []
    for chances in chances_after_first(fills):
        first, so_far = np.zeros(len(days)), np.zeros(len(days))
        for count, chance in enumerate(chances, 1):
            ends = np.arange(count + 1) * FOLLOW_UP // count
            stretches = [np.clip((days - low) / (high - low), 0, 1) for low, high in zip(ends, ends[1:], strict=False)]
            first += chance * stretches[0]
            so_far += chance * np.sum(stretches, axis=0)
        begun.append(first)
        filled.append(so_far)
    return begun, filled


def _hazard_ratio(risks: tuple[Floats, Floats], begun: list[Floats], followed: NDArray[np.int64]) -> float:
    there = followed[:, None] >= np.arange(1, FOLLOW_UP + 1)
    arms = []
    for risk, share in zip(risks, begun, strict=True):
        at_risk = there.sum(axis=0) - (risk @ there) * share[:-1]
        arms.append((at_risk, (risk @ there) * np.diff(share)))
    (seen1, events1), (seen0, events0) = arms

    def score(log_ratio: float) -> float:
        expected = exp(log_ratio) * seen1 / (exp(log_ratio) * seen1 + seen0)
        return float((events1 - (events1 + events0) * expected).sum())

    return exp(float(brentq(score, -5, 5, xtol=1e-13)))
