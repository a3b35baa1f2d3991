"""Where tables lie and how they are read and written. A table's name is never pasted into SQL."""

from dataclasses import dataclass

from delta.tables import DeltaTable
from pyspark.errors import AnalysisException
from pyspark.sql import DataFrame, DataFrameWriter, SparkSession
from pyspark.sql import functions as F

from claimtwin.errors import InputError


@dataclass(frozen=True)
class TableRef:
    """One Delta table: a path (with a slash) or ``catalog.schema.table``."""

    name: str

    @property
    def is_path(self) -> bool:
        """Whether the name is a folder and not a name in the catalog."""
        return "/" in self.name or "\\" in self.name


@dataclass(frozen=True)
class Store:
    """The tables of one deployment: a folder, or ``catalog.schema``.

    A dot with no slash makes it a schema; ``./data.v2`` is a folder.
    """

    root: str

    def table(self, name: str, *, study: str = "") -> TableRef:
        """Address of a table; tables of one study carry its name."""
        if "/" in self.root or "." not in self.root:
            return TableRef("/".join(part for part in (self.root.rstrip("/"), study, name) if part))
        return TableRef(f"{self.root}.{study}_{name}" if study else f"{self.root}.{name}")


@dataclass(frozen=True)
class TableState:
    """A Delta table as it is now.

    Attributes:
        version: Delta version.
        written: When that version was committed; tells a table from one made anew under the same name.
        stamp: What it was made from, as its writer put it; empty for none.
    """

    version: int
    written: str
    stamp: str


def table_state(spark: SparkSession, ref: TableRef) -> TableState | None:
    """Newest version of the table; None where there is no such table."""
    try:
        table = DeltaTable.forPath(spark, ref.name) if ref.is_path else DeltaTable.forName(spark, ref.name)
        newest = table.history(1).select("version", F.col("timestamp").cast("string"), "userMetadata").toArrow()
    except AnalysisException:
        return None
    version, written, stamp = (newest[name][0].as_py() for name in ("version", "timestamp", "userMetadata"))
    return TableState(int(version), written, stamp or "")


def read_table(spark: SparkSession, ref: TableRef, *, made_by: str, version: int | None = None) -> DataFrame:
    """Read a Delta table.

    Args:
        spark: The session.
        ref: The table.
        made_by: The command that makes the table, for the remedy.
        version: The version to read, whatever is written meanwhile; null, the newest.

    Raises:
        InputError: There is no such table or version.
    """
    reader = spark.read.format("delta")
    if version is not None:
        reader = reader.option("versionAsOf", version)
    try:
        frame = reader.load(ref.name) if ref.is_path else reader.table(ref.name)
        frame.schema  # noqa: B018  (under Connect the name is looked up only now)
    except AnalysisException as error:
        raise missing_table(ref, made_by) from error
    return frame


def missing_table(ref: TableRef, made_by: str) -> InputError:
    """Return the error for a table that is not there."""
    return InputError("A table is missing.", ref.name, "docs/data-contract.md", f"run `{made_by}` first")


def write_table(frame: DataFrame, ref: TableRef, *, stamp: str = "") -> None:
    """Replace a Delta table by one that every client can read and whose statistics identify nobody.

    Deletion vectors are off. Statistics for data skipping hold the smallest and largest values of columns in
    the table's log, so none are kept. The stamp becomes the commit's ``userMetadata``.
    """
    writer: DataFrameWriter = (
        frame.write.format("delta")
        .mode("overwrite")
        .option("overwriteSchema", "true")
        .option("delta.enableDeletionVectors", "false")
        .option("delta.dataSkippingNumIndexedCols", "0")
    )
    if stamp:
        writer = writer.option("userMetadata", stamp)
    if ref.is_path:
        writer.save(ref.name)
    else:
        writer.saveAsTable(ref.name)
