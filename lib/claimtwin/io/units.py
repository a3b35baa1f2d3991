"""Units and pairs of a match that stands alone, in files. Neither CSV nor Parquet needs Spark.

A CSV file is read as text throughout, so that an id keeps its leading zeros and what a column holds is judged by
all of its values. Empty fields and NA, NaN, null and the like are missing.
"""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as csv
import pyarrow.parquet as pq

from claimtwin.errors import ConfigError, InputError

CSV_ENDINGS = (".csv", ".csv.gz")
Choose = Callable[[Sequence[str]], list[str]]


def is_delta(units: str) -> bool:
    """Whether units lie in a Delta table: a folder with a log, or ``catalog.schema.table``."""
    return (Path(units) / "_delta_log").is_dir() or (not Path(units).exists() and _is_name(units))


def read_units(units: str, choose: Choose) -> pa.Table:
    """Read columns of a CSV file, a Parquet file or a folder of Parquet files.

    Args:
        units: The path.
        choose: Given the names of all columns, those to read.

    Raises:
        ConfigError: There is no such file.
        InputError: It cannot be read as what its ending says, or two columns have the same name.
    """
    if not Path(units).exists():
        raise ConfigError("There is no such file.", where=units, remedy="check the path of the units")
    is_csv = units.lower().endswith(CSV_ENDINGS)
    try:
        return (_read_csv if is_csv else _read_parquet)(units, choose)
    except pa.ArrowException as error:
        kind = type(error).__name__
    # Arrow's own message can quote a line of the file.
    raise InputError(
        f"The file cannot be read as {'CSV' if is_csv else 'Parquet'} ({kind}).",
        where=units,
        rule="a CSV file has one header, and as many fields in each line; other endings are read as Parquet",
        remedy="check the file, and that its name ends in .csv, .csv.gz or .parquet",
    )


def check_outputs(paths: Sequence[Path], units: str, *, overwrite: bool) -> None:
    """Refuse to write over the units, over another output, or, unless asked to, over any file.

    Raises:
        ConfigError: All faults at once.
    """
    faults = [f"{path}: the ending is neither .csv nor .parquet" for path in paths if not _can_write(path)]
    faults += [f"{path}: this is the file of the units" for path in paths if path.resolve() == Path(units).resolve()]
    faults += [f"{path}: two outputs have this name" for path in sorted({p for p in paths if paths.count(p) > 1})]
    faults += [f"{path}: there is such a file; --overwrite replaces it" for path in paths if path.exists() > overwrite]
    if faults:
        what = "Nothing was read, for the results cannot be written:\n" + "\n".join(f"  - {fault}" for fault in faults)
        raise ConfigError(what, where="output files", remedy="choose other names")


def write_table_file(table: pa.Table, path: Path) -> None:
    """Write a table as CSV or Parquet, by the path's ending; whole or not at all. Missing is an empty field."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.part")
    if path.suffix == ".csv":
        csv.write_csv(table, unfinished, csv.WriteOptions(quoting_style="needed"))
    else:
        pq.write_table(table, unfinished)
    os.replace(unfinished, path)


def _read_csv(units: str, choose: Choose) -> pa.Table:
    names = csv.open_csv(units).schema.names
    wanted = choose(_distinct(names, units))
    types = {name: pa.string() for name in wanted}
    options = csv.ConvertOptions(include_columns=wanted, column_types=types, strings_can_be_null=True)
    return csv.read_csv(units, convert_options=options)


def _read_parquet(units: str, choose: Choose) -> pa.Table:
    names = pq.ParquetDataset(units).schema.names
    return pq.read_table(units, columns=choose(_distinct(names, units)))


def _distinct(names: Sequence[str], units: str) -> Sequence[str]:
    if twice := len(names) - len(set(names)):
        raise InputError(f"{twice} columns share a name.", where=units, rule="each column has a name of its own")
    return names


def _can_write(path: Path) -> bool:
    return path.suffix in (".csv", ".parquet")


def _is_name(units: str) -> bool:
    parts = units.split(".")
    is_file = units.lower().endswith((*CSV_ENDINGS, ".parquet"))
    return len(parts) == 3 and all(part.isidentifier() for part in parts) and not is_file
