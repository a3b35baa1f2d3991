"""A made-up population looks like one: families, jobs, carve-outs, codes of the day, closed weeks, run-out, reasons."""

from collections import Counter, defaultdict

import numpy as np
import pyarrow.compute as pc
import pytest
from claimtwin.synth import NO_DIRT, SynthSpec, checked_spec
from claimtwin.synth.calendar import OpenDays, day_of
from claimtwin.synth.care import DENTAL_VISIT, SURGERY, draw_visits
from claimtwin.synth.catalogue import DRUG_LISTS, catalogue, drug_codes
from claimtwin.synth.coverage import draw_coverage
from claimtwin.synth.draws import Draws
from claimtwin.synth.families import DEPENDANT, SPOUSE, SUBSCRIBER
from claimtwin.synth.feed import generate, generate_table
from claimtwin.synth.fills import DENTAL, draw_dispensings, first_fill
from claimtwin.synth.fills import SURGERY as FOR_SURGERY
from claimtwin.synth.people import THERAPY, draw_people

SPEC = SynthSpec(members=6000, dirt=NO_DIRT)
PEOPLE = draw_people(SPEC, 0, SPEC.members)
COVER = draw_coverage(Draws(SPEC.seed), PEOPLE)


def test_families_share_employer_and_state_and_ages_fit() -> None:
    people = PEOPLE
    assert np.array_equal(people.head == people.number, people.part == SUBSCRIBER)
    assert np.array_equal(people.part[people.head], np.zeros(len(people.head)))
    for name in ("employer", "region", "state"):
        assert np.array_equal(getattr(people, name), getattr(people, name)[people.head])
    years = (people.birth - people.birth[people.head]) / 365.25
    assert np.abs(years[people.part == SPOUSE]).max() < 6
    old = (day_of(2020, 6, 1) - people.birth[people.part == DEPENDANT]) / 365.25
    assert 2.9 < old.min() and old.max() < 26.1
    other = people.female != people.female[people.head]
    assert 0.9 < other[people.part == SPOUSE].mean() < 1
    shares = np.bincount(people.part) / len(people.part)
    assert shares[SPOUSE] > 0.15 and shares[DEPENDANT] > 0.08


def test_nobody_is_insured_before_birth() -> None:
    assert (COVER.start[COVER.stop > COVER.start].min()) > PEOPLE.birth.max()


def test_every_shape_of_enrolment_occurs() -> None:
    start, stop = COVER.start, COVER.stop
    two = (stop > start).all(axis=1)
    gap = start[:, 1] - stop[:, 0]
    assert (two & (gap == 0)).sum() > 50, "abutting"
    assert (two & (gap > 0)).sum() > 50, "a gap"
    assert (two & (gap < 0) & (stop[:, 1] >= stop[:, 0])).sum() > 50, "a new job overlaps the old one"
    assert (two & (stop[:, 1] < stop[:, 0])).sum() > 50, "a second job inside the first"
    assert (COVER.employer[:, 0] != COVER.employer[:, 1]).sum() > 200
    assert (~two & (stop[:, 0] < day_of(2022, 1, 1))).sum() > 100, "leavers"
    assert (~two & (start[:, 0] > day_of(2018, 11, 30))).sum() > 100, "hires"
    assert COVER.open.any(axis=1).mean() > 0.4


def test_a_carved_out_employer_shows_no_dispensing_of_its_own_spans() -> None:
    fills = draw_dispensings(SPEC, PEOPLE, COVER)
    only = ~COVER.pharmacy[:, 0] & ~(COVER.pharmacy[:, 1] & (COVER.stop[:, 1] > COVER.start[:, 1]))
    assert only.sum() > 100
    assert not only[fills.person].any()


@pytest.mark.parametrize(
    ("year", "allowed"),
    [
        (2016, {"7242": ("", "2015-10-01"), "M545": ("2015-10-01", "9")}),
        (2020, {"M545": ("", "2021-10-01"), "M5450": ("2021-10-01", "9"), "M5451": ("2021-10-01", "9"),
                "M5459": ("2021-10-01", "9"), "M5136": ("", "9"), "M5137": ("", "9")}),
        (2024, {"M5136": ("", "2024-10-01"), "M51360": ("2024-10-01", "9"), "M51361": ("2024-10-01", "9"),
                "M51362": ("2024-10-01", "9"), "M5137": ("", "2024-10-01"), "M51370": ("2024-10-01", "9"),
                "M5450": ("", "9")}),
    ],
)  # fmt: skip
def test_diagnoses_are_coded_as_they_were_on_the_day(year: int, allowed: dict[str, tuple[str, str]]) -> None:
    rows = generate_table(SynthSpec(members=2000, index_year=year, dirt=NO_DIRT), "medical_claim", 0, 2000)
    seen = defaultdict(list)
    columns = ("claim_start_date", "diagnosis_code_1", "diagnosis_code_type")
    for day, code, system in zip(*(rows[name].to_pylist() for name in columns), strict=True):
        seen[code].append(day)
        assert system == ("icd-9-cm" if day < "2015-10-01" else "icd-10-cm")
    for code, (first, stop) in allowed.items():
        assert seen[code] and first <= min(seen[code]) and max(seen[code]) < stop, code
    gone = {2016: ("M5450", "M51360"), 2020: ("7242", "M51360"), 2024: ("7242", "M545")}[year]
    assert not [code for code in gone if code in seen]


