"""Writing a feed's table in the kinds of files that an ingest reads."""

from pathlib import Path

from pyspark.sql import DataFrame

from claimtwin.io.tables import TableRef, write_table

FILES = ("delta", "parquet", "csv")


def write_frame(rows: DataFrame, path: Path, files: str) -> None:
    """Write one table to a folder as one of ``FILES``, over what is there; CSV has a header, and null is empty."""
    where = str(path.absolute())
    if files == "delta":
        write_table(rows, TableRef(where))
    elif files == "parquet":
        rows.write.mode("overwrite").parquet(where)
    else:
        rows.write.mode("overwrite").option("header", "true").option("escape", '"').csv(where)
