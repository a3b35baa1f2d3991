"""The planted truths of costs, days and rates against what the generator draws for the same people in either arm."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from claimtwin.config.outcomes import DAYS
from claimtwin.study.local import RISKS
from claimtwin.synth.causes import CERTAIN
from claimtwin.synth.coverage import draw_coverage
from claimtwin.synth.draws import Draws
from claimtwin.synth.fills import FOLLOW_UP, Dispensings, draw_dispensings
from claimtwin.synth.people import PROGRAMME, THERAPY, People, draw_people
from claimtwin.synth.spec import Fills, SynthSpec
from statsmodels.duration.hazard_regression import PHReg

from bench.planted import COST, RATE, TIME, timed_truths, whole_truths

# More who begin and more to dispense than as calibrated: less noise for as many people.
SPEC = SynthSpec(members=60_000, seed=5, fills=Fills(programme_mean=1.8, therapy_mean=0.9))


def followed_people() -> tuple[People, np.ndarray]:
    """People with a year of cover about their index, and for how many of its days they are to be followed."""
    people = draw_people(SPEC, 0, SPEC.members)
    whole = draw_coverage(Draws(SPEC.seed), people).continuous(people.index)
    days = np.random.default_rng(3).integers(1, FOLLOW_UP + 1, int(whole.sum()))
    return people.take(whole), days


def drawn(people: People, arm: int) -> tuple[Dispensings, np.ndarray, np.ndarray]:
    """Opioids in the year after index with everybody in one arm: the rows that count, and the day from index on."""
    risk = people.risk_with if arm == PROGRAMME else people.risk_without
    begins = Draws(SPEC.seed).chance("begins", people.number, risk / CERTAIN)
    moved = replace(people, arm=np.full(len(people.number), arm), begins=begins)
    fills = draw_dispensings(SPEC, moved, draw_coverage(Draws(SPEC.seed), people))
    day = fills.day - people.index[fills.person]
    return fills, (fills.list == 0) & (day >= 1) & (day <= FOLLOW_UP), day


def test_planted_contrasts_are_those_of_what_is_drawn() -> None:
    people, followed = followed_people()
    n = len(followed)
    cents, events, firsts, at_risk, begun = (np.zeros((2, n)) for _ in range(5))
    for k, arm in enumerate((PROGRAMME, THERAPY)):
        fills, counts, day = drawn(people, arm)
        person, day = fills.person[counts], day[counts]
        np.add.at(cents[k], person, fills.cents[counts])
        np.add.at(events[k], person[day <= followed[person]], 1.0)
        first = np.full(n, FOLLOW_UP + 1)
        np.minimum.at(first, person, day)
        begun[k], firsts[k], at_risk[k] = first <= FOLLOW_UP, first <= followed, np.minimum(first, followed)
    columns = {name: getattr(people, name) for name in RISKS} | {RATE + DAYS: followed}
    rows = pa.table({name: pa.array(values) for name, values in columns.items()})
    whole, timed = whole_truths(rows, SPEC), timed_truths(rows, SPEC)
    near = {"rel": 0.05}
    assert whole[COST, "total_ratio"] == pytest.approx(cents[0].sum() / cents[1].sum(), **near)
    assert whole[COST, "difference_per_scale"] == pytest.approx(np.mean(cents[0] - cents[1]), abs=15)
    per_user = [cents[k].sum() / begun[k].sum() for k in (0, 1)]
    assert whole[COST, "mean_ratio"] == pytest.approx(per_user[0] / per_user[1], **near)
    rates = [events[k].sum() for k in (0, 1)]
    assert timed[RATE, "incidence_rate_ratio"] == pytest.approx(rates[0] / rates[1], **near)
    speeds = [firsts[k].sum() / at_risk[k].sum() for k in (0, 1)]
    assert timed[TIME, "incidence_rate_ratio"] == pytest.approx(speeds[0] / speeds[1], **near)
    assert timed[TIME, "risk_difference"] == pytest.approx(100 * np.mean(begun[0] - begun[1]), abs=0.5)
    assert timed[TIME, "hazard_ratio"] == pytest.approx(hazard_ratio(firsts, at_risk), **near)


def hazard_ratio(firsts: np.ndarray, at_risk: np.ndarray) -> float:
    """Cox's model of one covariate on the arms together, by statsmodels."""
    arm = np.repeat([1.0, 0.0], firsts.shape[1])
    fit = PHReg(at_risk.ravel(), arm[:, None], status=firsts.ravel(), ties="breslow").fit(disp=0)
    return float(np.exp(fit.params[0]))
