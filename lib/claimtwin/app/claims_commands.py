"""Commands on claims, before any study: ingest, validate, pack."""

from claimtwin.app import running
from claimtwin.app.progress import progress
from claimtwin.app.running import Env, Format, Input, Set, require_format


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


def validate(env: Env, set: Set = None) -> None:
    """Judge the ingested claims before any study: what is missing, late, orphaned or implausible; writes fitness.md.

    Example: [bold]claimtwin validate --env env.yaml[/bold]
    """
    from claimtwin.config.load import load_env

    deployment = load_env(env, set)
    say = progress()
    spark = running.start(deployment.spark, say)
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
