"""Days drawn within strata or by the time since an entry, through a block's two passes, against a draw by hand."""

from collections import Counter, defaultdict
from dataclasses import replace
from datetime import date
from random import Random

import pyarrow as pa
import pytest
from claimtwin.codes.states import census_regions
from claimtwin.config.load import load_configuration
from claimtwin.errors import ConfigError
from claimtwin.kernel.eligibility import criteria_of
from claimtwin.kernel.hashing import tie_key
from claimtwin.spark.assigning import USERS_BY_STRATUM, users_of_block
from claimtwin.spark.facts import candidates_of_block
from claimtwin.study.words import criterion_texts
from hypothesis import given
from hypothesis import strategies as st

from tests.support.examples import many_histories
from tests.support.rows import protocol_of
from tests.unit.test_deaths import BOOK as DEATHS
from tests.unit.test_deaths import block, day, fill, span

PERSONS = tuple(f"p{k}" for k in range(9))
WINDOW = (date(2020, 1, 1), date(2020, 10, 31))
WITHIN = ([], ["employer_id"], ["employer_id", "sex"], ["census_region"])
WAYS = [(since, within) for since in (None, "enrollment", {"drug": "opioid"}) for within in WITHIN if since or within]
BOOK = replace(DEATHS, state_regions=census_regions())


def study(since, within):
    return protocol_of(
        arms={"treated": {"name": "a", "title": "A", "source": "program", "require_region": False},
              "comparator": {"name": "b", "title": "B", "source": "assigned", "require_region": False,
                             "draw": {"since": since, "within": within}},
              "overlap": "exclude_roster"},
        enrollment=None, washout=None, adjust=["age"],
    )  # fmt: skip


def rows_of(dice):
    """Spans, starts and fills of nine people: employers change, entries lie before, in and after the window."""
    spans = [
        span(who, first=dice.choice([-300, -300, -20, 60]) + k, last=dice.choice([400, None, dice.randint(70, 90)]),
             employer_id=dice.choice("xyz"), gender=dice.choice(["female", "male"]), plan=str(k),
             state=dice.choice(["NY", "TX", None]), death=dice.choice([None] * 9 + [dice.randint(100, 200)]))
        for who in PERSONS for k in range(dice.randint(0, 2))
    ]  # fmt: skip
    starts = [{"person_id": who, "program": "d", "start_date": day(dice.randint(-9, 99))} for who in PERSONS
              if dice.random() < 0.5]  # fmt: skip
    fills = [fill(who, dice.choice([-5, dice.randint(-60, 60)])) for who in PERSONS for _ in range(dice.randint(0, 2))]
    return {"eligibility": spans, "program_enrollment": starts, "pharmacy_claim": fills}


def entry(rows, who, since):
    """Day since which somebody's days are counted; the first of the window where they are not; null for nobody."""
    own = [row for row in rows["eligibility"] if row["person_id"] == who]
    if since is None:
        return WINDOW[0] if own else None
    days = [row["enrollment_start_date"] for row in own]
    if since != "enrollment":
        dead = min((row["death_date"] for row in own if row["death_date"]), default=date.max)
        days = [row["dispensing_date"] for row in rows["pharmacy_claim"] if row["person_id"] == who]
        days = [one for one in days if one <= dead] if own else []
    return min(days, default=None)


def stratum(rows, who, on, within):
    """Of the span that holds the day, of several the last to begin; else of the last before it; else of the first."""
    own = [row for row in rows["eligibility"] if row["person_id"] == who]
    own.sort(key=lambda row: (row["enrollment_start_date"], row["employer_id"], row["plan"]))
    begun = [row for row in own if row["enrollment_start_date"] <= on]
    holding = [row for row in begun if (row["enrollment_end_date"] or date.max) >= on]
    telling = (holding or begun or own[:1])[-1:]
    return tuple(row["state" if name == "census_region" else name.replace("sex", "gender")] for row in telling
                 for name in within)  # fmt: skip


