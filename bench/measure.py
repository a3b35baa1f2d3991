"""Wall time, processor time and memory of a command with all its children, read from /proc (Linux)."""

import os
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

PERIOD = 0.25
MIB = 1024 * 1024


@dataclass(frozen=True)
class Cost:
    """What a command took.

    Attributes:
        seconds: Wall time.
        cpu: User and system seconds of all processes of the tree, as last seen of each.
        resident: Largest sum of resident memory over the process tree, MiB; pages shared by two count twice.
        proportional: The same with shared pages shared out, MiB.
    """

    code: int
    seconds: float
    cpu: float
    resident: float
    proportional: float


def measure(command: Sequence[str], log: Path) -> Cost:
    """Run a command to its end, its output in ``log``, looking at its process tree four times a second."""
    start, used = time.monotonic(), dict[int, float]()
    resident = proportional = 0.0
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT)
        while process.poll() is None:
            tree = _tree(process.pid)
            used |= {pid: _cpu(pid) or used.get(pid, 0.0) for pid in tree}
            resident = max(resident, sum(_field(pid, "Rss") for pid in tree))
            proportional = max(proportional, sum(_field(pid, "Pss") for pid in tree))
            time.sleep(PERIOD)
    return Cost(process.returncode, time.monotonic() - start, sum(used.values()), resident, proportional)


def _tree(root: int) -> list[int]:
    """The process and all that descend from it."""
    children: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(path.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        children.setdefault(parent, []).append(int(path.parent.name))
    found = [root]
    for pid in found:
        found += children.get(pid, [])
    return found


def _cpu(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _field(pid: int, name: str) -> float:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) * 1024 / MIB for line in lines if line.startswith(f"{name}:")), 0.0)
