"""Columns of units, of whatever type, as the numbers and codes that the kernel reads; what cannot be read is counted.

Text that reads as numbers counts as numbers, so that a CSV file and a typed table give the same match. Messages hold
names of columns and counts, never a value.
"""

import difflib
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from claimtwin.errors import ConfigError, InputError
from claimtwin.kernel.columns import Flags, Index
from claimtwin.kernel.hashing import tie_key
from claimtwin.kernel.matching.units import Scores

NUMBER = r"^[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$"
WHOLE = r"^[-+]?\d{1,18}$"
MISSING = "(missing)"
CHUNK = 65_536


def require_columns(known: Sequence[str], named: Iterable[str]) -> list[str]:
    """The named columns, each once.

    Raises:
        ConfigError: Columns that the units do not have, with the nearest names that they have.
    """
    wanted = list(dict.fromkeys(named))
    faults = [f"  - {name}{_nearest(name, known)}" for name in wanted if name not in known]
    if faults:
        raise ConfigError(
            "The units do not have these columns:\n" + "\n".join(faults),
            where="units",
            rule="every column that an option names is in the units",
            remedy="correct the names; capitals count",
        )
    return wanted


def plain(table: pa.Table) -> pa.Table:
    """The table with categories as their values, all kinds of text as one, and NaN as missing.

    Raises:
        InputError: A column of lists or records.
    """
    return pa.table({name: _plain(table[name], name) for name in table.column_names})


def _plain(column: pa.ChunkedArray, name: str) -> pa.ChunkedArray:
    if pa.types.is_dictionary(column.type):
        column = pc.cast(column, column.type.value_type)
    if is_text(column.type) or pa.types.is_null(column.type):
        return pc.cast(column, pa.string())
    if pa.types.is_floating(column.type):
        return pc.if_else(pc.is_nan(column), pa.scalar(None, column.type), column)
    if pa.types.is_nested(column.type):
        raise refused(f"{name} holds lists or records.", name, "one value in a cell", "leave out this column")
    return column


def refused(what: str, column: str, rule: str, remedy: str = "correct or leave out these rows") -> InputError:
    """An error about the values of a column."""
    return InputError(what, where=f"units, column {column}", rule=rule, remedy=remedy)


def numbers(table: pa.Table, name: str) -> Scores:
    """A column as finite numbers.

    Raises:
        InputError: Values that are missing, infinite, or no numbers; how many.
    """
    values = numbers_or_missing(table, name)
    for what, wrong in (("missing", np.isnan(values)), ("infinite", np.isinf(values))):
        if count := int(np.count_nonzero(wrong)):
            raise refused(f"{count:,} values of {name} are {what}.", name, "every value is a finite number")
    return values


def numbers_or_missing(table: pa.Table, name: str) -> Scores:
    """A column as numbers; a missing value is not a number (NaN).

    Raises:
        InputError: Values that are no numbers; how many.
    """
    column = table[name]
    text = trimmed(column) if is_text(column.type) else column
    try:
        return np.asarray(pc.cast(text, pa.float64(), safe=False).to_numpy(), np.float64)
    except pa.ArrowException:
        wrong = count_unlike(text, NUMBER) if is_text(column.type) else len(column)
    raise refused(f"{wrong:,} values of {name} are no numbers.", name, "every value is a number")


def is_numeric(column: pa.ChunkedArray) -> bool:
    """Whether a column holds numbers, or text that reads as numbers throughout."""
    if is_text(column.type):
        return count_unlike(trimmed(column), NUMBER) == 0
    kind = column.type
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)) or bool(
        pa.types.is_boolean(kind) or pa.types.is_null(kind)
    )


