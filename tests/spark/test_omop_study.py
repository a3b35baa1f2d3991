"""A study of two drugs on OMOP tables, its lists by concept id: who comes in, told from the OMOP files by hand."""

from collections import Counter, defaultdict
from datetime import date, timedelta

import pyarrow as pa
import pytest
import yaml
from claimtwin.config.load import load_configuration
from claimtwin.errors import ConfigError
from claimtwin.kernel.eligibility import criteria_of
from claimtwin.schema.tables import TABLES, arrow_schema
from claimtwin.spark.blocks import DAY, MEMBERS, _numbered
from claimtwin.spark.decode import claims_of_block
from claimtwin.spark.facts import candidates_of_block
from claimtwin.spark.outcomes import count_asked
from claimtwin.study.codebook import drug_list_fingerprints, read_code_book
from claimtwin.study.concepts import concepts_in, drop_concepts, read_book, with_concepts, write_concepts
from claimtwin.study.ingest import ingest
from claimtwin.study.pipeline import run_study
from claimtwin.study.progress import say_nothing

from tests.spark.test_other_feeds import day, rows_of
from tests.support.shared import shared_data

pytestmark = pytest.mark.whole_way  # reads whole feeds

LISTS = {"drug_a": ("statin ",), "drug_b": ("pril ", "metformin", "hydrochlorothiazide")}
LISTS["either"] = LISTS["drug_a"] + LISTS["drug_b"]
FIRST, LAST = date(2008, 7, 1), date(2010, 11, 30)
EPOCH = date(1970, 1, 1)


@pytest.fixture(scope="module")
def exposures():
    """Persons and days of exposure by list, and the concepts of each, from the files alone."""
    folder = shared_data("omop-synpuf-50")
    names = {row["concept_id"]: row["concept_name"].lower() for row in rows_of(folder, "concept")}
    concepts, days = defaultdict(set), defaultdict(lambda: defaultdict(list))
    for row in rows_of(folder, "drug_exposure"):
        for name, words in LISTS.items():
            if any(word in names.get(row["drug_concept_id"], "") for word in words):
                concepts[name].add(row["drug_concept_id"])
                days[name][row["person_id"]].append(day(row["drug_exposure_start_date"]))
    return concepts, days


@pytest.fixture(scope="module")
def study(spark, tmp_path_factory, exposures, omop_rows):
    """The shipped design on these lists: the configuration, and what an ingest accepts."""
    folder, source = tmp_path_factory.mktemp("omop"), shared_data("omop-synpuf-50")
    lists = {}
    for name, concepts in exposures[0].items():
        (folder / f"{name}.csv").write_text(
            "\n".join(["Id,Name", *(f"{one}," for one in sorted(concepts)), "0,none\n"])
        )
        lists[name] = {"path": f"{folder}/{name}.csv", "column": "Id", "codes": "omop_concept"}
    said = {
        "tables": f"{folder}/tables",
        "output": f"{folder}/results",
        "code_lists": lists,
        "disclosure": {"min_cell": 1},
    }
    (folder / "env.yaml").write_text(yaml.safe_dump(said))
    protocol, env = load_configuration("omop_two_drugs", str(folder / "env.yaml"), [])
    write_concepts(spark, env, str(source))
    return protocol, env, {name: rows for name, rows in omop_rows.items() if name != "medical_claim"}


DIABETES, CODES = "201826", ("25000", "25002")
"""A standard concept, and the codes that stand beside it; of 25002 rows have another concept, too."""
EVENTS = """
study: {name: by_events, title: By events, index_window: [2008-03-01, 2010-12-31]}
population: {age_min: 18}
enrollment: {pre_days: 30, post_days: 90, benefits: [medical]}
arms:
  treated: {name: a, title: A, source: claims, diagnosis: DIAGNOSES, require_region: false}
  comparator: {name: b, title: B, source: claims, procedures: SERVICES, require_region: false, pick: first_ever,
    exposure: {diagnosis: DIAGNOSES, window: [0, 5]}, landmark_days: 5}
  overlap: first_arm_entered
regions: []
washout: null
criteria: [{name: clean, diagnosis: DIAGNOSES, window: [-30, -1]}]
score: {covariates: [age], lookback_days: 30}
matching: {block_keys: []}
outcomes:
  - {name: days, title: Days, kind: count, diagnosis: DIAGNOSES, window: [1, 90]}
  - {name: visits, title: Visits, kind: count, procedures: SERVICES, window: [1, 90]}
  - {name: cents, title: Cost, kind: cost, diagnosis: DIAGNOSES, window: [1, 90]}
"""


