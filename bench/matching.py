"""`python -m bench.matching [budgets] [slopes] [memory]`: what matching costs here; every match is proven as it runs.

Seconds are processor seconds of one core. Ratios are against sorting the scores alone and against a serial search
that looks at every free control, in the same run. Scores are those of three scenarios: plentiful (p uniform in 0 to
0.4, treated with probability p, caliper 0.01), scarce (logit normal with SD 1.5, half treated, caliper 0.2 SD) and
rare (the same, 1 % treated).
"""

import math
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from claimtwin.kernel.certificate import count_broken, count_envious
from claimtwin.kernel.matching import Pairs, Rules, Units, choose_twins, sorted_blocks

ORDERS = ("largest", "smallest", "data", "random", "closest", "farthest", "maximum")
SCENARIOS = ("plentiful", "scarce", "rare")
SLOPE = 1.2
BYTES = {"largest": 60, "smallest": 60}
SMALL, LARGE, LARGEST = 250_000, 4_000_000, 16_000_000
RUNS = 4
"""Runs of either size, of which the best counts: as many of the one as of the other."""
BUDGETS = (("scarce", 1_000_000, 1.5), ("plentiful", 10_000_000, 5.0))
"""Scenario, people, seconds for the order ``largest`` with its sort."""


def make(scenario: str, n: int) -> tuple[Units, float]:
    """Units of one block and the caliper."""
    dice = np.random.default_rng(n)
    if scenario == "plentiful":
        score = dice.random(n) * 0.4
        return Units.of(dice.random(n) < score, score, dice.permutation(n)), 0.01
    score = dice.normal(0, 1.5, n)
    treated = dice.random(n) < (0.5 if scenario == "scarce" else 0.01)
    return Units.of(treated, score, dice.permutation(n)), 0.2 * float(score.std(ddof=1))


def timed(work: Callable[[], Any], times: int = 1) -> tuple[float, Any]:
    """Fewest processor seconds of some runs, and what the last one returned."""
    best, result = math.inf, None
    for _ in range(times):
        start = time.process_time()
        result = work()
        best = min(best, time.process_time() - start)
    return best, result


def prove(units: Units, rules: Rules, pairs: Pairs) -> None:
    """Stop where the certificate finds anything."""
    assert (count_envious(units, rules, pairs), count_broken(units, rules, pairs)) == (0, 0)


def serial_search(units: Units, caliper: float) -> tuple[np.ndarray, np.ndarray]:
    """Largest first, each looking at all controls; the tie keys do not matter, as no scores are equal here."""
    treated, control = np.flatnonzero(units.treated), np.flatnonzero(~units.treated)
    left, found = units.score[control].copy(), []
    for row in treated[np.argsort(-units.score[treated])]:
        away = np.abs(left - units.score[row])
        place = int(away.argmin())
        if away[place] <= caliper:
            found.append((row, control[place]))
            left[place] = np.inf
    one, other = np.array(found).T
    return one, other


def budgets() -> Iterator[bool]:
    """The two budgets, and the ratio to a serial search with the same pairs."""
    units, caliper = make("scarce", 20_000)
    slow, (treated, control) = timed(lambda: serial_search(units, caliper))
    fast, found = timed(lambda: choose_twins(units, Rules(caliper=caliper)), 3)
    assert (found.treated == treated).all() and (found.control == control).all()
    print(f"20,000 scarce: {fast:.3f} s, serial search {slow:.2f} s, {slow / fast:.0f} x", flush=True)
    for scenario, n, most in BUDGETS:
        units, caliper = make(scenario, n)
        rules = Rules(caliper=caliper)
        sort, _ = timed(lambda units=units: np.argsort(units.score))
        seconds, found = timed(lambda units=units, rules=rules: choose_twins(units, rules), 2)
        prove(units, rules, found)
        blocks = list(sorted_blocks(units, rules))
        proof, _ = timed(lambda known=(units, rules, found, blocks): count_envious(*known))
        print(
            f"{n:,} {scenario}: {seconds:.2f} s of {most} s, {seconds / sort:.1f} x one argsort, {len(found):,} pairs, "
            f"certificate on the sorted blocks {proof / seconds:.2f} x",
            flush=True,
        )
        yield seconds <= most


def slopes() -> Iterator[bool]:
    """Exponent of growth of every order in every scenario."""
    for order in ORDERS:
        for scenario in SCENARIOS:
            sizes = (SMALL, LARGEST if order in BYTES else LARGE)
            seconds = []
            for n in sizes:
                units, caliper = make(scenario, n)
                rules = Rules(order=order, caliper=caliper)  # type: ignore[arg-type]
                spent, found = timed(lambda units=units, rules=rules: choose_twins(units, rules), RUNS)
                prove(units, rules, found)
                seconds.append(spent)
            slope = math.log(seconds[1] / seconds[0]) / math.log(sizes[1] / sizes[0])
            print(f"{order:9}{scenario:10} {seconds[0]:6.2f} s {seconds[1]:7.2f} s  slope {slope:.2f}", flush=True)
            yield slope <= SLOPE


def memory() -> Iterator[bool]:
    """Bytes a unit at the peak: the columns of the units, and what a match of 4 M adds to them (Linux)."""
    for order in ORDERS:
        for scenario in SCENARIOS:
            ask = [sys.executable, "-m", "bench.matching", "peak", order, scenario]
            columns, added = map(float, subprocess.run(ask, check=True, capture_output=True, text=True).stdout.split())
            print(f"{order:9}{scenario:10} {columns:3.0f} + {added:5.1f} bytes a unit", flush=True)
            yield columns + added <= BYTES.get(order, math.inf)


def peak(order: Any, scenario: str) -> None:
    """Print both figures of one match; in a process of its own, as memory that was freed may stay with a process."""
    units, caliper = make(scenario, LARGE)
    before = resident("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")
    choose_twins(units, Rules(order=order, caliper=caliper))
    columns = sum(getattr(units, name).nbytes for name in ("treated", "score", "tie"))
    print(columns / LARGE, (resident("VmHWM") - before) / LARGE)


def resident(field: str) -> int:
    """Memory of this process in bytes: now (VmRSS), or the most since the mark was reset (VmHWM)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(field))


def main(asked: list[str]) -> int:
    """Number of figures over their budget."""
    if asked[:1] == ["peak"]:
        peak(*asked[1:])
        return 0
    parts = {"budgets": budgets, "slopes": slopes, "memory": memory}
    kept = [fits for name in asked or list(parts) for fits in parts[name]()]
    print(f"{kept.count(False)} of {len(kept)} over")
    return kept.count(False)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
