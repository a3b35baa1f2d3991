"""The Delta JARs: what they are, four ways to have them, and how they are fetched.

The ``delta-spark`` package holds Python only. Its JARs are (1) already on Spark's classpath, (2) given by a setting,
(3) in the cache of an earlier fetch, from where they are used without a network, or (4) fetched from Maven Central.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pyspark

from claimtwin.errors import SparkFailure

DELTA = "io.delta:delta-spark_4.2_2.13:4.4.0"
# Spark ships these already, mostly in other versions; without the list Ivy brings 33 files, with it 8.
EXCLUDES = (
    "org.apache.hadoop:*,org.apache.parquet:*,org.apache.logging.log4j:*,com.fasterxml.jackson.core:*,org.slf4j:*,"
    "org.roaringbitmap:*,commons-logging:*,commons-pool:*,com.github.luben:*,org.xerial.snappy:*,io.airlift:*,"
    "javax.annotation:*,com.google.code.findbugs:*,org.locationtech.jts:*"
)
FILES = (
    "com.fasterxml.jackson.datatype_jackson-datatype-jdk8-2.13.5.jar",
    "io.delta_delta-kernel-api-4.4.0.jar",
    "io.delta_delta-kernel-defaults-4.4.0.jar",
    "io.delta_delta-kernel-unitycatalog-4.4.0.jar",
    "io.delta_delta-spark_4.2_2.13-4.4.0.jar",
    "io.delta_delta-storage-4.4.0.jar",
    "io.unitycatalog_unitycatalog-client-0.6.0.jar",
    "io.unitycatalog_unitycatalog-hadoop-0.6.0.jar",
)
COORDINATES = {"spark.jars.packages": DELTA, "spark.jars.excludes": EXCLUDES}
GIVEN = "CLAIMTWIN_DELTA_JARS"
REMEDY = (
    "with a network: `claimtwin doctor --fetch`. Behind a mirror: name it in an Ivy settings file and set "
    f"spark.jars.ivySettings under `spark` in env.yaml. Without a network: copy the {len(FILES)} files of "
    f"~/.ivy2.5.2/jars from a machine that has them and set {GIVEN} to their folder"
)
How = Literal["classpath", "given", "cache", "fetch"]


@dataclass(frozen=True)
class Jars:
    """How the JARs come, where they lie, and the Spark settings that bring them in."""

    how: How
    where: str
    settings: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        """Say it in a line, for people."""
        words = {
            "classpath": "already on Spark's classpath",
            "given": "given by",
            "cache": "in the cache, no network needed,",
            "fetch": "not here yet; the next start fetches them:",
        }
        return f"{words[self.how]} {self.where}"


def which_jars(settings: Mapping[str, str] | None = None, classpath: Path | None = None) -> Jars:
    """The first of the four ways that holds here, by looking and without a network.

    Args:
        settings: Spark settings of the user; ``spark.jars``, ``spark.jars.packages`` and ``spark.jars.ivy`` count.
        classpath: Folder of Spark's own JARs; found when not told.

    Raises:
        SparkFailure: JARs are given, but are not there.
    """
    told = dict(settings or {})
    return _on_classpath(classpath or _spark_jars()) or _given(told) or _cached(told) or _to_fetch(told)


def _on_classpath(folder: Path) -> Jars | None:
    found = sorted(folder.glob("*delta-spark_*.jar"))
    return Jars("classpath", str(folder)) if found else None


def _given(told: dict[str, str]) -> Jars | None:
    for key in ("spark.jars", "spark.jars.packages"):
        if "delta-spark" in told.get(key, ""):
            return Jars("given", f"the setting {key}")
    if "delta-spark" in os.environ.get("PYSPARK_SUBMIT_ARGS", ""):
        return Jars("given", "PYSPARK_SUBMIT_ARGS")
    named = os.environ.get(GIVEN)
    return Jars("given", GIVEN, _use(told, _named_files(named))) if named else None


def _named_files(named: str) -> list[Path]:
    folder = Path(named).expanduser()
    files = sorted(folder.glob("*.jar")) if folder.is_dir() else [Path(n.strip()) for n in named.split(",")]
    missing = [str(f) for f in files if not f.is_file()]
    if missing or not any("delta-spark" in f.name for f in files):
        what = f"not a file: {missing[0]}" if missing else "no delta-spark JAR among the files named"
        raise SparkFailure(
            "The Delta JARs that were named cannot be used.",
            where=f"{GIVEN}: {what}",
            rule=f"a folder or a comma-separated list of files that holds {DELTA} and what it needs",
            remedy=f"correct or unset {GIVEN}; `claimtwin doctor` says where JARs are looked for",
        )
    return files


def _cached(told: dict[str, str]) -> Jars | None:
    folder = _cache(told)
    files = [folder / name for name in FILES]
    return Jars("cache", str(folder), _use(told, files)) if all(f.is_file() for f in files) else None


def _to_fetch(told: dict[str, str]) -> Jars:
    def joined(key: str, ours: str) -> str:
        return ",".join(part for part in (told.get(key, ""), ours) if part)

    # Said even when it is the default: Java's idea of the home folder need not be Python's.
    settings = {
        **{key: joined(key, ours) for key, ours in COORDINATES.items()},
        "spark.jars.ivy": str(_cache(told).parent),
    }
    return Jars("fetch", f"{DELTA} from Maven Central into {_cache(told)}", settings)


def _use(told: dict[str, str], files: list[Path]) -> dict[str, str]:
    ours = ",".join(str(f.resolve()) for f in files)
    return {"spark.jars": ",".join(part for part in (told.get("spark.jars", ""), ours) if part)}


def _cache(told: dict[str, str]) -> Path:
    return Path(told.get("spark.jars.ivy", "~/.ivy2.5.2")).expanduser() / "jars"


def _spark_jars() -> Path:
    home = os.environ.get("SPARK_HOME") or Path(str(pyspark.__file__)).parent
    return Path(home) / "jars"


def cannot_be_had(jars: Jars) -> SparkFailure:
    """The error for JARs that could not be fetched."""
    return SparkFailure(
        "The Delta JARs could not be fetched.",
        where=f"looked on Spark's classpath, in {GIVEN}, in the cache, then for {jars.where}",
        rule=f"Claimtwin reads and writes Delta tables; Spark needs {DELTA}",
        remedy=REMEDY,
    )
