"""Index days drawn for comparators and follow-up cut short, through Spark, against the claims read by hand."""

from collections import Counter
from datetime import date, timedelta

import pytest
from claimtwin.codes.drugs import DrugList
from claimtwin.codes.rules import care_families
from claimtwin.codes.states import census_regions
from claimtwin.kernel.eligibility import criteria_of
from claimtwin.spark.blocks import build_blocks
from claimtwin.spark.code_book import CodeBook
from claimtwin.spark.facts import find_candidates
from claimtwin.spark.outcomes import find_outcomes, payloads_read_by

from tests.support.claims import OPIOID, as_frames, random_claims
from tests.support.rows import protocol_of

CLAIMS = random_claims(120, seed=9)
for number, own in enumerate(CLAIMS["eligibility"]):
    own["death_date"] = date(2020, 3, 1) + timedelta(days=3 * number) if number % 4 == 0 else None
END = date(2020, 12, 31)
PROTOCOL = protocol_of(
    arms={"treated": {"name": "a", "title": "A", "source": "program"},
          "comparator": {"name": "b", "title": "B", "source": "assigned", "require_region": False},
          "overlap": "exclude_roster"},
    enrollment={"post_mode": "censor"},
    criteria=[{"name": "seen", "care": "office", "window": [-365, -1], "least": 1}],
    outcomes=[{"name": "first", "title": "First", "kind": "time", "drug": "opioid", "window": [1, 365]}],
)  # fmt: skip
BOOK = CodeBook(care_families(), (None, None), {"opioid": DrugList("opioid", frozenset({OPIOID}), None)},
                census_regions())  # fmt: skip


ASKED = "block_id long, person_id string, treated boolean, index_date date"


def candidates(spark, bits, partitions, protocol=PROTOCOL):
    """The blocks, and the candidates sorted by person, the comparator first."""
    blocks = build_blocks(as_frames(spark, CLAIMS, partitions), bits)
    rows = find_candidates(blocks, protocol, BOOK).toArrow().to_pylist()
    return blocks, sorted(rows, key=lambda row: (row["person_id"], row["treated"]))


@pytest.fixture(scope="module")
def found(spark):
    return candidates(spark, 1, 2)


def test_days_are_drawn_from_those_of_the_eligible_treated_whatever_the_blocks(spark, found):
    rows = found[1]
    assert [{**row, "block_id": 0} for row in rows] == candidates(spark, 0, 1)[1]
    everything = 2 ** len(criteria_of(PROTOCOL)) - 1
    users = Counter(row["index_date"] for row in rows if row["treated"] and row["met"] == everything)
    drawn = Counter(row["index_date"] for row in rows if not row["treated"])
    assert set(drawn) <= set(users)
    assert len(drawn) > len(users) / 2
    dead = {row["person_id"]: row["death_date"] for row in CLAIMS["eligibility"] if row["death_date"]}
    came = {row["person_id"] for row in rows if not row["treated"]}
    assert {row["person_id"] for row in CLAIMS["eligibility"]} - came <= dead.keys()
    assert all(row["index_date"] <= dead.get(row["person_id"], date.max) for row in rows)


def test_lags_drawn_within_employers_are_those_of_their_treated_whatever_the_blocks(spark):
    draw = {"since": "enrollment", "within": ["employer_id"]}
    asked = PROTOCOL.model_dump()
    asked["arms"]["comparator"]["draw"] = draw
    protocol = type(PROTOCOL).model_validate(asked)
    rows = candidates(spark, 1, 2, protocol)[1]
    assert [{**row, "block_id": 0} for row in rows] == candidates(spark, 0, 1, protocol)[1]
    entry = {row["person_id"]: row["enrollment_start_date"] for row in CLAIMS["eligibility"]}
    everything, lags = 2 ** len(criteria_of(protocol)) - 1, {True: set(), False: set()}
    for row in rows:
        if row["met"] == everything or (not row["treated"] and row["met"] & 1):
            lags[row["treated"]].add((row["employer_id"], row["index_date"] - entry[row["person_id"]]))
    assert lags[False] <= lags[True] and len(lags[False]) > 10


def test_people_are_followed_until_cover_or_data_end(spark, found):
    blocks, rows = found
    people = [tuple(row[name] for name in ("block_id", "person_id", "treated", "index_date")) for row in rows]
    asked = spark.createDataFrame(people, ASKED)
    got = {
        (row["person_id"], row["treated"]): (row["first"], row["first_days"])
        for row in find_outcomes(blocks, asked, PROTOCOL, BOOK, END).toArrow().to_pylist()
    }
    kinds = set()
    for row in rows:
        expected = by_hand(row["person_id"], row["index_date"])
        assert got[row["person_id"], row["treated"]] == expected
        kinds.add((expected[0], expected[1] == 365))
    assert kinds >= {(1, False), (0, False)}
    deaths = {row["person_id"]: row["death_date"] for row in CLAIMS["eligibility"]}
    last = [(row["person_id"], row["index_date"] + timedelta(got[row["person_id"], row["treated"]][1])) for row in rows]
    assert sum(day == deaths[who] for who, day in last) > 5
    assert payloads_read_by(PROTOCOL) == ["pharmacy_claim", "eligibility"]


def by_hand(person, index):
    """Whether an opioid came while followed, and after how many days of follow-up."""
    rows = [row for row in CLAIMS["eligibility"] if row["person_id"] == person]
    ends = [min(row["enrollment_end_date"] or END, row["death_date"] or END) for row in rows]
    fills = {row["dispensing_date"] for row in CLAIMS["pharmacy_claim"]
             if row["person_id"] == person and row["ndc_code"] == OPIOID}  # fmt: skip
    days = 0
    for k in range(1, 366):
        day = index + timedelta(days=k)
        if day > min(ends[0], END) or index > ends[0]:
            break
        days += 1
        if day in fills:
            return 1, days
    return 0, days
