"""`python -m bench.matching_spark [people] [rounds]`: a Delta table of packed scores to a table of matches.

Against one process of pyarrow and numpy that reads the same files, matches with the same kernel, proves the match and
writes Parquet; by turns, in one run, after some rounds that are not counted. The tables are compared row by row. A
last line cuts the largest regions into ranges and compares again.
"""

import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from claimtwin.app.session import get_session
from claimtwin.io.tables import TableRef, write_table
from claimtwin.kernel.certificate import count_broken, count_envious
from claimtwin.kernel.matching import Pairs, Rules, Units, choose_twins, sorted_blocks
from claimtwin.kernel.matching.turns import rehash
from claimtwin.spark.packing import pack_people
from claimtwin.spark.pairing import NO_COMPARATOR, NONE_FREE, PLAIN
from claimtwin.spark.ranges import match_all
from claimtwin.study.match_stage import find_places
from pyspark.sql import SparkSession

REGIONS = ("northeast", "midwest", "south", "west", "north", "east", "center", "coast", "isles")
SHARES = (0.30, 0.20, 0.14, 0.10, 0.08, 0.07, 0.05, 0.04, 0.02)
"""Nine regions of very unequal shares."""
RULES = Rules(caliper=0.3)
BUDGET, PROOF = 1.5, 1 / 3
WARM_UP = 3
"""Rounds in which Java is still compiling: shown, not counted."""
COLUMNS = ("treated_person", "block", "rank", "comparator_person", "distance", "reason")


def make_scores(n: int, folder: Path) -> None:
    """Scores as a study has them: logit normal with SD 1.5, a fifth treated, rows in no order; eight files."""
    dice = np.random.default_rng(n)
    block = pa.DictionaryArray.from_arrays(
        pa.array(dice.choice(len(REGIONS), n, p=SHARES).astype(np.int32)), [*REGIONS]
    )
    person = pc.utf8_lpad(pa.array(dice.permutation(n)).cast(pa.string()), 12, "0")
    table = pa.table({
        "person_id": person, "treated": dice.random(n) < 0.2, "block": block.cast(pa.string()),
        "tie_key": rehash(np.arange(n), 0).view(np.int64), "logit": dice.normal(0, 1.5, n),
    })  # fmt: skip
    folder.mkdir()
    for k in range(8):
        part = table.slice(k * (n // 8), n - 7 * (n // 8) if k == 7 else n // 8)
        pq.write_table(part, folder / f"{k}.parquet")


def in_one_process(source: Path, target: Path) -> tuple[float, float]:
    """Seconds of matching and of proving it; the rest is reading and writing."""
    found = ds.dataset(sorted(source.glob("*.parquet"))).to_table(columns=["block", "people"])
    matched = proven = 0.0
    with pq.ParquetWriter(target, LAYOUT) as writer:
        for name in sorted(set(found["block"].to_pylist())):
            cells = found.filter(pc.equal(found["block"], name))["people"]
            people = pa.concat_tables(pa.ipc.open_stream(cell.as_buffer()).read_all() for cell in cells)
            units = Units.of(*(people[column].to_numpy() for column in ("treated", "logit", "tie_key")))
            began = time.perf_counter()
            blocks = list(sorted_blocks(units, RULES))
            pairs = choose_twins(units, RULES, blocks)
            chosen = time.perf_counter()
            assert count_envious(units, RULES, pairs, blocks) + count_broken(units, RULES, pairs) == 0
            matched, proven = matched + chosen - began, proven + time.perf_counter() - chosen
            writer.write_table(as_rows(people["person_id"], name, units, pairs))
    return matched, proven


LAYOUT = pa.schema(
    [("treated_person", pa.string()), ("block", pa.string()), ("rank", pa.int64())]
    + [("comparator_person", pa.string()), ("distance", pa.float64()), ("reason", pa.string())]
)


def as_rows(person: pa.ChunkedArray, block: str, units: Units, pairs: Pairs) -> pa.Table:
    """Pairs in their order, then who has no twin."""
    free = units.treated.copy()
    free[pairs.treated] = False
    left, n = np.flatnonzero(free), len(pairs)
    reason = NO_COMPARATOR if units.treated.all() else NONE_FREE
    columns = [
        person.take(pa.array(np.concatenate([pairs.treated, left]))),
        pa.repeat(block, n + len(left)),
        pa.concat_arrays([pa.array(np.arange(n)), pa.nulls(len(left), pa.int64())]),
        pa.chunked_array([*person.take(pa.array(pairs.control)).chunks, pa.nulls(len(left), pa.string())]),
        pa.concat_arrays([pa.array(pairs.distance), pa.nulls(len(left), pa.float64())]),
        pa.concat_arrays([pa.nulls(n, pa.string()), pa.repeat(reason, len(left))]),
    ]
    return pa.table(columns, schema=LAYOUT)


def on_spark(spark: SparkSession, source: Path, target: Path, split_above: int) -> None:
    """As the match of a study: sizes of blocks, then the match, then the table."""
    scores = spark.read.format("delta").load(str(source))
    places = find_places(scores, RULES, PLAIN, split_above)
    write_table(match_all(scores, RULES, PLAIN, places), TableRef(str(target)))


def newest(spark: SparkSession, target: Path) -> pa.Table:
    """A Delta table's rows by treated person."""
    return spark.read.format("delta").load(str(target)).select(*COLUMNS).toArrow().sort_by("treated_person")


def timed(work: Callable[[], object]) -> tuple[float, object]:
    """Seconds, and what came of it."""
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def main(asked: list[str]) -> int:
    """Print seconds and ratios, and end with the number of budgets that are not kept."""
    n, rounds = int(asked[0]) if asked else 1_000_000, int(asked[1]) if len(asked) > 1 else 3
    spark = get_session({"spark.master": "local[2]", "spark.driver.memory": "3g", "spark.driver.maxResultSize": "2g"})
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        make_scores(n, folder / "rows")
        packed = pack_people(spark.read.parquet(str(folder / "rows")))
        packed.write.format("delta").save(str(folder / "scores"))
        return compare(spark, folder, n, rounds)


def compare(spark: SparkSession, folder: Path, n: int, rounds: int) -> int:
    """Both ways by turns, and the same rows from both."""
    source, target, file = folder / "scores", folder / "matches", folder / "matches.parquet"
    found = []
    for turn in range(-WARM_UP, rounds):
        alone, (matched, proven) = timed(lambda: in_one_process(source, file))  # type: ignore[misc]
        spread, _ = timed(lambda: on_spark(spark, source, target, 4_000_000))
        word = "warm-up" if turn < 0 else "round"
        print(f"{word}: one process {alone:.2f} s ({matched:.2f} match, {proven:.2f} proof), "
              f"Spark {spread:.2f} s, ratio {spread / alone:.2f}", flush=True)  # fmt: skip
        found.append((spread / alone, proven / (alone - proven), proven / matched))
    ratio, share, of_kernel = (median(column) for column in zip(*found[WARM_UP:], strict=True))
    expected = pq.read_table(file).sort_by("treated_person")
    assert newest(spark, target).equals(expected)
    print(f"{n:,} people: {ratio:.2f} x one process (budget {BUDGET})")
    print(
        f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores; proof: {share:.2f} of the match from table to table "
        f"(budget {PROOF:.2f}), {of_kernel:.2f} of its kernel"
    )
    cut, _ = timed(lambda: on_spark(spark, source, target, max(n // 8, 1)))
    assert newest(spark, target).equals(expected)
    print(f"large regions cut into ranges: {cut:.2f} s, the same rows")
    return (ratio > BUDGET) + (share > PROOF)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
