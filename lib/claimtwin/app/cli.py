"""The command line. Each command checks the whole configuration first, then starts Spark, then does one thing.

Spark and the rooms that need it are imported inside the commands, so that ``--help`` and a configuration error come
at once. The jobs of ``jobs/`` call ``main`` with the same words.
"""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from claimtwin import __version__
from claimtwin.app.boundary import run_guarded
from claimtwin.app.match_command import match
from claimtwin.app.progress import progress

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from claimtwin.config.deployment import Env as Deployment
    from claimtwin.config.protocol import Protocol
    from claimtwin.study.report import Result

EXIT_CODES = {0: "done", 1: "a fault of ours", 2: "configuration", 3: "input", 4: "guard", 5: "Spark, Java or Delta"}
EPILOG = (
    "Exit codes: " + ", ".join(f"{code} {words}" for code, words in EXIT_CODES.items()) + ". See docs/exit-codes.md."
)
FORMATS = ("contract", "desynpuf")

Study = Annotated[str, typer.Option("--study", help="Study protocol: a YAML file, or a preset's name.")]
Env = Annotated[str, typer.Option("--env", help="Deployment: a YAML file, or a preset's name.")]
Set = Annotated[
    list[str] | None, typer.Option("--set", help="Change one key: study.KEY=VALUE or env.KEY=VALUE. May be repeated.")
]
Input = Annotated[str, typer.Option("--input", help="Folder of the feed, or catalog.schema of its tables.")]
Format = Annotated[str, typer.Option("--format", help="Form of the feed: contract or desynpuf.")]

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


@app.command(epilog=EPILOG)
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


@app.command(epilog=EPILOG)
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
    spark = _start({}, say)
    from claimtwin.study.demo import run_demo

    print("\n".join(run_demo(spark, folder, members, employers, seed, say)))


@app.command(epilog=EPILOG)
def ingest(format: Format, input: Input, env: Env, set: Set = None) -> None:
    """Read a claims feed, refuse rows that break the contract (with reasons), and write the rest to Delta.

    Example: [bold]claimtwin ingest --format contract --input feed/ --env env.yaml[/bold]
    """
    from claimtwin.config.load import load_env

    _known_format(format)
    deployment = load_env(env, set)
    say = progress()
    spark = _start(deployment.spark, say)
    from claimtwin.study.ingest import ingest as run_ingest

    run_ingest(spark, deployment, format, input, say)


@app.command(epilog=EPILOG)
def pack(env: Env, set: Set = None) -> None:
    """Gather the claims into member blocks, once per data version and for all studies.

    Example: [bold]claimtwin pack --env env.yaml[/bold]
    """
    from claimtwin.config.load import load_env

    deployment = load_env(env, set)
    say = progress()
    spark = _start(deployment.spark, say)
    from claimtwin.study.pipeline import run_pack

    run_pack(spark, deployment, say)


@app.command(epilog=EPILOG)
def facts(study: Study, env: Env, set: Set = None) -> None:
    """Find everybody who comes into an arm, judge every criterion, measure every covariate.

    Example: [bold]claimtwin facts --study study.yaml --env env.yaml[/bold]
    """
    run_stage("run_facts", study, env, set)


app.command(epilog=EPILOG)(match)


@app.command(epilog=EPILOG)
def plan(study: Study, env: Env, set: Set = None) -> None:
    """Before the match: how many could be paired in each block, and which blocks have no comparators.

    Example: [bold]claimtwin plan --study study.yaml --env env.yaml[/bold]
    """
    protocol, deployment = _checked(study, env, set)
    say = progress()
    spark = _start(deployment.spark, say)
    from claimtwin.study.plan import plan_lines

    print("\n".join(plan_lines(spark, protocol, deployment, say)))


@app.command(epilog=EPILOG)
def report(study: Study, env: Env, set: Set = None) -> None:
    """Count the outcomes of the matched, estimate the effects, and write report.html and its tables.

    Example: [bold]claimtwin report --study study.yaml --env env.yaml[/bold]
    """
    _print_result(run_stage("run_report", study, env, set))


@app.command(epilog=EPILOG)
def run(
    study: Study,
    env: Env,
    set: Set = None,
    feed: Annotated[str | None, typer.Option("--ingest", help="Ingest a feed of this form first.")] = None,
    input: Annotated[str | None, typer.Option("--input", help="The feed, with --ingest.")] = None,
) -> None:
    """Run a whole study: pack, facts, match, report. With --ingest the feed is read first.

    Example: [bold]claimtwin run --study jpr_s412081 --env env.yaml --set study.matching.caliper_sd=0.1[/bold]
    """
    if (feed is None) != (input is None):
        raise typer.BadParameter("--ingest and --input go together")
    if feed is not None:
        _known_format(feed)
    protocol, deployment = _checked(study, env, set)
    say = progress()
    spark = _start(deployment.spark, say)
    from claimtwin.study.ingest import ingest as run_ingest
    from claimtwin.study.pipeline import run_study

    if feed is not None and input is not None:
        run_ingest(spark, deployment, feed, input, say)
    _print_result(run_study(spark, protocol, deployment, say))


@app.command(epilog=EPILOG)
def config(study: Study, env: Env, set: Set = None) -> None:
    """Check both files and print the whole configuration, defaults included, with its fingerprints.

    Example: [bold]claimtwin config --study jpr_s412081 --env local[/bold]
    """
    import yaml

    from claimtwin.config.load import fingerprint, load_configuration

    for name, model in zip(("study", "env"), load_configuration(study, env, set), strict=True):
        print(f"# {name}: sha256 {fingerprint(model)}")
        print(yaml.safe_dump({name: model.model_dump(mode="json")}, sort_keys=False, allow_unicode=True))


def run_stage(name: str, study: str, env: str, changes: list[str] | None) -> Any:
    """Check both files, start Spark, and run one stage with all that it needs."""
    protocol, deployment = _checked(study, env, changes)
    say = progress()
    spark = _start(deployment.spark, say)
    from claimtwin.study import pipeline

    stages = {"run_facts": pipeline.run_facts, "run_match": pipeline.run_match, "run_report": pipeline.run_report}
    return stages[name](spark, protocol, deployment, say)


def start_spark(settings: dict[str, str], say: Any) -> "SparkSession":
    """A session for a command that turns out to need one."""
    return _start(settings, say)


def _checked(study: str, env: str, changes: list[str] | None) -> "tuple[Protocol, Deployment]":
    """Both files, and every file that they name, checked before Spark starts."""
    from claimtwin.config.load import load_configuration
    from claimtwin.study.files import check_files

    protocol, deployment = load_configuration(study, env, changes)
    check_files(protocol, deployment)
    return protocol, deployment


def _start(settings: dict[str, str], say: Any) -> "SparkSession":
    say("Starting Spark")
    from claimtwin.app.session import get_session

    return get_session(settings)


def _known_format(name: str) -> None:
    if name not in FORMATS:
        raise typer.BadParameter(f"the form of a feed is one of {', '.join(FORMATS)}")


def _print_result(result: "Result") -> None:
    print(f"report: {result.folder / 'report.html'}")
    print(f"hash: {result.hash}")
