"""What commands have in common: options, checking before Spark starts, starting it, and the last lines.

Spark and the rooms that need it are imported inside the functions, so that ``--help`` and a configuration error come
at once.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from claimtwin.app.progress import progress

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from claimtwin.config.deployment import Env as Deployment
    from claimtwin.config.protocol import Protocol
    from claimtwin.study.report import Result

FORMATS = ("contract", "desynpuf", "tuva", "omop")

Study = Annotated[str, typer.Option("--study", help="Study protocol: a YAML file, or a preset's name.")]
Env = Annotated[str, typer.Option("--env", help="Deployment: a YAML file, or a preset's name.")]
Set = Annotated[
    list[str] | None, typer.Option("--set", help="Change one key: study.KEY=VALUE or env.KEY=VALUE. May be repeated.")
]
Input = Annotated[str, typer.Option("--input", help="Folder of the feed, or catalog.schema of its tables.")]
Unblind = Annotated[
    str | None, typer.Option("--unblind", help="Show effects although a gate fails; the reason is recorded.")
]
Format = Annotated[str, typer.Option("--format", help=f"Form of the feed: {', '.join(FORMATS)}.")]


def start(settings: dict[str, str], say: Callable[[str], None]) -> "SparkSession":
    """A session with the user's settings; see ``app.session``."""
    say("Starting Spark")
    from claimtwin.app.session import get_session

    return get_session(settings)


def checked(study: str, env: str, changes: list[str] | None) -> "tuple[Protocol, Deployment]":
    """Both files, and every file that they name, checked before Spark starts."""
    from claimtwin.config.load import load_configuration
    from claimtwin.study.files import check_files

    protocol, deployment = load_configuration(study, env, changes)
    check_files(protocol, deployment)
    return protocol, deployment


def run_stage(name: str, study: str, env: str, changes: list[str] | None, **options: str) -> Any:
    """Check both files, start Spark, and run one stage with all that it needs."""
    protocol, deployment = checked(study, env, changes)
    say = progress()
    spark = start(deployment.spark, say)
    from claimtwin.study import pipeline

    stages = {"run_facts": pipeline.run_facts, "run_match": pipeline.run_match, "run_report": pipeline.run_report}
    return stages[name](spark, protocol, deployment, say, **options)


def require_format(name: str) -> None:
    """Raise typer's usage error for a feed format that does not exist."""
    if name not in FORMATS:
        raise typer.BadParameter(f"the form of a feed is one of {', '.join(FORMATS)}")


def reason_of(unblind: str | None) -> str:
    """The reason to unblind, on one line; empty where nobody asked to."""
    reason = " ".join((unblind or "").split())
    if unblind is not None and not reason:
        raise typer.BadParameter("--unblind needs a reason")
    return reason


def print_result(result: "Result") -> None:
    """Where the report lies, and the result's hash."""
    print(f"report: {result.folder / 'report.html'}")
    print(f"hash: {result.hash}")
