"""Commands on a study: its stages one by one, all of them, and its results pooled with those of others."""

from pathlib import Path
from typing import Annotated

import typer

from claimtwin.app import running
from claimtwin.app.progress import progress
from claimtwin.app.running import (
    Env,
    Set,
    Study,
    Unblind,
    checked,
    print_result,
    reason_of,
    require_format,
    run_stage,
)


def facts(study: Study, env: Env, set: Set = None) -> None:
    """Find everybody who comes into an arm, judge every criterion, measure every covariate.

    Example: [bold]claimtwin facts --study study.yaml --env env.yaml[/bold]
    """
    run_stage("run_facts", study, env, set)


def histories(study: Study, env: Env, set: Set = None) -> None:
    """Write the histories that the protocol asks for: fills, runs of supply, episodes of care.

    Example: [bold]claimtwin histories --study study.yaml --env env.yaml[/bold]
    """
    protocol, deployment = checked(study, env, set)
    say = progress()
    spark = running.start(deployment.spark, say)
    from claimtwin.study.histories import run_histories

    run_histories(spark, protocol, deployment, say)


def plan(study: Study, env: Env, set: Set = None) -> None:
    """Before the match: how many could be paired in each block, and which blocks have no comparators.

    Example: [bold]claimtwin plan --study study.yaml --env env.yaml[/bold]
    """
    protocol, deployment = checked(study, env, set)
    say = progress()
    spark = running.start(deployment.spark, say)
    from claimtwin.study.plan import plan_lines

    print("\n".join(plan_lines(spark, protocol, deployment, say)))


def report(study: Study, env: Env, set: Set = None, unblind: Unblind = None) -> None:
    """Count the outcomes of the matched, estimate the effects, and write report.html and its tables.

    Example: [bold]claimtwin report --study study.yaml --env env.yaml[/bold]
    """
    reason = reason_of(unblind)
    print_result(run_stage("run_report", study, env, set, **({"unblind": reason} if reason else {})))


def run(
    study: Study,
    env: Env,
    set: Set = None,
    feed: Annotated[str | None, typer.Option("--ingest", help="Ingest a feed of this form first.")] = None,
    input: Annotated[str | None, typer.Option("--input", help="The feed, with --ingest.")] = None,
    unblind: Unblind = None,
) -> None:
    """Run a whole study: pack, facts, match, report. With --ingest the feed is read first.

    Example: [bold]claimtwin run --study jpr_s412081 --env env.yaml --set study.matching.caliper_sd=0.1[/bold]
    """
    if (feed is None) != (input is None):
        raise typer.BadParameter("--ingest and --input go together")
    if feed is not None:
        require_format(feed)
    reason = reason_of(unblind)
    protocol, deployment = checked(study, env, set)
    say = progress()
    spark = running.start(deployment.spark, say)
    from claimtwin.study.ingest import ingest as run_ingest
    from claimtwin.study.pipeline import run_study

    if feed is not None and input is not None:
        run_ingest(spark, deployment, feed, input, say)
    print_result(run_study(spark, protocol, deployment, say, reason))


def pool(
    results: Annotated[list[str], typer.Argument(help="The results.json of each partner, two or more.")],
    output: Annotated[Path | None, typer.Option(help="Also write the pooled effects to this JSON file.")] = None,
) -> None:
    """Pool the effects of several partners from their results.json alone; Spark is not started.

    Example: [bold]claimtwin pool a/results.json b/results.json --output pooled.json[/bold]
    """
    from claimtwin.io.files import to_json, write_files
    from claimtwin.study.pooling import pool_lines, pool_partners, read_partners

    pooled = pool_partners(read_partners(results))
    if output is not None:
        write_files(output.parent, {output.name: to_json(pooled)})
    print("\n".join(pool_lines(pooled)))


def config(study: Study, env: Env, set: Set = None) -> None:
    """Check both files and print the whole configuration, defaults included, with its fingerprints.

    Example: [bold]claimtwin config --study jpr_s412081 --env local[/bold]
    """
    import yaml

    from claimtwin.config.load import fingerprint, load_configuration

    for name, model in zip(("study", "env"), load_configuration(study, env, set), strict=True):
        print(f"# {name}: sha256 {fingerprint(model)}")
        print(yaml.safe_dump({name: model.model_dump(mode="json")}, sort_keys=False, allow_unicode=True))
