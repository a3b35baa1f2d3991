"""Arrow data in binary cells: packing tables, unpacking them, and one adapter for all kernels."""

from collections.abc import Callable, Iterator
from typing import Any

import pyarrow as pa

Kernel = Callable[[dict[str, pa.Table]], pa.Table]
Group = Callable[[Any, pa.Table], pa.Table]

_DDL = {
    pa.string(): "string",
    pa.bool_(): "boolean",
    pa.int32(): "int",
    pa.int64(): "bigint",
    pa.float64(): "double",
    pa.date32(): "date",
    pa.decimal128(18, 3): "decimal(18,3)",
    pa.decimal128(18, 6): "decimal(18,6)",
    pa.binary(): "binary",
    pa.list_(pa.float64()): "array<double>",
}


def ddl_of(schema: pa.Schema) -> str:
    """The Spark DDL of an Arrow schema, so that each layout is written once."""
    return ", ".join(f"{field.name} {_DDL[field.type]}" for field in schema)


def to_cell(table: pa.Table) -> bytes:
    """One table as an Arrow stream, zstd-compressed; equal tables give equal bytes, whatever their chunks."""
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression="zstd", unify_dictionaries=True)
    with pa.ipc.new_stream(sink, table.schema, options=options) as writer:
        writer.write_table(table.combine_chunks())
    cell: bytes = sink.getvalue().to_pybytes()
    return cell


def from_cell(cell: bytes | pa.Buffer) -> pa.Table:
    """The table that a cell holds; each column in one chunk."""
    with pa.ipc.open_stream(cell if isinstance(cell, pa.Buffer) else pa.py_buffer(cell)) as reader:
        return reader.read_all().combine_chunks()


def each_block(kernel: Kernel) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """Run a kernel on every row of binary cells: a dict of tables by column name goes in, one table comes out.

    Columns that are not binary come as tables of one row, so that a kernel sees the block's own attributes.
    """

    def run(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for row in range(batch.num_rows):
                yield from kernel(_cells(batch, row)).to_batches()

    return run


def each_group(build: Group) -> Callable[[tuple[pa.Scalar, ...], pa.Table], pa.Table]:
    """Call ``build`` with a group's key, of one column, and its rows.

    Spark reads the kind of function from its type hints, which a ``partial`` does not carry.
    """

    def run(key: tuple[pa.Scalar, ...], rows: pa.Table) -> pa.Table:
        return build(key[0].as_py(), rows)

    return run


def _cells(batch: pa.RecordBatch, row: int) -> dict[str, pa.Table]:
    tables = {}
    for name in batch.schema.names:
        value = batch.column(name)[row]
        is_cell = pa.types.is_binary(value.type) or pa.types.is_large_binary(value.type)
        tables[name] = from_cell(value.as_buffer()) if is_cell else pa.table({name: [value.as_py()]})
    return tables