@pytest.fixture(scope="module")
def two_ways(study, tmp_path_factory):
    """One design by concept ids and by the codes of the feed: two configurations, and the concepts of the service."""
    folder, env = tmp_path_factory.mktemp("events"), study[1]
    services = {row["procedure_concept_id"] for row in rows_of(shared_data("omop-synpuf-50"), "procedure_occurrence")
                if row["procedure_source_value"] == "99213"}  # fmt: skip
    lists = {"sugar": {DIABETES, "0", "1"}, "office": services}
    files = {}
    for name, concepts in lists.items():
        (folder / f"{name}.csv").write_text("\n".join(["Id", *sorted(concepts)]))
        files[name] = {"path": f"{folder}/{name}.csv", "column": "Id", "codes": "omop_concept"}
    said = {"tables": env.tables, "output": env.output, "code_lists": files}
    (folder / "env.yaml").write_text(yaml.safe_dump(said))
    rules = [f"icd-9-cm:{code}" for code in CODES]
    words = {"concepts": ("code_lists.sugar", "code_lists.office"), "codes": (str(rules), '["99213"]')}
    for name, (diagnoses, procedures) in words.items():
        (folder / f"{name}.yaml").write_text(EVENTS.replace("DIAGNOSES", diagnoses).replace("SERVICES", procedures))
    return [load_configuration(str(folder / f"{name}.yaml"), str(folder / "env.yaml"), []) for name in words]


def test_a_list_by_concept_id_is_the_list_of_the_codes_beside_them(spark, two_ways, omop_rows):
    """In index events, exposures, criteria and outcomes, to the last byte."""
    said, found = [], []
    tables = block_of(omop_rows)
    for protocol, env in two_ways:
        book = read_book(spark, protocol, env, said.append)
        candidates = candidates_of_block(tables, protocol, book)
        asked = candidates.select(["person_id", "treated", "index_date"])
        found.append((candidates, count_asked({**tables, "asked": asked}, protocol, book)))
    assert found[0][0].equals(found[1][0])
    assert found[0][1].equals(found[1][1])
    arms = found[0][0]["treated"].to_pylist()
    assert arms.count(True) > 15 and arms.count(False) > 5
    assert sum(row["days"] > 0 for row in found[0][1].to_pylist()) > 5
    assert sum(row["visits"] > 0 for row in found[0][1].to_pylist()) > 5
    assert said == ["list office: 1 procedure codes of the claims have its concepts",
                    "list sugar: 2 diagnosis codes of the claims have its concepts"]  # fmt: skip


def test_diagnoses_by_concept_id_stand_on_the_visits_of_the_omop_files(spark, two_ways, omop_rows):
    protocol, env = two_ways[0]
    tables = block_of(omop_rows)
    people = tables[MEMBERS]["person_id"].to_pylist()
    member, days = claims_of_block(tables, read_book(spark, protocol, env)).diagnoses["code_lists.sugar"]
    found = {(people[who], EPOCH + timedelta(days=on)) for who, on in zip(member.tolist(), days.tolist(), strict=True)}
    visits = {row["visit_occurrence_id"] for row in rows_of(shared_data("omop-synpuf-50"), "condition_occurrence")
              if row["condition_concept_id"] == DIABETES}  # fmt: skip
    lines = [row for row in omop_rows["medical_claim"] if row["claim_id"] in visits]
    assert found == {(row["person_id"], row["claim_start_date"]) for row in lines}
    assert len(visits) > 100


def test_other_lists_are_other_studies_and_lists_without_an_event_are_refused(spark, two_ways):
    protocol, env = two_ways[0]
    book = read_book(spark, protocol, env)
    told = drug_list_fingerprints(book)
    assert set(told) == {"diagnoses of code_lists.sugar", "procedures of code_lists.office"}
    sugar, office = env.code_lists["sugar"], env.code_lists["office"]
    drugs = sugar.model_copy(update={"codes": "ndc"})
    for lists, fault in (
        ((sugar, sugar), "None of the 2 concepts of a list stands beside a procedure"),
        ((office, office), "stands beside a diagnosis"), ((drugs, office), "holds National Drug Codes"),
    ):  # fmt: skip
        with pytest.raises(ConfigError, match=fault):
            named = dict(zip(("sugar", "office"), lists, strict=True))
            read_book(spark, protocol, env.model_copy(update={"code_lists": named}))
    assert concepts_in(spark, env, "sugar") == (2, 1, {"icd-9-cm": 2})


def block_of(rows):
    people = pa.chunked_array([pa.array(sorted({row["person_id"] for table in rows.values() for row in table}))])
    tables = {name: pa.Table.from_pylist(rows.get(name, []), schema=arrow_schema(name)) for name in TABLES}
    numbered = {name: _numbered(table, people, DAY[name]) for name, table in tables.items()}
    return {**numbered, MEMBERS: pa.table({"person_id": people}), "block_id": pa.table({"block_id": [0]})}


