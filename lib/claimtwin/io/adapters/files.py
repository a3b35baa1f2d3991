"""Reading files as text, so that no row is lost and nothing is guessed."""

from pyspark.errors import AnalysisException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import types as T

from claimtwin.config.deployment import Ingest
from claimtwin.errors import ConfigError, InputError
from claimtwin.schema.feed import CORRUPT


def read_csv(spark: SparkSession, path: str, *, delimiter: str = ",") -> DataFrame | None:
    """One row a line under the header, all text; None where the path holds no CSV file.

    Names come from the header of one file; every other file must have the same. A line that does not split into
    the header's fields is kept whole in the column ``CORRUPT``. A line break inside quotes ends the line.

    Raises:
        InputError: There is a file without a header.
    """
    reader = spark.read.options(header=True, sep=delimiter, escape='"', pathGlobFilter="*.csv*")
    try:
        names = reader.csv(path).columns
    except AnalysisException:
        return None
    if not names:
        raise InputError("A CSV file is empty; not even a header is there.", path, "docs/data-contract.md")
    layout = T.StructType([T.StructField(name, T.StringType()) for name in (*names, CORRUPT)])
    # without pruning: a query that needs few columns would split off only these, and find no fault in the line
    whole = reader.options(
        mode="PERMISSIVE", columnNameOfCorruptRecord=CORRUPT, enforceSchema=False, columnPruning=False
    )
    return whole.schema(layout).csv(path)


def read_parquet(spark: SparkSession, path: str) -> DataFrame | None:
    """The rows of Parquet files, typed as they are; None where the path holds none."""
    try:
        return _opened(spark.read.option("pathGlobFilter", "*.parquet").parquet(path))
    except AnalysisException:
        return None


def read_delta(spark: SparkSession, name: str, *, is_path: bool) -> DataFrame | None:
    """A Delta table as it is now; None where there is no such table."""
    try:
        return _opened(spark.read.format("delta").load(name) if is_path else spark.read.table(name))
    except AnalysisException:
        return None


def _opened(frame: DataFrame) -> DataFrame:
    """Under Connect a name is looked up only when the schema is asked for."""
    frame.schema  # noqa: B018
    return frame


def refuse_column_map(settings: Ingest, page: str) -> None:
    """Stop a feed of published columns for which a column map or constants are set.

    Raises:
        ConfigError: They are set.
    """
    if settings.columns or settings.constants:
        raise ConfigError("A column map is only for --format contract.", "env.yaml: ingest", page)
