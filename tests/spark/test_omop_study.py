"""A study of two drugs on OMOP tables, its lists by concept id: who comes in, told from the OMOP files by hand."""

from collections import defaultdict
from datetime import date, timedelta

import pyarrow as pa
import pytest
import yaml
from claimtwin.config.load import load_configuration
from claimtwin.errors import ConfigError
from claimtwin.kernel.eligibility import criteria_of
from claimtwin.schema.tables import TABLES, arrow_schema
from claimtwin.spark.blocks import DAY, MEMBERS, _numbered
from claimtwin.spark.facts import candidates_of_block
from claimtwin.study.codebook import read_code_book
from claimtwin.study.concepts import drop_concepts, with_concepts, write_concepts

from tests.spark.test_other_feeds import day, rows_of
from tests.support.shared import shared_data

pytestmark = pytest.mark.whole_way  # reads whole feeds

LISTS = {"drug_a": ("statin ",), "drug_b": ("pril ", "metformin", "hydrochlorothiazide")}
LISTS["either"] = LISTS["drug_a"] + LISTS["drug_b"]
FIRST, LAST = date(2008, 7, 1), date(2010, 11, 30)


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
    said = {"tables": f"{folder}/tables", "output": f"{folder}/results", "code_lists": lists}
    (folder / "env.yaml").write_text(yaml.safe_dump(said))
    protocol, env = load_configuration("omop_two_drugs", str(folder / "env.yaml"), [])
    write_concepts(spark, env, str(source))
    return protocol, env, {name: rows for name, rows in omop_rows.items() if name != "medical_claim"}


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


@pytest.mark.parametrize("text", ["Id\n", "Id\nmetformin\n", "Id\n0\n", "concept\n1\n"])
def test_a_list_without_concepts_is_refused_before_spark_starts(tmp_path, text):
    (tmp_path / "list.csv").write_text(text)
    lists = {name: {"path": f"{tmp_path}/list.csv", "column": "Id", "codes": "omop_concept"} for name in LISTS}
    said = {"tables": str(tmp_path), "output": str(tmp_path), "code_lists": lists}
    (tmp_path / "env.yaml").write_text(yaml.safe_dump(said))
    with pytest.raises(ConfigError, match=r"column 'Id'|whole numbers"):
        read_code_book(*load_configuration("omop_two_drugs", str(tmp_path / "env.yaml"), []))
