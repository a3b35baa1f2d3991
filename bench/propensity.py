"""`python -m bench.propensity [speed|memory|balance] ...`: the propensity model and balance where studies are large.

    speed [people] [columns] [rounds]     ours and Spark MLlib's LogisticRegression by turns on the same Parquet files
    memory [people] [columns]             a fit of rows that are made anew in each pass; peak memory of all processes
    balance [people] [groups]             balance of so many yes-no covariates in one scan of the candidates

Both fits begin with the Parquet files. How exact each is: the distance to the maximum of the likelihood in standard
errors (root of Newton's decrement), worked out with numpy alone on the rows.
"""

import contextlib
import io
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from claimtwin.app.session import get_session
from claimtwin.spark.arrow import ddl_of
from claimtwin.spark.design import DesignColumn
from claimtwin.spark.design_cells import DESIGN, pack_matrix
from claimtwin.spark.held_groups import sum_held
from claimtwin.spark.scores import pack_design
from claimtwin.stats.moments import moments_of
from claimtwin.study.scoring import fit_score
from pyspark.ml.classification import LogisticRegression
from pyspark.ml.feature import VectorAssembler
from pyspark.sql import DataFrame, SparkSession

from bench.measure import measure

SETTINGS = {"spark.master": "local[2]", "spark.driver.memory": "3g", "spark.driver.maxResultSize": "1g"}
CHUNK = 10_000
BUDGET = 1.0
"""Our time over MLlib's."""
MOST_MIB = 6 * 1024
"""Resident on two cores, whatever the number of people: the JVM's heap and two workers with their chunks."""
HELD = 30
Rows = tuple[np.ndarray, np.ndarray]


def rows_of(chunk: int, n: int, p: int) -> Rows:
    """People of one chunk: normal, yes-no and counted columns by turns, a fifth treated; the same whenever asked."""
    dice = np.random.default_rng([chunk, p])
    x = dice.normal(0, 1, (n, p))
    x[:, 1::3] = x[:, 1::3] > 1
    x[:, 2::3] = np.floor(np.exp(x[:, 2::3]))
    slope = np.linspace(-0.15, 0.15, p)
    return x, dice.random(n) < 1 / (1 + np.exp(1.6 - (x - x.mean(axis=0)) @ slope))


