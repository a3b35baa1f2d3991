"""The matched people as they leave Spark: one row each, pairs together, no id and no date."""

from types import SimpleNamespace

from claimtwin.study.designs import collect_eligible, eligible_rows
from claimtwin.study.matched import collect_matched, matched_rows

from tests.support.rows import protocol_of

PEOPLE = (
    "person_id string, treated boolean, index_date date, employer_id string, age int, sex string, office_visits int"
)
MATCHES = (
    "block string, rank bigint, treated_person string, comparator_person string, distance double, reason string,"
    " nth bigint, twins bigint"
)


def test_rows_hold_employer_covariates_and_those_of_subgroups_once(spark):
    people = [("t1", True, None, "E1", 50, "male", 3), ("c1", False, None, None, 51, "female", 0),
              ("t2", True, None, "E2", 60, "male", 1), ("c2", False, None, "E1", 61, "male", 9),
              ("t3", True, None, "E2", 70, "male", 1)]  # fmt: skip
    matches = [("b", 0, "t2", "c2", 0.1, None, 1, 1), ("a", 0, "t1", "c1", 0.2, None, 1, 1),
               ("a", None, "t3", None, None, "why", None, None)]  # fmt: skip
    counts = [(name, name.startswith("t"), int(name[1]) - 1, 2) for name in ("t1", "c1", "t2", "c2", "t3")]

    def made(rows, schema):
        return SimpleNamespace(frame=spark.createDataFrame(rows, schema))

    design = SimpleNamespace(candidates=made(people, PEOPLE), matches=made(matches, MATCHES))
    counted = made(counts, "person_id string, treated boolean, any_opioid bigint, opioid_fills bigint")
    tables = SimpleNamespace(design=design, outcomes=counted)
    protocol = protocol_of(subgroups=[{"by": "office_visits", "cuts": [2]}, {"by": "sex"}, {"by": "employer_id"}])
    rows = collect_matched(tables, protocol, max_rows=10)
    assert rows.column_names == [
        "block", "rank", "treated", "employer_id", "age", "sex", "office_visits", "any_opioid", "opioid_fills",
    ]  # fmt: skip
    assert rows["age"].to_pylist() == [50, 51, 60, 61]
    got = matched_rows(rows, protocol)
    assert got.people.pair.tolist() == [0, 0, 1, 1]
    assert got.people.treated.tolist() == [True, False, True, False]
    assert got.count("any_opioid").tolist() == [0, 0, 1, 1]
    assert len(set(got.people.employer[[0, 3]])) == 1


def test_everybody_eligible_leaves_without_id_date_or_order(spark):
    protocol = protocol_of(designs=[{"method": "weights"}])
    people = [("p1", True, None, "E1", 50, "male", 3), ("p1", False, None, "E1", 51, "male", 0),
              ("p2", False, None, None, 40, None, 0), ("p3", True, None, None, 30, "female", 0)]  # fmt: skip
    counts = [("p1", True, 1, 2), ("p1", False, 0, 0), ("p2", False, 1, 1), ("p3", True, 0, 0)]
    logits = [("p2", False, -1.0), ("p1", True, 0.5), ("p1", False, 0.25)]  # p3 is not in the match
    scores = spark.createDataFrame(logits, "person_id string, treated boolean, logit double")
    made = SimpleNamespace(frame=spark.createDataFrame(people, PEOPLE))
    counted = "person_id string, treated boolean, any_opioid bigint, opioid_fills bigint"
    design = SimpleNamespace(candidates=made, score_rows=lambda: scores)
    tables = SimpleNamespace(design=design, outcomes=SimpleNamespace(frame=spark.createDataFrame(counts, counted)))
    rows = collect_eligible(tables, protocol, max_rows=10)
    assert rows.column_names == ["treated", "logit", "age", "sex", "any_opioid", "opioid_fills"]
    assert rows.to_pydict()["age"] == [40, 51, 50]
    assert eligible_rows(rows, protocol).treated.tolist() == [False, False, True]
