"""The planted truth: drawn as it was planned, told exactly, and found by matching, crude it is not."""

from datetime import date, timedelta

import pytest
from claimtwin.synth.catalogue import opioid_codes
from claimtwin.synth.causes import CERTAIN
from claimtwin.synth.coverage import draw_coverage
from claimtwin.synth.draws import Draws
from claimtwin.synth.feed import generate
from claimtwin.synth.fills import count_opioids
from claimtwin.synth.people import PROGRAMME, draw_people
from claimtwin.synth.spec import NO_DIRT, SynthSpec
from claimtwin.synth.truth import eligible, truth_of

MEMBERS = 20_000


def candidates(seed: int, members: int = MEMBERS):
    spec = SynthSpec(members=members, seed=seed, dirt=NO_DIRT)
    draws, people = Draws(seed), draw_people(spec, 0, members)
    return spec, people.take(eligible(draws, people, draw_coverage(draws, people)))


def test_the_recipe_of_fills_keeps_to_the_published_bands():
    """Bands of 2,000 simulated studies of 4,195 people an arm around 7.89 and 13.64 %, and 16.73 and 22.36 per 100."""
    spec, people = candidates(5, 120_000)
    fills = count_opioids(Draws(5), people, spec.fills)
    treated = people.arm == PROGRAMME
    began = fills[treated & people.begins]
    assert began.mean() == pytest.approx(2.12, abs=0.15)
    assert fills[~treated & people.begins].mean() == pytest.approx(1.64, abs=0.08)
    assert 14.28 < 100 * fills[treated].mean() < 19.31
    assert 0.71 < fills[treated].std() < 1.03
    assert 7.08 < 100 * (fills[treated] > 0).mean() < 8.72


def test_the_truth_is_the_sum_of_both_chances_of_everybody_who_is_treated():
    spec, people = candidates(3, 6_000)
    treated = [k for k, arm in enumerate(people.arm.tolist()) if arm == PROGRAMME]
    with_it = sum(int(people.risk_with[k]) for k in treated) / len(treated) / CERTAIN
    without = sum(int(people.risk_without[k]) for k in treated) / len(treated) / CERTAIN
    truth = truth_of(spec)
    assert truth.treated == len(treated)
    assert truth.odds_ratio == pytest.approx(with_it / (1 - with_it) / (without / (1 - without)), rel=1e-12)
    assert (truth.risk_treated, truth.risk_comparator) == pytest.approx((100 * with_it, 100 * without))


def test_the_default_population_is_calibrated_to_the_abstract():
    truth = truth_of(SynthSpec(members=60_000, seed=2))
    assert truth.risk_treated == pytest.approx(7.89, abs=0.4)
    assert truth.risk_comparator == pytest.approx(13.64, abs=0.6)
    assert truth.odds_ratio == pytest.approx(0.543, abs=0.01)
    assert truth.crude_odds_ratio == pytest.approx(0.40, abs=0.03)
    assert truth.difference_per_100 == pytest.approx(-5.63, abs=0.8)


def test_what_is_drawn_is_what_is_written():
    """Opioid dispensings of days 1 to 365 in the feed's text, against those drawn; the enrolled lose none."""
    spec = SynthSpec(members=3_000, seed=4, dirt=NO_DIRT)
    _, people = candidates(4, 3_000)
    drawn = dict(zip(people.number.tolist(), count_opioids(Draws(4), people, spec.fills).tolist(), strict=True))
    index = dict(zip(people.number.tolist(), people.index.tolist(), strict=True))
    written, opioids = dict.fromkeys(drawn, 0), set(opioid_codes())
    for row in generate(spec, 0, 3_000)["pharmacy_claim"].to_pylist():
        number = int(row["person_id"].lstrip("P"))
        if number in drawn and row["ndc_code"] in opioids:
            start = date(1970, 1, 1) + timedelta(index[number])
            written[number] += 0 < (date.fromisoformat(row["dispensing_date"]) - start).days <= 365
    assert written == drawn
