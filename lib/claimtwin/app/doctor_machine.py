"""The doctor's checks of the machine; none starts Spark."""

import os
import shutil
import subprocess
import sys
import tempfile
from importlib import metadata
from pathlib import Path

from claimtwin.app.doctor import Check
from claimtwin.app.jars import which_jars
from claimtwin.app.java import REMEDY, java_command, require_java

GIB = 1 << 30
TESTED = ("4.2.0", "4.4.0")
# What delta-spark 4.4 says of itself: pyspark from the first of these to the last.
FITTING = ((4, 0, 1), (4, 2, 0))


def check_java() -> Check:
    """Java is there and new enough."""
    return Check("Java", "pass", f"Java {require_java()} ({java_command()})", REMEDY)


def check_worker_python() -> Check:
    """The Python that Spark's workers will run is the driver's minor version and has pyarrow and numpy."""
    command = os.environ.get("PYSPARK_PYTHON", sys.executable)
    asked = "import sys, pyarrow, numpy; print('%d.%d' % sys.version_info[:2])"
    try:
        done = subprocess.run([command, "-c", asked], capture_output=True, text=True, timeout=120, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return Check("Worker python", "fail", f"{command} does not start", "unset PYSPARK_PYTHON, or correct it")
    return judge_worker(command, done.stdout.strip() if done.returncode == 0 else None)


def judge_worker(command: str, version: str | None) -> Check:
    """Judge what a worker's Python said of itself: its minor version, or None when pyarrow or numpy is missing."""
    mine = f"{sys.version_info[0]}.{sys.version_info[1]}"
    if version is None:
        remedy = f"`{command} -m pip install pyarrow numpy`, or set PYSPARK_PYTHON to a Python that has them"
        return Check("Worker python", "fail", f"{command} cannot import pyarrow and numpy", remedy)
    if version != mine:
        remedy = f"set PYSPARK_PYTHON to a Python {mine}"
        return Check("Worker python", "fail", f"{command} is Python {version}, the driver's is {mine}", remedy)
    return Check("Worker python", "pass", f"Python {version} with pyarrow and numpy ({command})")


def check_versions() -> Check:
    """The installed pyspark and delta-spark fit each other."""
    return judge_versions(_installed("pyspark"), _installed("delta-spark"))


def judge_versions(spark: str, delta: str) -> Check:
    """Judge two installed versions; an empty text means not installed."""
    found = f"pyspark {spark or 'missing'}, delta-spark {delta or 'missing'}"
    tested = "pyspark=={} delta-spark=={}".format(*TESTED)
    if (spark, delta) == TESTED:
        return Check("Versions", "pass", found)
    if not FITTING[0] <= _numbers(spark) <= FITTING[1] or _numbers(delta)[:2] != (4, 4):
        return Check("Versions", "fail", f"{found}: they do not fit", f"`pip install {tested}`")
    return Check("Versions", "note", f"{found}: not the pair that is tested", f"`pip install {tested}`")


def check_delta_jars() -> Check:
    """The Delta JARs are here, or it is said that they will be fetched."""
    found = which_jars()
    return Check(
        "Delta jars",
        "note" if found.how == "fetch" else "pass",
        str(found),
        "`claimtwin doctor --fetch` fetches them now",
    )


def check_memory() -> Check:
    """Three GiB are what a study of the demonstration's size takes in all."""
    have = _memory() / GIB
    found = f"{have:.1f} GiB of memory"
    if have >= 3:
        return Check("Memory", "pass", found)
    return Check("Memory", "fail" if have < 2 else "note", found, "give the machine or container 3 GiB or more")


def check_cores() -> Check:
    """Cores that this process may use."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return Check("Cores", "pass" if cores > 1 else "note", str(cores), "it works with one core, slowly; give it two")


def check_temp_space() -> Check:
    """Free space where Spark puts what does not fit in memory."""
    place = Path(os.environ.get("SPARK_LOCAL_DIRS", tempfile.gettempdir()).split(",")[0])
    if not place.is_dir() or not os.access(place, os.W_OK):
        return Check("Temp space", "fail", f"{place} cannot be written to", "set SPARK_LOCAL_DIRS to a folder that can")
    free = shutil.disk_usage(place).free / GIB
    remedy = f"free some of {place}, or set SPARK_LOCAL_DIRS to a larger disk"
    return Check("Temp space", "pass" if free >= 2 else "fail", f"{free:.1f} GiB free in {place}", remedy)


MACHINE = (
    check_java,
    check_worker_python,
    check_versions,
    check_delta_jars,
    check_memory,
    check_cores,
    check_temp_space,
)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())


def _installed(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def _memory() -> int:
    """Bytes that this process may use: the machine's, or the container's limit where that is less."""
    whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit = Path("/sys/fs/cgroup/memory.max")
    told = limit.read_text().strip() if limit.is_file() else "max"
    return min(whole, int(told)) if told.isdigit() else whole
