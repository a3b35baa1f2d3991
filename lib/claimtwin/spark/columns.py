"""Columns of a block's Arrow cells as numbers; every distinct code is classified once."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from claimtwin.kernel.columns import NO_DAY, Days, Index

DIAGNOSES = tuple(f"diagnosis_code_{k}" for k in range(1, 13))
Answers = NDArray[Any]


def member_of(table: pa.Table) -> Index:
    """Member of each row, numbered within the block."""
    return np.asarray(table["member"].to_numpy(), np.int64)


def days_of(table: pa.Table, name: str, *, missing: np.int32 = NO_DAY) -> Days:
    """Days since 1970 of a date column; ``missing`` for null."""
    filled = pc.fill_null(table[name].cast(pa.int32()), pa.scalar(int(missing), pa.int32()))
    return np.asarray(filled.to_numpy(), np.int32)


def thousandths_of(table: pa.Table, name: str) -> Index | None:
    """A decimal column in thousandths, a row that does not say it being one whole; null where no row says it."""
    column = table[name]
    if column.null_count == len(column):
        return None
    scaled = pc.multiply(column, pa.scalar(Decimal(1000))).cast(pa.int64())
    return np.asarray(pc.fill_null(scaled, 1000).to_numpy(), np.int64)


def per_code(table: pa.Table, name: str, classify: Callable[[Sequence[str | None]], Answers]) -> Answers:
    """Classify the distinct values of a dictionary column, then spread the answers over the rows; null last."""
    parts = table[name].combine_chunks()
    values = [*parts.dictionary.to_pylist(), None]
    numbers = pc.fill_null(parts.indices, len(values) - 1).to_numpy(zero_copy_only=False).astype(np.int64)
    answers: Answers = classify(values)[numbers]
    return answers
