"""Made-up claims with a planted truth, written where a study can read them."""

from dataclasses import dataclass, replace
from pathlib import Path
from shutil import rmtree

import yaml
from pyspark.sql import DataFrame, SparkSession

from claimtwin.config.load import config_error
from claimtwin.errors import ConfigError
from claimtwin.io.collect import collect_compact
from claimtwin.io.files import to_json, write_files
from claimtwin.io.tables import Store, write_table
from claimtwin.study.local import matched_truth
from claimtwin.study.progress import Say
from claimtwin.synth.calendar import data_through
from claimtwin.synth.catalogue import DRUG_LISTS, drug_codes
from claimtwin.synth.frames import desynpuf_frames, history_frames, sums_frame, synth_frames
from claimtwin.synth.spec import NO_DIRT, SynthSpec
from claimtwin.synth.truth import SUMS, SynthTruth, truth_of

FORMS = ("contract", "desynpuf")
FILES = ("delta", "parquet", "csv")
TRUTH = "truth.json"
MATCHED_MEMBERS = 100_000
"""A match is made in one process, so of no more members than this; a member is the same in any population."""


@dataclass(frozen=True)
class How:
    """How a feed is written: its form, the kind of files, and whether its histories stand beside it."""

    form: str = "contract"
    files: str = "delta"
    histories: bool = False

    @classmethod
    def of(cls, form: str, files: str, *, histories: bool) -> "How":
        """Check words of a command line.

        Raises:
            ConfigError: A form or a kind of files that is not known.
        """
        faults = [f"--format {form}: one of {', '.join(FORMS)}"] if form not in FORMS else []
        faults += [f"--as {files}: one of {', '.join(FILES)}"] if files not in FILES else []
        if faults:
            raise config_error(faults)
        return cls(form, "csv" if form == "desynpuf" else files, histories)


def check_folder(folder: Path, *, overwrite: bool) -> None:
    """Refuse to write among what is there already.

    Raises:
        ConfigError: The folder is a file, or holds something and ``overwrite`` is not asked for.
    """
    if folder.is_file():
        raise ConfigError("The output is a file, not a folder.", "--out", remedy="name a folder")
    if folder.is_dir() and any(folder.iterdir()) and not overwrite:
        raise ConfigError(
            "The output folder is not empty.",
            "--out",
            "a second run never mixes with a first",
            "name another folder, or say --overwrite",
        )


def synthesise(spark: SparkSession, spec: SynthSpec, folder: Path, how: How, say: Say) -> SynthTruth:
    """Write the claims as a feed, and beside it what a study of it needs.

    Args:
        spark: The session.
        spec: The population, its targets already turned into log-odds.
        folder: Gets ``feed/<table>``, ``truth.json``, ``synth.yaml``, ``env.yaml`` and the drug lists.
        how: Form and kind of files.
        say: Told what is being done.

    Raises:
        ConfigError: Nobody of an arm meets the criteria, or the folder cannot be written to.
    """
    say(f"feed: {spec.members:,} members of {spec.employers:,} employers, seed {spec.seed}")
    truth = with_matched(truth_of(spec, collect_sums(spark, spec)), spec)
    say(f"truth: {truth.text}")
    write_files(folder, companions(folder, spec, truth))
    frames = desynpuf_frames(spark, spec) if how.form == "desynpuf" else synth_frames(spark, spec)
    for name, rows in frames.items():
        _write(rows, folder / "feed" / name, how.files)
        say(f"feed: {name} written")
    for name, rows in history_frames(spark, spec).items() if how.histories else ():
        _write(rows, folder / "truth" / f"{name}.parquet", "parquet")
        say(f"truth: {name} written")
    return truth


def with_matched(truth: SynthTruth, spec: SynthSpec) -> SynthTruth:
    """The truth, and beside it that of the treated who find a twin among the first ``MATCHED_MEMBERS`` members."""
    part = spec.model_copy(update={"members": min(spec.members, MATCHED_MEMBERS), "dirt": NO_DIRT})
    scales = matched_truth(part)
    if scales is None:
        return truth
    return replace(truth, scales={**truth.scales, "matched": scales}, matched_members=part.members)


def collect_sums(spark: SparkSession, spec: SynthSpec) -> dict[str, int]:
    """Sums over all members, drawn and added up on the workers."""
    frame = sums_frame(spark, spec)
    row = collect_compact(frame, frame.columns, max_rows=1).to_pylist()[0]
    return dict(zip(SUMS, row.values(), strict=True))


def companions(folder: Path, spec: SynthSpec, truth: SynthTruth) -> dict[str, str | bytes]:
    """Small files of a feed by name: truth, specification, deployment, and a list of codes a list of drugs."""
    lists = {name: "\n".join(["NDC", *drug_codes(name), ""]) for name in DRUG_LISTS if name != "other"}
    return {
        **{f"{name}_ndcs.csv": codes for name, codes in lists.items()},
        TRUTH: to_json(truth.as_dict()),
        "synth.yaml": yaml.safe_dump(spec.model_dump(mode="json"), sort_keys=False),
        "env.yaml": yaml.safe_dump(env_of(folder, spec, list(lists)), sort_keys=False),
    }


def env_of(folder: Path, spec: SynthSpec, lists: list[str]) -> dict[str, object]:
    """The deployment that a study of the feed needs."""
    return {
        "tables": str(folder / "tables"),
        "output": str(folder / "results"),
        "truth": str(folder / TRUTH),
        "code_lists": {name: {"path": str(folder / f"{name}_ndcs.csv"), "column": "NDC"} for name in lists},
        "ingest": {"data_through": data_through(spec.index_year), "on_duplicate_key": "reject"},
    }


def clear(folder: Path) -> None:
    """Remove what an earlier run wrote, so that nothing of it is taken for this one's."""
    for name in ("feed", "truth"):
        rmtree(folder / name, ignore_errors=True)


def _write(rows: DataFrame, path: Path, files: str) -> None:
    where = str(path.absolute())
    if files == "delta":
        write_table(rows, Store(str(path.parent.absolute())).table(path.name))
    elif files == "parquet":
        rows.write.mode("overwrite").parquet(where)
    else:
        rows.write.mode("overwrite").option("header", "true").option("escape", '"').csv(where)
