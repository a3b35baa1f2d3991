"""What a Python worker of Spark holds while it makes facts: ``python -m bench.workers``.

Two member blocks of the default size, a member of 50,000 lines in each, lie in a Delta table with the layout of
``member_blocks``. Two cores run over them what a study runs: its candidates, the counts of its code lists, fills, runs
and episodes; after each the highest resident memory that any Python worker has reached so far is told. That is what a
kernel costs, and with it Arrow's batches, pickled code lists and whatever else Spark keeps in the process (Linux).
Ends with 1 where a worker went over its budget.
"""

import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
from claimtwin.app.session import get_session
from claimtwin.codes.rules import care_families
from claimtwin.config.histories import EpisodeRules, FillRules, SupplyRules
from claimtwin.io.tables import TableRef, read_table, write_table
from claimtwin.schema.tables import TABLES
from claimtwin.spark.blocks import LAYOUT
from claimtwin.spark.code_counts import count_usage
from claimtwin.spark.facts import find_candidates
from claimtwin.spark.histories import build_episodes, build_fills, build_runs
from claimtwin.study.local import synth_book, synth_protocol
from claimtwin.study.used_lists import used_lists
from pyspark.sql import DataFrame, SparkSession

from bench.facts import MEMORY, PRODUCTS, Cells, default_block
from bench.measure import _tree

BLOCKS = 2
WORKERS = ("pyspark.daemon", "pyspark.worker")


def blocks_table(spark: SparkSession, path: str) -> DataFrame:
    """The blocks, a file each, as packing would leave them."""
    cells = default_block()
    for number in range(BLOCKS):
        row = pa.Table.from_pylist([_row(cells, number)], schema=LAYOUT)
        frame = spark.createDataFrame(row)
        write_table(
            frame if number == 0 else read_table(spark, TableRef(path), made_by="").unionAll(frame), TableRef(path)
        )
    return read_table(spark, TableRef(path), made_by="")


def _row(cells: Cells, number: int) -> dict[str, object]:
    counts = {f"n_{name}": 0 for name in TABLES} | {f"fingerprint_{name}": "" for name in TABLES}
    own = {name: cell for name, cell in cells.items() if name != "block_id"}
    return {"block_id": number, "n_members": 0, **counts, **own}


def asked(blocks: DataFrame) -> dict[str, Callable[[], DataFrame]]:
    """What runs over the blocks, by name."""
    protocol = synth_protocol(2020)
    book = replace(synth_book(protocol), products=PRODUCTS)
    fills, supply = FillRules(), SupplyRules()
    return {
        "candidates": lambda: find_candidates(blocks, protocol, book),
        "code counts": lambda: count_usage(blocks, used_lists(protocol, book)),
        "fills": lambda: build_fills(blocks, PRODUCTS, fills),
        "runs": lambda: build_runs(blocks, PRODUCTS, fills, supply),
        "episodes": lambda: build_episodes(blocks, care_families(), EpisodeRules()),
    }


def peaks() -> list[float]:
    """Highest resident memory of each Python worker below this process, MiB, the largest first."""
    found = []
    for pid in _tree_below():
        try:
            command = Path(f"/proc/{pid}/cmdline").read_text()
            status = Path(f"/proc/{pid}/status").read_text().splitlines()
        except OSError:
            continue
        if any(name in command for name in WORKERS):
            found += [int(line.split()[1]) / 1024 for line in status if line.startswith("VmHWM")]
    return sorted(found, reverse=True)


def _tree_below() -> list[int]:
    return _tree(int(Path("/proc/self").resolve().name))[1:]


def main() -> int:
    """Print a line a pass; whether any worker went over its budget."""
    spark = get_session({"spark.master": f"local[{BLOCKS}]", "spark.python.worker.reuse": "true"})
    highest = 0.0
    with tempfile.TemporaryDirectory() as folder:
        blocks = blocks_table(spark, f"{folder}/member_blocks")
        for name, frame in asked(blocks).items():
            frame().write.format("noop").mode("overwrite").save()
            held = peaks()
            highest = max([highest, *held])
            told = ", ".join(f"{mib:.0f}" for mib in held)
            print(f"{name:12} workers at their highest so far: {told} MiB (budget {MEMORY})", flush=True)
    spark.stop()
    print(f"worst: {highest:.0f} MiB of {MEMORY}")
    return int(highest > MEMORY)


if __name__ == "__main__":
    sys.exit(main())