def by_hand(days, periods):
    """Who is a new user of which drug: person, arm, day, and whether they may stay."""
    begun = {name: {who: min(own) for who, own in days[name].items()} for name in ("drug_a", "drug_b")}
    for name, treated in (("drug_a", True), ("drug_b", False)):
        for who, first in begun[name].items():
            long = any(
                start <= first - timedelta(183) and first + timedelta(30) <= stop for start, stop in periods[who]
            )
            used = any(first - timedelta(183) <= one < first for one in days["either"][who])
            other = begun["drug_b" if treated else "drug_a"].get(who)
            rivals = (
                other is not None and FIRST <= other <= LAST and (other < first or (other == first and not treated))
            )
            yield who, treated, first, FIRST <= first <= LAST and long and not used and not rivals


def test_new_users_are_those_of_the_omop_files(spark, study, exposures):
    protocol, env, rows = study
    said = []
    book = read_code_book(protocol, env)
    drugs = with_concepts(spark, env, book.drugs, said.append)
    found = candidates_of_block(block_of(rows), protocol, book.__class__(**{**vars(book), "drugs": drugs}))
    whole = 2 ** len(criteria_of(protocol)) - 1
    told = {(r["person_id"], r["treated"], r["index_date"], r["met"] == whole) for r in found.to_pylist()}
    periods = defaultdict(list)
    for row in rows_of(shared_data("omop-synpuf-50"), "observation_period"):
        both = (day(row[f"observation_period_{end}_date"]) for end in ("start", "end"))
        periods[row["person_id"]].append(tuple(both))
    assert told == set(by_hand(exposures[1], periods))
    assert sum(met for *_, met in told) > 5 and len(told) > 30
    assert said[0].startswith(f"list drug_a: {len(exposures[0]['drug_a'])} of {len(exposures[0]['drug_a'])} concepts")


def test_concepts_that_are_no_drugs_of_the_claims_are_refused(spark, study, tmp_path):
    protocol, env, _ = study
    (tmp_path / "list.csv").write_text("Id\n201826\n")
    file = env.code_lists["drug_a"].model_copy(update={"path": f"{tmp_path}/list.csv"})
    other = env.model_copy(update={"code_lists": {"drug_a": file}})
    with pytest.raises(ConfigError, match="None of the 1 concepts"):
        with_concepts(spark, other, read_code_book(protocol, env).drugs)


def test_claims_of_another_form_forget_the_concepts(spark, study):
    protocol, env, _ = study
    drop_concepts(spark, env)
    with pytest.raises(ConfigError, match="stands beside a drug code"):
        with_concepts(spark, env, read_code_book(protocol, env).drugs)


def test_the_two_drugs_are_studied_by_yaml_alone(spark, study, exposures):
    """The shipped study and an env.yaml that names its lists, from OMOP tables to results; nothing is set beside."""
    protocol, env = study[:2]
    ingest(spark, env, "omop", str(shared_data("omop-synpuf-50")), say_nothing)
    results = run_study(spark, protocol, env, say_nothing).results
    periods = defaultdict(list)
    for row in rows_of(shared_data("omop-synpuf-50"), "observation_period"):
        both = (day(row[f"observation_period_{end}_date"]) for end in ("start", "end"))
        periods[row["person_id"]].append(tuple(both))
    eligible = Counter(treated for _, treated, _, met in by_hand(exposures[1], periods) if met)
    left = {row["arm"]: row["remaining"] for row in results["attrition"] if row["criterion"] == "one_arm"}
    assert left == {"treated": eligible[True], "comparator": eligible[False]}
    assert 0 < results["matching"]["pairs"] <= min(eligible.values())
    assert set(results["matching"]["invariants"].values()) == {0}


@pytest.mark.parametrize("text", ["Id\n", "Id\nmetformin\n", "Id\n0\n", "concept\n1\n"])
def test_a_list_without_concepts_is_refused_before_spark_starts(tmp_path, text):
    (tmp_path / "list.csv").write_text(text)
    lists = {name: {"path": f"{tmp_path}/list.csv", "column": "Id", "codes": "omop_concept"} for name in LISTS}
    said = {"tables": str(tmp_path), "output": str(tmp_path), "code_lists": lists}
    (tmp_path / "env.yaml").write_text(yaml.safe_dump(said))
    with pytest.raises(ConfigError, match=r"column 'Id'|whole numbers"):
        read_code_book(*load_configuration("omop_two_drugs", str(tmp_path / "env.yaml"), []))
