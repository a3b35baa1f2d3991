"""``claimtwin synth``: claims with a planted truth; everything is checked before Spark starts."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from claimtwin.app import running
from claimtwin.app.progress import progress

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from claimtwin.synth.spec import SynthSpec


@dataclass(frozen=True)
class Asked:
    """The command line: a file or preset, numbers that go over it as they were typed, and how to write.

    Attributes:
        preset: A YAML file, or the name of a preset in ``conf/synth``.
        numbers: Keys of the specification; null where not given.
        form: ``contract`` or ``desynpuf``. files: ``delta``, ``parquet`` or ``csv``.
        histories: Whether to write what a perfect reader finds. overwrite: Whether the folder may be in use.
    """

    preset: str
    numbers: dict[str, str | None]
    form: str = "contract"
    files: str = "delta"
    histories: bool = False
    overwrite: bool = False


def synth(
    out: Annotated[Path, typer.Option("--out", help="Folder to write to.")],
    members: Annotated[str | None, typer.Option(help="How many people; 1e6 will do.")] = None,
    employers: Annotated[str | None, typer.Option(help="How many employers they work for.")] = None,
    seed: Annotated[str | None, typer.Option(help="The same seed gives the same bytes.")] = None,
    spec: Annotated[str, typer.Option("--spec", help="Specification: a YAML file, or a preset's name.")] = "default",
    files: Annotated[str, typer.Option("--as", help="Kind of files: delta, parquet or csv.")] = "delta",
    format: Annotated[str, typer.Option("--format", help="Form of the feed: contract or desynpuf.")] = "contract",
    histories: Annotated[bool, typer.Option("--histories", help="Also write what a perfect reader finds.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Write over an earlier run.")] = False,
) -> None:
    """Make up claims whose true effect is known, and write them with their truth.

    Example: [bold]claimtwin synth --members 1e6 --employers 160 --seed 7 --out made-up[/bold]
    """
    asked = Asked(spec, {"members": members, "employers": employers, "seed": seed}, format, files, histories, overwrite)
    run_synth(running.start, out, asked, progress())


def run_synth(
    start: Callable[[dict[str, str], Any], "SparkSession"], folder: Path, asked: Asked, say: Callable[[str], None]
) -> None:
    """Check the specification and the folder, start Spark, write.

    Raises:
        ConfigError: Every fault of the specification at once; a target that cannot be met; a folder in use.
    """
    spec = checked(asked)
    from claimtwin.study.synthesise import How, check_folder, clear, synthesise

    check_folder(folder, overwrite=asked.overwrite)
    how = How.of(asked.form, asked.files, histories=asked.histories)
    spark = start({}, say)
    clear(folder)
    synthesise(spark, spec, folder, how, say)
    say(f"next: claimtwin ingest --format {how.form} --input {folder / 'feed'} --env {folder / 'env.yaml'}")


def checked(asked: Asked) -> "SynthSpec":
    """The specification of a file under the numbers of the command line, its targets turned into log-odds."""
    from claimtwin.config.load import load_file
    from claimtwin.synth.calibration import calibrated
    from claimtwin.synth.desynpuf import YEAR
    from claimtwin.synth.spec import NO_DIRT, SynthSpec

    given = {key: _number(text) for key, text in asked.numbers.items() if text is not None}
    if asked.form == "desynpuf":  # its claims are of these years, and it has no place for dirt
        given |= {"index_year": YEAR, "dirt": NO_DIRT.model_dump()}
    return calibrated(load_file(SynthSpec, asked.preset, "synth", given))


def _number(text: str) -> object:
    """A whole number, also as ``1e6``; any other text as it is, for the specification to refuse by its key."""
    try:
        value = float(text)
    except ValueError:
        return text
    return int(text) if text.lstrip("+-").isdecimal() else int(value) if value.is_integer() else value
