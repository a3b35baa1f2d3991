"""From a study's tables to its results on disk: collect, assemble, withhold, render, write."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession

from claimtwin.config.deployment import Env
from claimtwin.config.load import fingerprint
from claimtwin.config.protocol import Protocol
from claimtwin.io.files import hash_of, remove_others, to_json, write_files
from claimtwin.report.code_tables import code_files
from claimtwin.report.figures import figures
from claimtwin.report.gate_tables import gate_lines
from claimtwin.report.page import render_report
from claimtwin.report.tables import csv_tables
from claimtwin.spark.code_book import CodeBook
from claimtwin.study.codebook import drug_list_fingerprints
from claimtwin.study.progress import Say
from claimtwin.study.results import build_results
from claimtwin.study.tables import StudyTables
from claimtwin.study.versions import code_fingerprint, code_version, library_versions


@dataclass(frozen=True)
class Result:
    """A finished study: its folder, what ``results.json`` holds, and the sha256 of that file."""

    folder: Path
    results: dict[str, Any]
    hash: str

    @property
    def report(self) -> Path:
        """The report."""
        return self.folder / "report.html"


def write_report(
    spark: SparkSession, protocol: Protocol, env: Env, book: CodeBook, tables: StudyTables, say: Say, unblind: str = ""
) -> Result:
    """Write ``results.json``, ``tables/*.csv``, ``figures/*``, ``report.html`` and ``manifest.json``.

    Tables and figures that an earlier run left in the folder are removed: they are not of these results, and might
    tell an effect that these hide.

    Raises:
        GuardError: Nobody was matched, or more rows than allowed would leave Spark.
    """
    results = build_results(spark, protocol, env, tables, unblind)
    text, codes = to_json(results), tables.codes.rows if tables.codes else []
    manifest = build_manifest(spark, protocol, env, book, tables, hash_of(text)) | {"unblinded": unblind}
    files: dict[str, str | bytes] = {
        "results.json": text,
        "manifest.json": to_json(manifest),
        "report.html": render_report(results, manifest, codes),
        **{f"tables/{name}": table for name, table in (csv_tables(results) | code_files(codes)).items()},
        **{f"figures/{name}": figure for name, figure in figures(results).items()},
    }
    folder = Path(env.output) / protocol.study.name
    for name, suffix in (("figures", "*.svg"), ("figures", "*.png"), ("tables", "*.csv")):
        remove_others(folder / name, suffix, {Path(file).name for file in files if file.startswith(f"{name}/")})
    write_files(folder, files)
    for line in gate_lines(results):
        say(line)
    result = Result(folder, results, hash_of(text))
    say(f"report: {result.report}")
    return result


def build_manifest(
    spark: SparkSession, protocol: Protocol, env: Env, book: CodeBook, tables: StudyTables, result_hash: str
) -> dict[str, Any]:
    """Everything that a second run needs to be the same, and what was read."""
    return {
        "study": protocol.study.name,
        "result_hash": result_hash,
        "protocol_hash": fingerprint(protocol),
        "seed": protocol.study.seed,
        "code_version": code_version(),
        "code_fingerprint": code_fingerprint(),
        "libraries": library_versions() | {"spark": spark.version},
        "code_lists": drug_list_fingerprints(book),
        "min_cell": env.disclosure.min_cell,
        "tables": [
            {"table": made.ref.name, "version": made.state.version, "stamp": made.state.stamp} for made in tables.all()
        ],
    }
