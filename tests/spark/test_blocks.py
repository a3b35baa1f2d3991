"""Member blocks: the same claims give the same bytes, and no row or member is lost, doubled or torn."""

import re

import pyarrow as pa
import pytest
from claimtwin.codes.rules import care_families
from claimtwin.config.histories import EpisodeRules, FillRules, SupplyRules
from claimtwin.schema.tables import TABLES, spark_schema
from claimtwin.spark.arrow import ddl_of, from_cell
from claimtwin.spark.blocks import DAY, LAYOUT, block_bits, build_blocks, with_later_columns
from claimtwin.spark.facts import find_candidates
from claimtwin.spark.histories import build_episodes, build_runs
from claimtwin.study.local import synth_book, synth_protocol
from pyspark.sql import DataFrame, SparkSession

from tests.support.claims import as_frames, random_claims

CLAIMS = random_claims(120, seed=3)


def packed(spark: SparkSession, partitions: int, bits: int = 2) -> list[dict[str, object]]:
    blocks: DataFrame = build_blocks(as_frames(spark, CLAIMS, partitions), bits)
    return sorted(blocks.toArrow().to_pylist(), key=lambda row: row["block_id"])


@pytest.fixture(scope="module")
def blocks(spark: SparkSession) -> list[dict[str, object]]:
    return packed(spark, 3)


def test_the_same_claims_give_the_same_bytes_however_they_are_partitioned(spark, blocks):
    assert packed(spark, 1) == blocks
    assert packed(spark, 7) == blocks


def test_every_member_lies_in_one_block(blocks):
    members = [person for row in blocks for person in from_cell(row["members"])["person_id"].to_pylist()]
    known = {row["person_id"] for rows in CLAIMS.values() for row in rows}
    assert len(members) == len(set(members)) == sum(row["n_members"] for row in blocks)
    assert set(members) == known
    assert len(blocks) == 4


def unpacked(blocks: list[dict[str, object]], name: str) -> list[dict[str, object]]:
    rows = []
    for block in blocks:
        people = from_cell(block["members"])["person_id"].to_pylist()
        table: pa.Table = from_cell(block[name])
        assert table.num_rows == block[f"n_{name}"]
        named = table.append_column("person_id", pa.array([people[member] for member in table["member"].to_pylist()]))
        rows += named.drop_columns(["member"]).to_pylist()
    return rows


def by_content(rows: list[dict[str, object]]) -> list[str]:
    return sorted(str(sorted((key, value) for key, value in row.items() if value is not None)) for row in rows)


def test_a_table_made_before_the_contract_had_a_column_has_no_value_of_it(spark):
    table = as_frames(spark, CLAIMS, 1)["medical_claim"]
    older = table.drop("service_unit_quantity")
    held = with_later_columns("medical_claim", older).select(*table.columns)
    assert held.schema == table.schema == spark_schema("medical_claim")
    assert held.where("service_unit_quantity is not null").isEmpty()


@pytest.mark.parametrize("name", TABLES)
def test_every_row_comes_back_as_it_went_in(blocks, name):
    assert by_content(unpacked(blocks, name)) == by_content(CLAIMS[name])


def test_rows_are_sorted_by_member_and_day(blocks):
    for block in blocks:
        table = from_cell(block["medical_claim"])
        rows = list(zip(table["member"].to_pylist(), table["claim_start_date"].to_pylist(), strict=True))
        assert rows == sorted(rows)


def test_a_table_without_rows_is_an_empty_payload(spark):
    claims = {**CLAIMS, "program_enrollment": []}
    blocks = build_blocks(as_frames(spark, claims, 2), 0).toArrow().to_pylist()
    assert [row["n_program_enrollment"] for row in blocks] == [0]
    assert from_cell(blocks[0]["program_enrollment"])["program"].to_pylist() == []


def paths_of(plan: str) -> list[list[str]]:
    """For each leaf of an explained plan the operators from the root down to it."""
    paths, above = [], list[tuple[int, str]]()
    for line in plan.splitlines():
        operator = line.lstrip(" :+-")
        if not operator:
            continue
        above = [one for one in above if one[0] < len(line) - len(operator)]
        above.append((len(line) - len(operator), operator))
        if "Scan" in operator:
            paths.append([text for _, text in above])
    return paths


def test_each_line_of_a_claims_table_crosses_one_exchange_on_its_way_to_the_blocks(spark, capsys):
    """In the plan as it was executed, for every table; the frames of the test bring one of their own."""
    blocks = build_blocks(as_frames(spark, CLAIMS, 2), 2)
    assert blocks.toArrow().num_rows == 4
    capsys.readouterr()
    blocks.explain()
    shown = capsys.readouterr().out
    assert "isFinalPlan=true" in shown
    paths = paths_of(shown.split("== Final Plan ==")[1].split("== Initial Plan ==")[0])
    for name in TABLES:
        found = [path for path in paths if re.search(rf"\b{DAY[name]}#", path[-1])]
        assert len(found) == 1, name
        exchanges = [text for text in found[0] if text.startswith("Exchange") and "REPARTITION_BY_NUM" not in text]
        assert len(exchanges) == 1 and "hashpartitioning(block_id" in exchanges[0], name


def test_facts_and_histories_of_blocks_cross_no_network(spark, capsys):
    blocks = spark.createDataFrame([], ddl_of(LAYOUT))
    protocol = synth_protocol(2020)
    find_candidates(blocks, protocol, synth_book(protocol)).explain()
    build_runs(blocks, (), FillRules(), SupplyRules()).explain()
    build_episodes(blocks, care_families(), EpisodeRules()).explain()
    shown = capsys.readouterr().out
    assert shown.count("MapInArrow") >= 3 and "Exchange" not in shown


@pytest.mark.parametrize(("rows", "bits"), [(0, 0), (1, 0), (1000, 0), (100_000, 4), (200_000, 5)])
def test_more_rows_make_more_blocks(rows, bits):
    """A dispensing has eleven columns of eight bytes: 100,000 of them are 8.8 MB, in blocks of at most 0.55 MB."""
    assert block_bits({"pharmacy_claim": rows}, 600_000) == bits
