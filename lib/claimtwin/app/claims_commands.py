"""Commands on claims, before any study: ingest, validate, pack."""

from typing import Annotated

import typer

from claimtwin.app import running
from claimtwin.app.progress import progress
from claimtwin.app.running import FORMATS, Env, Format, Input, Set, require_format

AnyFormat = Annotated[str, typer.Option("--format", help=f"Form of a feed not ingested yet: {', '.join(FORMATS)}.")]
AnyInput = Annotated[str, typer.Option("--input", help="Folder of that feed, or catalog.schema of its tables.")]


def ingest(format: Format, input: Input, env: Env, set: Set = None) -> None:
    """Read a claims feed, refuse rows that break the contract (with reasons), and write the rest to Delta.

    Example: [bold]claimtwin ingest --format contract --input feed/ --env env.yaml[/bold]
    """
    from claimtwin.config.load import load_env

    require_format(format)
    deployment = load_env(env, set)
    say = progress()
    spark = running.start(deployment.spark, say)
    from claimtwin.study.ingest import ingest as run_ingest

    run_ingest(spark, deployment, format, input, say)


def validate(env: Env, format: AnyFormat = "", input: AnyInput = "", set: Set = None) -> None:
    """Judge the ingested claims before any study: what is missing, late, orphaned or implausible; writes fitness.md.

    With --format and --input a feed is looked at before its ingest: how it takes lines back, with the evidence.

    Example: [bold]claimtwin validate --env env.yaml[/bold]
    """
    from claimtwin.config.load import load_env

    if bool(format) != bool(input):
        raise typer.BadParameter("--format and --input go together: a feed before its ingest")
    if format:
        require_format(format)
    deployment = load_env(env, set)
    say = progress()
    spark = running.start(deployment.spark, say)
    if format:
        from claimtwin.study.styles import tell_styles

        return print("\n".join(tell_styles(spark, deployment, format, input, say)))
    from claimtwin.study.fitness import validate as run_validate

    print(f"fitness: {run_validate(spark, deployment, say)}")


def pack(env: Env, set: Set = None) -> None:
    """Gather the claims into member blocks, once per data version and for all studies.

    Example: [bold]claimtwin pack --env env.yaml[/bold]
    """
    from claimtwin.config.load import load_env

    deployment = load_env(env, set)
    say = progress()
    spark = running.start(deployment.spark, say)
    from claimtwin.study.pipeline import run_pack

    run_pack(spark, deployment, say)
