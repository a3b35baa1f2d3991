"""What the facts of a block cost a worker: ``python -m bench.facts``.

Memory: a block of the default size, one member of 50,000 lines among its people, goes through the candidates, fills,
runs and episodes of a study in one process; what that process holds at its highest is told, and beside it what the
interpreter and its libraries take. Slope: the same kernels on blocks of rising size, processor seconds over claims, as
the exponent of a power (1 is proportional).
No Spark: a worker gets the block's cells and runs these very functions; ``bench.workers`` looks at real workers.
Ends with the number of budgets that are not kept.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
from claimtwin.codes.opioids import Product
from claimtwin.codes.rules import care_families
from claimtwin.config.deployment import Pack
from claimtwin.config.histories import EpisodeRules, FillRules, SupplyRules
from claimtwin.schema.tables import TABLES
from claimtwin.spark.arrow import from_cell, to_cell
from claimtwin.spark.blocks import _row_bytes
from claimtwin.spark.code_book import CodeBook
from claimtwin.spark.facts import candidates_of_block
from claimtwin.spark.histories import _episodes_of_block, _fills_of_block, _runs_of_block
from claimtwin.study.local import block_of, synth_book, synth_protocol
from claimtwin.synth.catalogue import opioid_codes
from claimtwin.synth.feed import generate
from claimtwin.synth.spec import NO_DIRT, SynthSpec

MIB = 1024 * 1024
MEMORY = 1024
SLOPE = 1.05
LONG = 50_000
SIZES = (4_000, 8_000, 16_000, 32_000)
PRODUCTS = tuple(
    Product(code, "hydrocodone", "Tablet", False, Decimal(5), "MG", "pain") for code in sorted(opioid_codes())
)
Block = dict[str, pa.Table]
Cells = dict[str, bytes | pa.Table]


def made_up(members: int) -> Block:
    """A clean population as one block."""
    return block_of(generate(SynthSpec(members=members, dirt=NO_DIRT), 0, members))


def payload_of(block: Block) -> float:
    """MiB of a block as packing counts them, before compression."""
    return sum(block[name].num_rows * _row_bytes(name) for name in TABLES) / MIB


def with_long_member(block: Block) -> Block:
    """The same with lines of the first member repeated, a day later each, until there are 50,000 of them."""
    lines = block["medical_claim"]
    own = lines.slice(0, int(np.searchsorted(lines["member"].to_numpy(), 0, "right")))
    more = own.take(pa.array(np.arange(LONG - own.num_rows) % own.num_rows))
    day = more["claim_start_date"].cast(pa.int32()).to_numpy() + np.arange(more.num_rows, dtype=np.int32) % 365
    moved = more
    for name in ("claim_start_date", "claim_end_date"):
        moved = moved.set_column(moved.column_names.index(name), name, pa.array(day).cast(pa.date32()))
    whole = pa.concat_tables([own, moved]).sort_by("claim_start_date")
    joined = pa.concat_tables([whole, lines.slice(own.num_rows)]).unify_dictionaries().combine_chunks()
    return block | {"medical_claim": joined}


def default_block() -> Cells:
    """Cells of a block of the default size, with the long member in it."""
    target, members = Pack().payload_mib, SIZES[0]
    members = int(members * target / payload_of(made_up(members)))
    block = with_long_member(made_up(members))
    print(
        f"{members:,} members, {block['medical_claim'].num_rows:,} medical lines, {payload_of(block):.0f} MiB payload"
    )
    return {name: table if name == "block_id" else to_cell(table) for name, table in block.items()}


def work(cells: Cells) -> int:
    """Everything that a study asks of one block, from its cells; rows that came out."""
    block = {name: from_cell(cell) if isinstance(cell, bytes) else cell for name, cell in cells.items()}
    protocol = synth_protocol(2020)
    book: CodeBook = replace(synth_book(protocol), products=PRODUCTS)
    asked: list[Callable[[], pa.Table]] = [
        lambda: candidates_of_block(block, protocol, book),
        lambda: _fills_of_block(block, PRODUCTS, FillRules()),
        lambda: _runs_of_block(block, PRODUCTS, FillRules(), SupplyRules()),
        lambda: _episodes_of_block(block, care_families(), EpisodeRules()),
    ]
    return sum(one().num_rows for one in asked)


def peak() -> float:
    """Highest resident memory of this process so far, MiB (Linux; what a parent held does not count)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


def worker(path: str) -> None:
    """Read cells from a file, do the work, and print the peak before and after."""
    stored = pa.ipc.open_file(pa.memory_map(path)).read_all().to_pylist()[0]
    before = peak()
    cells: Cells = {**stored, "block_id": pa.table({"block_id": [0]})}
    rows = work(cells)
    print(f"{before:.0f} {peak():.0f} {rows}")


def memory(path: str) -> bool:
    """Whether a worker stays within its budget."""
    cells = default_block()
    table = pa.table({name: pa.array([cell], pa.large_binary()) for name, cell in cells.items() if name != "block_id"})
    with pa.ipc.new_file(path, table.schema) as file:
        file.write_table(table)
    done = subprocess.run(
        [sys.executable, "-m", "bench.facts", "--worker", path], stdout=subprocess.PIPE, text=True, check=True
    )
    before, after, rows = (int(word) for word in done.stdout.split())
    print(f"worker: {after} MiB at its highest, {before} before the block; {rows:,} rows out (budget {MEMORY})")
    return after <= MEMORY


def slope(rounds: int) -> bool:
    """Whether processor time rises no faster than claims."""
    claims, seconds = [], []
    for members in SIZES:
        block = made_up(members)
        cells: Cells = {name: table if name == "block_id" else to_cell(table) for name, table in block.items()}
        claims.append(sum(block[name].num_rows for name in TABLES))
        seconds.append(min(_cpu(cells) for _ in range(rounds)))
        print(f"{claims[-1]:>10,} claims {seconds[-1]:8.2f} s")
    power = float(np.polyfit(np.log(claims), np.log(seconds), 1)[0])
    print(f"slope: {power:.3f} (budget {SLOPE})")
    return power <= SLOPE


def _cpu(cells: Cells) -> float:
    start = time.process_time()
    work(cells)
    return time.process_time() - start


def main(words: list[str]) -> int:
    """Print both, and end with the number of budgets that are not kept."""
    parser = argparse.ArgumentParser(prog="python -m bench.facts")
    parser.add_argument("--worker", default="")
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args(words)
    if asked.worker:
        worker(asked.worker)
        return 0
    with tempfile.TemporaryDirectory() as folder:
        return (not memory(f"{folder}/block.arrow")) + (not slope(asked.rounds))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
