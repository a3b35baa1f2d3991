"""Deaths from the rows of a block: whose count, what lies after them, and who is left in a study."""

from datetime import date, timedelta
from random import Random

import pyarrow as pa
import pytest
from claimtwin.codes.rules import care_families
from claimtwin.config.load import load_configuration
from claimtwin.errors import ConfigError
from claimtwin.kernel.eligibility import criteria_of
from claimtwin.schema.tables import arrow_schema
from claimtwin.spark.blocks import DAY, _numbered
from claimtwin.spark.code_book import CodeBook
from claimtwin.spark.deaths import STARTS, before_deaths, deaths_of
from claimtwin.spark.decode import claims_of_block
from claimtwin.spark.facts import candidates_of_block
from claimtwin.spark.outcomes import count_asked
from hypothesis import given
from hypothesis import strategies as st

from tests.support.examples import many_histories
from tests.support.rows import protocol_of
from tests.unit.test_event_lines import LIST

FIRST = date(2020, 1, 1)
PEOPLE = ("p", "q", "r")


def block(rows, persons=PEOPLE):
    """Rows by table as a block of these persons, in the order of their ids; what a row does not say is null."""
    people = pa.chunked_array([pa.array(persons)])
    tables = {"members": pa.table({"person_id": people}), "block_id": pa.table({"block_id": [0]})}
    for name in ("eligibility", *STARTS):
        schema = arrow_schema(name)
        whole = [{**dict.fromkeys(schema.names), **row} for row in rows.get(name, [])]
        tables[name] = _numbered(pa.Table.from_pylist(whole, schema=schema), people, DAY[name])
    return tables


def day(k):
    return FIRST + timedelta(days=k)


def span(who, death=None, first=-400, last=400, **parts):
    return {"person_id": who, "employer_id": "e", "payer": "x", "plan": "y", "enrollment_start_date": day(first),
            "enrollment_end_date": None if last is None else day(last), "medical_coverage": True,
            "pharmacy_coverage": True, "birth_date": date(1980, 1, 1), "gender": "female", "state": "NY",
            "death_date": None if death is None else day(death), **parts}  # fmt: skip


def fill(who, k, code="00000000001"):
    return {"claim_id": f"{who}{k}", "claim_line_number": 1, "data_source": "s", "person_id": who,
            "dispensing_date": day(k), "ndc_code": code, "days_supply": 5}  # fmt: skip


@many_histories
@given(st.integers(0, 2**32))
def test_what_lies_after_the_earliest_death_is_gone_and_nothing_else(seed):
    dice = Random(seed)
    some = lambda most, make: [make() for _ in range(dice.randint(0, most))]  # noqa: E731
    who, k = (lambda: dice.choice(PEOPLE)), (lambda: dice.randint(0, 6))
    spans = some(5, lambda: span(who(), death=dice.choice([None, k(), k()]), first=-k() - 1))
    events = {name: some(6, lambda column=column: {"person_id": who(), column: day(k())})
              for name, column in STARTS.items()}  # fmt: skip
    tables = block({"eligibility": spans, **events})
    told = {p: [s["death_date"] for s in spans if s["person_id"] == p and s["death_date"]] for p in PEOPLE}
    got = before_deaths(tables)
    for name, column in STARTS.items():
        left = [(row["person_id"], row[column]) for row in events[name]
                if not told[row["person_id"]] or row[column] <= min(told[row["person_id"]])]  # fmt: skip
        found = [(PEOPLE[row["member"]], row[column]) for row in got[name].to_pylist()]
        assert sorted(found) == sorted(left)
    assert got["eligibility"] is tables["eligibility"]
    assert (deaths_of(tables) is None) == (not any(told.values()))
    if not any(told.values()):
        assert got is tables


def study(**enrollment):
    kinds = ("time", "rate") if enrollment.get("post_mode") == "censor" else ("time", "binary", "count")
    return protocol_of(
        arms={"treated": {"name": "a", "title": "A", "source": "program", "require_region": False},
              "comparator": {"name": "b", "title": "B", "source": "assigned", "require_region": False},
              "overlap": "exclude_roster"},
        enrollment=enrollment, washout=None, adjust=["age"],
        outcomes=[{"name": kind, "title": kind, "kind": kind, "drug": "opioid", "window": [1, 100]} for kind in kinds],
    )  # fmt: skip


BOOK = CodeBook(care_families(), (None, None), {"opioid": LIST}, {})
ROWS = {
    "eligibility": [span("p", death=30), span("q"), span("r", death=-1), span("r", first=1, last=None)],
    "program_enrollment": [{"person_id": who, "start_date": FIRST, "program": "x"} for who in PEOPLE],
    "pharmacy_claim": [fill("p", 31), fill("q", 40), fill("q", 41), fill("r", 5)],
}
WAYS = [
    ({"post_days": 365}, {}, [1, 40, 2, 2]),
    ({"post_days": 365, "until_death": True}, {"p": [0, 30, 0, 0]}, [1, 40, 2, 2]),
    ({"post_mode": "censor"}, {"p": [0, 30, 0, 30]}, [1, 40, 2, 100]),
]
"""How follow-up ends; the columns of who died on day 30 while followed, and of who lives."""


@pytest.mark.parametrize(("enrollment", "dead", "alive"), WAYS)
def test_a_planted_death_ends_follow_up_or_leaves_the_person_out(enrollment, dead, alive):
    """A fill of the day after death is nobody's; who died before the index never comes in."""
    protocol, tables = study(**enrollment), block(ROWS)
    found = candidates_of_block(tables, protocol, BOOK).to_pylist()
    whole = 2 ** len(criteria_of(protocol)) - 1
    eligible = sorted({row["person_id"] for row in found if row["treated"] and row["met"] == whole})
    assert {row["person_id"] for row in found} == {"p", "q"}
    assert eligible == sorted({"q", *dead})
    index = pa.array([FIRST] * len(eligible))
    asked = pa.table({"person_id": eligible, "treated": [True] * len(eligible), "index_date": index})
    counted = count_asked({**tables, "asked": asked}, protocol, BOOK).to_pylist()
    got = {row.pop("person_id"): list(row.values())[1:] for row in counted}
    assert got == {"q": alive, **dead}


def test_a_claim_after_a_death_is_no_index_event_and_no_covariate():
    tables = block({"eligibility": [span("p", death=3)], "pharmacy_claim": [fill("p", 3), fill("p", 4)]})
    claims = claims_of_block(tables, BOOK)
    start = (FIRST - date(1970, 1, 1)).days
    assert [events.tolist() for events in claims.drugs["opioid"]] == [[0], [start + 3]]


def test_cover_until_death_is_said_in_one_way():
    with pytest.raises(ConfigError, match="until_death: with post_mode 'censor'"):
        asked = ["study.enrollment.post_mode=censor", "study.enrollment.until_death=true"]
        load_configuration("jpr_s412081", "local", asked)
