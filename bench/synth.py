"""What it costs to make claims up: ``python -m bench.synth [--members 1e6] [--numpy]``.

Budget: a million members (about 20 million medical lines) to Delta in six minutes on two cores with 4 GiB.
"""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

from claimtwin.schema.tables import CONTRACTS
from claimtwin.synth.feed import CHUNK, generate_table
from claimtwin.synth.spec import SynthSpec

from bench.measure import measure

BUDGET = (360, 4096)
"""Seconds and MiB resident, for a million members."""


def numpy_rate(members: int) -> tuple[float, float]:
    """Members a second of processor time, all four tables, one process; and medical lines a member."""
    spec = SynthSpec(members=members)
    generate_table(spec, "medical_claim", 0, 10)  # the code lists are read once
    start, lines = time.process_time(), 0
    for first in range(0, members, CHUNK):
        for name in CONTRACTS:
            rows = generate_table(spec, name, first, min(first + CHUNK, members))
            lines += rows.num_rows if name == "medical_claim" else 0
    return members / (time.process_time() - start), lines / members


def main(words: list[str]) -> int:
    """Measure and print; ends with 1 where the budget is not kept."""
    parser = argparse.ArgumentParser(prog="python -m bench.synth")
    parser.add_argument("--members", default="1e6")
    parser.add_argument("--numpy", action="store_true", help="only the drawing, in this process")
    asked = parser.parse_args(words)
    members = int(float(asked.members))
    if asked.numpy:
        rate, lines = numpy_rate(min(members, 20_000))
        print(f"{rate:,.0f} members a second of processor time, {lines:.1f} medical lines a member")
        return 0
    with tempfile.TemporaryDirectory() as folder:
        out = ["--out", f"{folder}/made-up", "--employers", "160", "--members", str(members)]
        log = Path(folder) / "log"
        cost = measure([sys.executable, "-m", "claimtwin", "synth", *out], log)
        size = sum(path.stat().st_size for path in Path(folder, "made-up").rglob("*") if path.is_file()) / 1e6
        print(f"{os.cpu_count()} cores, {members:,} members: {cost.seconds:.0f} s, processor {cost.cpu:.0f} s,")
        print(f"{cost.resident:,.0f} MiB resident, {cost.proportional:,.0f} MiB proportional, {size:,.0f} MB written")
        if cost.code:
            print(log.read_text(errors="replace")[-2000:])
    fits = cost.seconds <= BUDGET[0] * max(members / 1e6, 0.1) and cost.resident <= BUDGET[1]
    return int(bool(cost.code) or not fits)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
