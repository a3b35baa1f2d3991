"""The kernels' facts of a whole population against SQL written from the rules: ``python -m bench.sql_oracle``.

The same comparison as in the tests, of 50,000 members: enrolment, candidates with all criteria and covariates, fills,
runs of supply, episodes and outcomes by the kernels, and fills net of reversals by an ingest on Spark. Ends with the
number of facts that differ.
"""

import argparse
import sys
import time

from claimtwin.app.session import get_session
from claimtwin.config.deployment import Ingest, Settle
from claimtwin.schema.feed import Feed
from claimtwin.spark.contract import keep_accepted
from claimtwin.synth.calendar import DATA_THROUGH
from claimtwin.synth.frames import synth_frames

from tests.oracle.in_sql import NET, Population, compare, compare_net, taken_back
from tests.support.feeds import judged_feed


def net_fills(members: int, seed: int) -> tuple[int, list[int]]:
    """Rows and differences of the fills that an ingest leaves of a feed with reversals."""
    spark = get_session({"spark.master": "local[2]", "spark.driver.memory": "2g"})
    spec = taken_back(members, seed)
    rules = Ingest(data_through=DATA_THROUGH, settle=Settle(pharmacy="net_reversals"))
    feed = Feed("pharmacy_claim", synth_frames(spark, spec)["pharmacy_claim"])
    return compare_net(spec, keep_accepted(judged_feed(feed, rules)).select(*NET).toArrow())


def tell(name: str, rows: int, differences: list[int]) -> bool:
    """Print a fact; whether it differs."""
    print(f"{name:18}{rows:>9,} rows by SQL; {differences[0]:,} only there, {differences[1]:,} only by the kernels")
    return differences != [0, 0]


def main(words: list[str]) -> int:
    """Compare and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.sql_oracle")
    parser.add_argument("members", type=int, nargs="?", default=50_000)
    parser.add_argument("--seed", type=int, default=11)
    asked = parser.parse_args(words)
    start = time.monotonic()
    wrong = sum(tell(*fact) for fact in compare(Population.of(asked.members, asked.seed)))
    wrong += tell("net fills", *net_fills(asked.members, asked.seed))
    print(f"{asked.members:,} members, {wrong} facts differ; {time.monotonic() - start:.0f} s")
    return min(wrong, 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