def is_text(kind: pa.DataType) -> bool:
    """Whether a type is one of Arrow's texts; after ``plain`` there is one."""
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def trimmed(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Text without blanks at its ends."""
    return pc.utf8_trim_whitespace(pc.cast(column, pa.string()))


def count_unlike(text: pa.ChunkedArray, pattern: str) -> int:
    """How many texts, missing ones aside, do not look like the pattern."""
    return int(pc.sum(pc.invert(pc.match_substring_regex(text, pattern)), min_count=0).as_py())


def texts(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column as text: whole numbers without a point and whole days without a time, whatever type they have."""
    kind = column.type
    if pa.types.is_floating(kind):
        whole = pc.and_(pc.is_finite(column), pc.equal(pc.floor(column), column))
        if pc.all(pc.and_(whole, pc.less(pc.abs(column), 2**53)), min_count=0).as_py():
            column = pc.cast(column, pa.int64())
    if pa.types.is_timestamp(kind) and pc.all(pc.equal(pc.floor_temporal(column, unit="day"), column)).as_py():
        column = pc.cast(column, pa.date32())
    return pc.cast(column, pa.string())


def flags(table: pa.Table, name: str) -> Flags:
    """Who is treated: 1 or true against 0 or false, whatever the type and the capitals.

    Raises:
        InputError: Other values or missing ones, with their number; or an arm without people.
    """
    said = pc.utf8_lower(pc.utf8_trim_whitespace(texts(table[name])))
    is_one = np.asarray(pc.is_in(said, pa.array(["1", "true"])).to_numpy(), np.bool_)
    is_zero = np.asarray(pc.is_in(said, pa.array(["0", "false"])).to_numpy(), np.bool_)
    if wrong := int(np.count_nonzero(~(is_one | is_zero))):
        raise refused(f"{wrong:,} values of {name} are neither 0/1 nor false/true.", name, "treated is 1, control 0")
    if is_one.all() or is_zero.all():
        what = f"There are {int(is_one.sum()):,} treated and {int(is_zero.sum()):,} controls: nobody to choose from."
        raise refused(what, name, "each arm has people", "check the column that says who is treated")
    return is_one


def require_ids(table: pa.Table, name: str) -> pa.ChunkedArray:
    """The ids as they are.

    Raises:
        InputError: Ids that are missing or repeated; how many.
    """
    ids = table[name]
    if missing := ids.null_count:
        raise refused(f"{missing:,} ids are missing.", name, "everybody has an id")
    if repeated := len(ids) - int(pc.count_distinct(ids).as_py()):
        raise refused(f"{repeated:,} rows repeat an id.", name, "one row per person", "keep one row of each id")
    return ids


def codes(table: pa.Table, names: Sequence[str], *, own_null: bool) -> tuple[NDArray[np.int64], list[list[str]]]:
    """Rows by columns of codes, and each column's values as text; codes ascend with the text, missing comes last.

    Raises:
        InputError: Missing values, unless they are a value of their own (``own_null``).
    """
    coded, labels = np.zeros((table.num_rows, len(names)), np.int64), []
    for place, name in enumerate(names):
        text = texts(table[name])
        if text.null_count and not own_null:
            raise refused(
                f"{text.null_count:,} values of {name} are missing.",
                name,
                "null-block: refuse",
                "fill them, leave out these rows, or make them a block of their own: --null-block own",
            )
        coded[:, place], known = _ranks_of_text(text)
        labels.append([*known, MISSING])
    return coded, labels


def _ranks_of_text(text: pa.ChunkedArray) -> tuple[Index, list[str]]:
    encoded = pc.dictionary_encode(text).combine_chunks()
    encoded = encoded if isinstance(encoded, pa.DictionaryArray) else encoded.chunk(0)
    order = pc.sort_indices(encoded.dictionary).to_numpy()
    rank = np.empty(len(order) + 1, np.int64)
    rank[order], rank[-1] = np.arange(len(order)), len(order)
    # An index that is missing becomes -1, which is the place of the last rank.
    place = pc.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False)
    return rank[place], encoded.dictionary.take(pa.array(order)).to_pylist()


def ties(table: pa.Table, ids: pa.ChunkedArray, tie: str | None, seed: int) -> Index:
    """One key per person, all different: by the hash of seed and id, or by a column, then by the id.

    Text that holds whole numbers only is ordered as numbers, other text by its UTF-8 bytes.

    Raises:
        InputError: Missing values in the column; how many.
    """
    if tie is None:
        chunks = texts(ids).combine_chunks()
        parts = [tie_key(seed, chunks[at : at + CHUNK].to_pylist()) for at in range(0, len(chunks), CHUNK)]
        key = np.concatenate([np.zeros(0, np.int64), *parts])
    else:
        column = table[tie]
        if missing := column.null_count:
            raise refused(f"{missing:,} values of {tie} are missing.", tie, "everybody has a tie key")
        key = _ranks(column)
    ordered = np.sort(key)
    if (ordered[1:] != ordered[:-1]).all():
        return key
    order = np.lexsort((_ranks(ids), key))
    distinct = np.empty(len(key), np.int64)
    distinct[order] = np.arange(len(key))
    return distinct


def _ranks(column: pa.ChunkedArray) -> Index:
    """Dense ranks of the sorted values."""
    values: Any = column.combine_chunks()
    if is_text(values.type) and count_unlike(trimmed(values), WHOLE) == 0:
        values = pc.cast(trimmed(values), pa.int64())
    rank: Index = pc.rank(values, sort_keys="ascending", tiebreaker="dense").to_numpy().astype(np.int64)
    return rank


def _nearest(name: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(name, known, n=2, cutoff=0.5)
    return f" (did you mean {' or '.join(repr(c) for c in close)}?)" if close else ""