def test_care_itself_falls_in_the_closed_weeks_of_2020_and_only_there() -> None:
    def visits_a_day(spec: SynthSpec, first: int, stop: int) -> float:
        day = draw_visits(spec, PEOPLE, COVER).day
        return ((day >= first) & (day < stop)).sum() / (stop - first)

    closed, before = (day_of(2020, 3, 15), day_of(2020, 6, 1)), (day_of(2019, 10, 1), day_of(2020, 1, 1))
    dip = visits_a_day(SPEC, *closed) / visits_a_day(SPEC, *before)
    even = visits_a_day(SPEC.model_copy(update={"dip": None}), *closed) / visits_a_day(SPEC, *before)
    assert dip < 0.75 * even
    other = checked_spec({"members": 6000, "index_year": 2024, "dirt": NO_DIRT.model_dump()})
    assert visits_a_day(other, *closed) == visits_a_day(SPEC.model_copy(update={"dip": None}), *closed)


@pytest.mark.parametrize("every", [1, 2, 3, 7])
def test_open_days_are_spread_as_counting_them_says(every: int) -> None:
    opened = OpenDays(20, 41, every)
    for start, length in ((0, 60), (15, 12), (20, 21), (22, 9), (41, 20), (5, 15)):
        days = [day for day in range(start, start + length) if not 20 <= day < 41 or (day - 20) % every == 0]
        n = len(days)
        place, count = np.arange(n), np.full(n, n)
        got = opened.spread(place, count, np.full(n, start), np.full(n, length), np.zeros(n))
        assert got.tolist() == days
        assert opened.is_open(np.arange(start, start + length)).sum() == n


def test_new_complaints_bring_their_care_into_the_last_weeks_before_the_index() -> None:
    visits = draw_visits(SPEC, PEOPLE, COVER)
    before = PEOPLE.index[visits.person] - visits.day
    joint = (visits.slot >= 8) & (visits.slot < 16) & (visits.kind >= 2) & (visits.kind <= SURGERY)
    acute = PEOPLE.acute[visits.person]
    assert before[joint & acute].max() <= 90 < before[joint & ~acute].max()
    assert before[joint].min() >= 1


def test_claims_are_paid_after_the_day_with_a_tail() -> None:
    rows = generate(SPEC, 0, 500)
    for name, column in (("medical_claim", "claim_start_date"), ("pharmacy_claim", "dispensing_date")):
        days = [rows[name][c].cast("date32").cast("int32").to_numpy() for c in (column, "paid_date")]
        lag = days[1] - days[0]
        assert lag.min() >= 1
        assert name == "pharmacy_claim" or (np.median(lag) < 31 and 0.005 < (lag > 120).mean() < 0.05)


def test_first_opioids_after_a_dentist_or_surgery_stand_beside_their_visit() -> None:
    day, reason = first_fill(SPEC, PEOPLE)
    visits = draw_visits(SPEC, PEOPLE, COVER)
    fills = draw_dispensings(SPEC, PEOPLE, COVER)
    beside = Counter(zip(visits.person.tolist(), visits.kind.tolist(), visits.day.tolist(), strict=True))
    dispensed = Counter(zip(fills.person.tolist(), fills.list.tolist(), fills.day.tolist(), strict=True))
    found = Counter()
    for k in np.flatnonzero((reason != 0) & COVER.continuous(PEOPLE.index)).tolist():
        kind, visit = (DENTAL_VISIT, day[k]) if reason[k] == DENTAL else (SURGERY, day[k] - 1)
        assert beside[k, kind, int(visit)] and dispensed[k, 0, int(day[k])]
        found[int(reason[k])] += 1
    assert min(found[DENTAL], found[FOR_SURGERY]) > 10
    dental = fills.list == 0
    dental &= (reason[fills.person] == DENTAL) & (fills.day == day[fills.person])
    assert fills.supply[dental].max() <= 5


def test_supply_and_product_mix_keep_to_the_published_bands() -> None:
    fills = draw_dispensings(SPEC, draw_people(SPEC, 0, 20_000), draw_coverage(Draws(7), draw_people(SPEC, 0, 20_000)))
    pain = fills.list == 0
    supply = fills.supply[pain]
    for low, high, share in ((1, 2, 8.4), (3, 4, 24.2), (5, 7, 31.3), (8, 10, 16.2), (11, 14, 2.2), (15, 21, 7.5)):
        assert 100 * ((supply >= low) & (supply <= high)).mean() == pytest.approx(share, abs=4)
    shares = Counter(code[:7] for code in pc.take(catalogue().ndcs, fills.item[pain]).to_pylist())
    told = 49.0 + 7.9 + 12.8 + 1.0 + 0.2
    assert shares["9999901"] / supply.size == pytest.approx(49.0 / told, abs=0.02)
    assert shares["9999902"] / supply.size == pytest.approx(7.9 / told, abs=0.015)


def test_benzodiazepines_are_dispensed_beside_opioids() -> None:
    fills = draw_dispensings(SPEC, PEOPLE, COVER)
    takers = [set(fills.person[fills.list == DRUG_LISTS.index(name)].tolist()) for name in ("opioid", "benzodiazepine")]
    assert len(takers[1]) > 200 and takers[0] & takers[1]
    assert not set(drug_codes("opioid")) & set(drug_codes("benzodiazepine"))


def test_index_days_keep_to_the_months_asked_for() -> None:
    people = draw_people(SPEC.model_copy(update={"index_months": (4, 6)}), 0, 2000)
    assert day_of(2020, 4, 1) <= people.index.min() and people.index.max() < day_of(2020, 7, 1)
    assert (people.arm == THERAPY).sum() > 300


def test_employers_are_of_skewed_sizes() -> None:
    people = draw_people(SynthSpec(members=20_000, employers=160), 0, 20_000)
    sizes = np.sort(np.bincount(people.employer, minlength=161)[1:])[::-1]
    assert len(np.unique(people.employer)) == 160
    assert sizes[:16].sum() > 4 * sizes[-80:].sum() / 2 and sizes[0] > 20 * sizes[-1]
