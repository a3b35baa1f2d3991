"""The command line. Each command checks the whole configuration first, then starts Spark, then does one thing.

The jobs of ``jobs/`` call ``main`` with the same words.
"""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from claimtwin import __version__
from claimtwin.app import running
from claimtwin.app.boundary import run_guarded
from claimtwin.app.claims_commands import ingest, pack, validate
from claimtwin.app.match_command import match
from claimtwin.app.progress import progress
from claimtwin.app.study_commands import config, facts, histories, plan, pool, report, run
from claimtwin.app.synth_command import synth

EXIT_CODES = {0: "done", 1: "a fault of ours", 2: "configuration", 3: "input", 4: "guard", 5: "Spark, Java or Delta"}
EPILOG = (
    "Exit codes: " + ", ".join(f"{code} {words}" for code, words in EXIT_CODES.items()) + ". See docs/exit-codes.md."
)

app = typer.Typer(
    name="claimtwin",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    epilog=EPILOG,
    help="Did people who began programme A do better than their twins in usual care B? A claims study on Spark and "
    "Delta.\n\nStart with: [bold]claimtwin doctor[/bold], then [bold]claimtwin demo[/bold].",
)


def main(argv: Sequence[str] | None = None) -> None:
    """Run one command and end the process with its exit code; errors are shown on one screen."""
    words = list(sys.argv[1:] if argv is None else argv)
    sys.exit(run_guarded(lambda: app(args=words, prog_name="claimtwin")))


def _print_version(asked: bool) -> None:
    if asked:
        print(f"claimtwin {__version__}")
        raise typer.Exit


@app.callback()
def _common(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and end.", is_eager=True, callback=_print_version)
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="On an error, write a log (it may hold data).")] = False,
) -> None:
    if debug:
        os.environ["CLAIMTWIN_DEBUG"] = "1"


def doctor(
    json: Annotated[bool, typer.Option("--json", help="Print the checks as JSON and nothing else.")] = False,
    session: Annotated[bool, typer.Option(help="Also start Spark, and write and read a small Delta table.")] = True,
    fetch: Annotated[bool, typer.Option("--fetch", help="Fetch the Delta JARs if they are not here, and end.")] = False,
) -> None:
    """Check that this machine can run a study; each check that fails says what to do.

    Example: [bold]claimtwin doctor --json[/bold]
    """
    from claimtwin.app.doctor import examine, fetch_jars, print_json, print_table

    if fetch:
        fetch_jars(progress())
        return
    checks = examine(with_session=session)
    (print_json if json else print_table)(checks)
    if any(check.failed for check in checks):
        raise typer.Exit(5)


def demo(
    folder: Annotated[Path, typer.Option(help="Where to put data and results.")] = Path("claimtwin-demo"),
    members: Annotated[int, typer.Option(min=100, help="How many people to make up.")] = 20_000,
    employers: Annotated[int, typer.Option(min=1, help="How many employers they work for.")] = 12,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same bytes.")] = 1,
) -> None:
    """Make up claims with a known effect, run the whole study on them, and say whether the effect was found.

    Example: [bold]claimtwin demo --members 5000[/bold]
    """
    say = progress()
    spark = running.start({}, say)
    from claimtwin.study.demo import run_demo

    print("\n".join(run_demo(spark, folder, members, employers, seed, say)))


for command in (doctor, demo, synth, ingest, validate, pack, facts, histories, plan, match, report, run, pool, config):
    app.command(epilog=EPILOG)(command)