def write_rows(n: int, p: int, folder: Path) -> None:
    """Parquet files of ``p`` columns and the arm, one a tenth of the people."""
    folder.mkdir()
    chunks = range(n // CHUNK)
    for part in np.array_split(np.array(chunks), 10):
        tables = []
        for chunk in part.tolist():
            x, treated = rows_of(chunk, CHUNK, p)
            tables.append(pa.table({"treated": treated} | {f"x{k}": x[:, k] for k in range(p)}))
        if tables:
            pq.write_table(pa.concat_tables(tables), folder / f"{part[0]:06d}.parquet", row_group_size=CHUNK * 10)


def by_us(people: DataFrame, p: int, target: Path) -> np.ndarray:
    """Coefficients, intercept first: pack as a study does, then fit."""
    columns = [DesignColumn(f"x{k}") for k in range(p)]
    pack_design(people, columns).write.mode("overwrite").parquet(str(target))
    return fit_score(people.sparkSession.read.parquet(str(target)), columns).fit.params


def by_mllib(people: DataFrame, p: int) -> np.ndarray:
    """Coefficients, intercept first: assembled, kept in memory, fitted to MLlib's default tolerance."""
    rows = VectorAssembler(inputCols=[f"x{k}" for k in range(p)], outputCol="features").transform(people)
    labelled = rows.selectExpr("features", "cast(treated as double) as label").cache()
    fit = LogisticRegression(maxIter=100, regParam=0.0).fit(labelled)
    labelled.unpersist()
    return np.append(fit.intercept, fit.coefficients.toArray())


def distance_to_top(beta: np.ndarray, n: int, p: int) -> float:
    """Standard errors between ``beta`` and the maximum, by the Newton step there; plain numpy on the rows."""
    gradient, information = np.zeros(p + 1), np.zeros((p + 1, p + 1))
    for chunk in range(n // CHUNK):
        x, treated = rows_of(chunk, CHUNK, p)
        design = np.column_stack([np.ones(CHUNK), x])
        score = 1 / (1 + np.exp(-design @ beta))
        gradient += design.T @ (treated - score)
        information += (design * (score * (1 - score))[:, None]).T @ design
    return float(np.sqrt(gradient @ np.linalg.solve(information, gradient)))


def timed(work: Callable[[], np.ndarray]) -> tuple[float, np.ndarray]:
    """Seconds, and what came of it."""
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def speed(spark: SparkSession, n: int = 1_000_000, p: int = 30, rounds: int = 3) -> int:
    """Both by turns after a round that is not counted; 1 if ours is slower or less exact."""
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        write_rows(n, p, folder / "rows")
        people, ratios = spark.read.parquet(str(folder / "rows")), []
        for turn in range(rounds + 1):
            ours, mine = timed(lambda: by_us(people, p, folder / "design"))
            theirs, other = timed(lambda: by_mllib(people, p))
            print(f"{'round' if turn else 'warm-up'}: ours {ours:.1f} s, MLlib {theirs:.1f} s", flush=True)
            ratios.append(ours / theirs)
        away = [distance_to_top(beta, n, p) for beta in (mine, other)]
        ratio = median(ratios[1:])
        print(f"{n:,} x {p}: {ratio:.2f} x MLlib (budget {BUDGET}); standard errors from the maximum: ours "
              f"{away[0]:.1e}, MLlib {away[1]:.1e}")  # fmt: skip
        return int(ratio > BUDGET or away[0] > away[1])


def made_design(spark: SparkSession, n: int, p: int) -> DataFrame:
    """The design as ``pack_design`` makes it, of rows that each pass makes anew: nothing lies on disk."""

    def run(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for chunk in batch.column("id").to_pylist():
                x, treated = rows_of(chunk, CHUNK, p)
                cells = {"x": [pack_matrix(x)], "treated": [treated.tobytes()], "weight": [None], "tie": [None]}
                cells["moments"] = [moments_of(x, treated).pack()]
                yield pa.RecordBatch.from_pydict(cells, DESIGN)

    return spark.range(0, n // CHUNK, 1, 8).mapInArrow(run, schema=ddl_of(DESIGN))


def fit_made(spark: SparkSession, n: int, p: int) -> int:
    """One fit of made rows; how exact it is."""
    model = fit_score(made_design(spark, n, p), [DesignColumn(f"x{k}") for k in range(p)])
    print(f"{model.fit.iterations} steps over {model.fit.n:,} x {p}")
    return int(not np.isfinite(model.fit.params).all())


def memory(n: int = 10_000_000, p: int = 200) -> int:
    """The fit as a command of its own, with peak memory; 1 if it fails or needs more than the bound."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        cost = measure([sys.executable, "-m", "bench.propensity", "fit", str(n), str(p)], log)
        print(log.read_text(errors="replace").strip().rpartition("\n")[2])
        print(f"{n:,} x {p}: {cost.seconds:.0f} s, {cost.resident:.0f} MiB resident (bound {MOST_MIB}), "
              f"{cost.proportional:.0f} proportional")  # fmt: skip
        return int(cost.code != 0 or cost.resident > MOST_MIB)


def write_candidates(n: int, groups: int, folder: Path) -> None:
    """Candidates with some ``HELD`` of so many code groups each, a fifth treated."""
    folder.mkdir()
    for chunk in range(n // CHUNK):
        dice = np.random.default_rng([chunk, groups])
        held = np.sort(dice.integers(0, groups, (CHUNK, HELD)), axis=1)
        keep = np.ones_like(held, bool)
        keep[:, 1:] = held[:, 1:] != held[:, :-1]
        ends = np.append(0, np.cumsum(keep.sum(axis=1)) * 8).astype(np.int32)
        cells = pa.Array.from_buffers(
            pa.binary(), CHUNK, [None, pa.py_buffer(ends.tobytes()), pa.py_buffer(held[keep].tobytes())]
        )
        person = pa.array(np.arange(chunk * CHUNK, (chunk + 1) * CHUNK)).cast(pa.string())
        table = pa.table({"person_id": person, "treated": dice.random(CHUNK) < 0.2, "groups": cells})
        pq.write_table(table, folder / f"{chunk:06d}.parquet")


def balance(spark: SparkSession, n: int = 5_000_000, groups: int = 1000) -> int:
    """Counts of all covariates by side in one scan; 1 if the plan reads the candidates more than once."""
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        write_candidates(n, groups, folder / "candidates")
        people = spark.read.parquet(str(folder / "candidates"))
        pairs = spark.range(n // 10).selectExpr(
            "'all' as block", "id as rank", "1L as nth", "1L as twins", "cast(id as string) as treated_person",
            f"cast(id + {n // 2} as string) as comparator_person", "0.0D as distance",
        )  # fmt: skip
        counted = sum_held(people, pairs, list(range(groups)))
        with contextlib.redirect_stdout(io.StringIO()) as plan:
            counted.explain()
        scans = plan.getvalue().count("FileScan")
        seconds, found = timed(lambda: np.sum(counted.toArrow()["counts"].to_pylist(), axis=0))
        print(f"{groups:,} covariates of {n:,} candidates: {seconds:.1f} s, {scans} scan, "
              f"{found.reshape(-1, 4)[0].sum():,.0f} people counted")  # fmt: skip
        return int(scans != 1 or found.reshape(-1, 4)[0].sum() != n // CHUNK * CHUNK)


def main(asked: list[str]) -> int:
    """Run what is asked, and end with the number of budgets that are not kept."""
    name, numbers = (asked[0] if asked else "speed"), list(map(int, asked[1:]))
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    if name == "memory":
        return memory(*numbers)
    parts = {"speed": speed, "fit": fit_made, "balance": balance}
    return parts[name](get_session(SETTINGS), *numbers)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
