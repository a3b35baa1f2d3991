"""Feeds that keep the contract's tables, under its names or others; CSV, Parquet or Delta."""

from pyspark.sql import DataFrame, SparkSession

from claimtwin.config.deployment import Ingest
from claimtwin.errors import InputError
from claimtwin.io.adapters.files import read_csv, read_delta, read_parquet
from claimtwin.io.tables import Store
from claimtwin.schema.feed import CORRUPT, Feed
from claimtwin.schema.tables import CONTRACTS, TableContract, spark_schema


def read_contract(spark: SparkSession, settings: Ingest, source: str) -> list[Feed]:
    """One feed a contract table, in the order of the contract.

    Args:
        spark: The session.
        settings: Column map, constants, delimiter and form of the dates.
        source: A folder, or ``catalog.schema`` of Delta tables. In a folder a table is the first of: a Delta
            table ``<table>``, Parquet or CSV files in ``<table>/``, ``<table>.parquet``, ``<table>.csv``.

    Raises:
        InputError: Tables that a study cannot do without are missing; all of them are named.
    """
    frames = {name: find_table(spark, settings, source, name) for name in CONTRACTS}
    missing = [name for name, frame in frames.items() if frame is None and not CONTRACTS[name].optional]
    if missing:
        raise InputError(
            f"Tables are missing from the feed: {', '.join(missing)}.",
            source,
            "a feed has eligibility, medical_claim and pharmacy_claim; program_enrollment may be absent",
            "give --input a folder with <table>.csv, <table>.parquet or <table>/, or catalog.schema",
        )
    return [_feed(spark, settings, contract, frames[name]) for name, contract in CONTRACTS.items()]


def find_table(spark: SparkSession, settings: Ingest, source: str, name: str) -> DataFrame | None:
    """One table of a folder or schema, in any of the forms that ``read_contract`` knows; null where there is none."""
    ref = Store(source).table(name)
    found = read_delta(spark, ref.name, is_path=ref.is_path)
    if found is not None or not ref.is_path:
        return found
    for path in (ref.name, f"{ref.name}.parquet"):
        found = found if found is not None else read_parquet(spark, path)
    for path in (ref.name, f"{ref.name}.csv"):
        found = found if found is not None else read_csv(spark, path, delimiter=settings.delimiter)
    return found


def _feed(spark: SparkSession, settings: Ingest, contract: TableContract, frame: DataFrame | None) -> Feed:
    name = contract.name
    if frame is None:
        return Feed(name, spark.createDataFrame([], spark_schema(name)))
    return Feed(
        name,
        frame,
        settings.date_format,
        settings.columns.get(name, {}),
        settings.constants.get(name, {}),
        tells_corrupt=frame.columns[-1:] == [CORRUPT],
    )