def by_hand(rows, protocol, since, within):
    """Comparators: the day of each, and whether it was drawn."""
    deaths = {row["person_id"]: row["death_date"] for row in rows["eligibility"] if row["death_date"]}
    for who in list(deaths):
        deaths[who] = min(row["death_date"] for row in rows["eligibility"]
                          if row["person_id"] == who and row["death_date"])  # fmt: skip
    had, enrolled = defaultdict(list), {row["person_id"] for row in rows["eligibility"]}
    for row in rows["program_enrollment"]:
        who, index = row["person_id"], row["start_date"]
        if who in enrolled and WINDOW[0] <= index <= WINDOW[1] and index <= deaths.get(who, date.max):
            came = entry(rows, who, since) if since else index
            if came is not None and came <= index:
                had[stratum(rows, who, came, within)].append(index - came if since else index)
    found = {}
    for who in sorted(enrolled):
        came = entry(rows, who, since)
        if came is None or not had:
            continue
        users = sorted(had.get(stratum(rows, who, came, within), []))
        drawn = users[int(tie_key(protocol.study.seed, [who], purpose="index date")[0]) % len(users)] if users else None
        on = came if drawn is None else came + drawn if since else drawn
        if on <= deaths.get(who, date.max):
            found[who] = (on, drawn is not None)
    return found


@many_histories
@given(st.integers(0, 2**32), st.sampled_from(WAYS))
def test_days_are_drawn_from_the_users_of_the_stratum(seed, way):
    since, within = way
    rows = rows_of(Random(seed))
    protocol, tables = study(since, within), block(rows, PERSONS)
    users = users_of_block(tables, protocol, BOOK, protocol.draw).to_pylist()
    counted = Counter((row["stratum"], row["value"]) for row in users)
    told = [{"stratum": name, "value": value, "people": n} for (name, value), n in sorted(counted.items())]
    tables[USERS_BY_STRATUM] = pa.table({USERS_BY_STRATUM: pa.array([told], LISTED)})
    found = candidates_of_block(tables, protocol, BOOK).to_pylist()
    drawn = criteria_of(protocol)[0] == "index_drawn"
    assert drawn == bool(within)
    got = {
        row["person_id"]: (row["index_date"], not drawn or bool(row["met"] & 1)) for row in found if not row["treated"]
    }
    assert got == by_hand(rows, protocol, since, within)
    assert all(row["met"] & 1 for row in found if row["treated"] and drawn)


LISTED = pa.list_(pa.struct([("stratum", pa.string()), ("value", pa.int32()), ("people", pa.int64())]))


def test_lags_of_the_others_are_those_of_the_users_whatever_the_calendar():
    """Users begin 10 or 30 days after entry; 600 others entered a year on and off get those lags, half and half."""
    persons = tuple(f"p{k:04d}" for k in range(620))
    users = [(who, 30 if k % 2 else 10) for k, who in enumerate(persons[:20])]
    rows = {
        "eligibility": [span(who, first=0 if k < 20 else k % 200) for k, who in enumerate(persons)],
        "program_enrollment": [{"person_id": who, "program": "d", "start_date": day(lag)} for who, lag in users],
    }
    protocol, tables = study("enrollment", []), block(rows, persons)
    counted = Counter(row["value"] for row in users_of_block(tables, protocol, BOOK, protocol.draw).to_pylist())
    assert counted == {10: 10, 30: 10}
    told = [{"stratum": "", "value": value, "people": n} for value, n in sorted(counted.items())]
    tables[USERS_BY_STRATUM] = pa.table({USERS_BY_STRATUM: pa.array([told], LISTED)})
    found = candidates_of_block(tables, protocol, BOOK).to_pylist()
    first = {row["person_id"]: row["enrollment_start_date"] for row in rows["eligibility"]}
    lags = Counter((row["index_date"] - first[row["person_id"]]).days for row in found if not row["treated"])
    assert lags.keys() == {10, 30}
    assert abs(lags[10] - lags[30]) < 80


@pytest.mark.parametrize(
    ("draw", "fault"),
    [("{}", "name 'since', 'within' or both"), ("{within: [entry_year]}", "need 'since'"),
     ("{within: [sex, sex]}", "twice"), ("{since: {diagnosis: body_regions.of_index}}", "criteria only")],
)  # fmt: skip
def test_a_draw_that_makes_no_sense_is_refused(draw, fault):
    arm = f"{{name: b, title: B, source: assigned, require_region: false, draw: {draw}}}"
    with pytest.raises(ConfigError, match=fault):
        load_configuration("jpr_s412081", "local", [f"study.arms.comparator={arm}"])


def test_the_flow_says_how_days_were_drawn():
    protocol = study({"drug": "opioid"}, ["employer_id"])
    texts = criterion_texts(protocol, protocol.arms.comparator)
    assert list(texts)[:2] == ["candidates", "index_drawn"]
    assert "dispensing of opioid" in texts["candidates"] and "same employer_id" in texts["candidates"]
