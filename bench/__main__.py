"""`python -m bench [demo] [test]`: what the two commands of the README cost here, after set-up."""

import os
import sys
import tempfile
from pathlib import Path

from bench.measure import measure

PYTHON = sys.executable
BUDGETS = {"demo": (180, 3072), "test": (480, None)}
"""Seconds and MiB resident on two cores."""


def main(asked: list[str]) -> int:
    """Measure each, print a line each, and end with the number of those over budget."""
    over = 0
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    print(f"{'':6}{'seconds':>9}{'cpu':>9}{'resident MiB':>14}{'proportional':>14}   budget")
    for name in asked or ["demo"]:
        with tempfile.TemporaryDirectory() as folder:
            log = Path(folder) / "log"
            command = {
                "demo": [PYTHON, "-m", "claimtwin", "demo", "--folder", f"{folder}/demo"],
                "test": [PYTHON, "-m", "pytest", "-q"],
            }[name]
            cost = measure(command, log)
            seconds, memory = BUDGETS[name]
            fits = cost.code == 0 and cost.seconds <= seconds and (memory is None or cost.resident <= memory)
            over += not fits
            budget = f"{seconds} s" + (f", {memory} MiB" if memory else "")
            print(
                f"{name:6}{cost.seconds:9.1f}{cost.cpu:9.1f}{cost.resident:14.0f}{cost.proportional:14.0f}   {budget}"
                f"{'' if fits else '  OVER' if cost.code == 0 else f'  FAILED ({cost.code})'}",
                flush=True,
            )
            if cost.code:
                print(log.read_text(errors="replace")[-2000:])
    return over


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
