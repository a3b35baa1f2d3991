"""The contract's tables agree with themselves, with their page and with the packing."""

import re
from pathlib import Path

import pyarrow as pa
import pytest
from claimtwin.schema.tables import CONTRACTS, TABLES, arrow_schema, spark_schema

PAGE = Path(__file__).resolve().parents[2] / "docs" / "data-contract.md"


def sections():
    """Text of the page under each second-level heading."""
    parts = re.split(r"^## ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    return {part.split("\n", 1)[0].strip("` "): part for part in parts}


@pytest.mark.parametrize("table", TABLES)
def test_the_page_describes_every_column_and_no_other(table):
    rows = re.findall(r"^\| `(\w+)` \|([^|]*)\|([^|]*)\|([^|]*)\|(.*)\|$", sections()[table], flags=re.MULTILINE)
    described = {name: tuple(part.strip() for part in rest) for name, *rest in rows}
    assert list(described) == list(CONTRACTS[table].names)
    for column in CONTRACTS[table].columns:
        kind, _, null, rule = described[column.name]
        assert kind == column.type
        assert null
        assert rule


@pytest.mark.parametrize("table", TABLES)
def test_keys_and_orders_name_columns_of_their_table(table):
    contract = CONTRACTS[table]
    ends = {name for order in contract.orders for name in (order.earlier, order.later)}
    assert {*contract.key, *ends} <= set(contract.names)
    assert all(contract.column(name).type == "date" for name in ends)


def test_types_are_the_same_in_spark_and_arrow():
    spark = spark_schema("pharmacy_claim").simpleString()
    assert "ndc_code:string,quantity:decimal(12,3),days_supply:int,paid_date:date" in spark
    arrow = arrow_schema("pharmacy_claim")
    assert [arrow.field(name).type for name in ("ndc_code", "quantity", "days_supply", "paid_date")] == [
        pa.string(),
        pa.decimal128(12, 3),
        pa.int32(),
        pa.date32(),
    ]


def test_every_column_says_what_null_means_and_its_rule():
    for contract in CONTRACTS.values():
        for column in contract.columns:
            assert column.rule
            assert column.null_means
            assert not (column.required and column.null_means != "never null")
