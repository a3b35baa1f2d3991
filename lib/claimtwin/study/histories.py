"""Histories on request: fills, runs of supply and episodes of care as tables of the study."""

from collections.abc import Callable

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from claimtwin.codes.opioids import product_fingerprint, read_products
from claimtwin.codes.rules import care_families
from claimtwin.config.deployment import Env
from claimtwin.config.histories import EpisodeRules, FillRules, Histories, SupplyRules
from claimtwin.config.protocol import Protocol
from claimtwin.errors import ConfigError
from claimtwin.io.collect import collect_compact
from claimtwin.io.tables import Store
from claimtwin.spark.histories import build_courses, build_episodes, build_fills, build_runs
from claimtwin.study.progress import Say
from claimtwin.study.stages import Made, make_table, open_table

Plan = dict[str, tuple[dict[str, object], Callable[[DataFrame], DataFrame]]]


def run_histories(spark: SparkSession, protocol: Protocol, env: Env, say: Say) -> list[Made]:
    """Write what the protocol asks for of ``opioid_fills``, ``supply_runs``, and ``msk_episodes`` with their
    ``therapy_courses``.

    Raises:
        ConfigError: The protocol asks for none, or a product list cannot be read.
        InputError: The claims were not packed.
    """
    plan = plan_histories(protocol, env)
    blocks = open_table(spark, Store(env.tables).table("member_blocks"), "claimtwin pack")
    made = []
    for name, (made_from, build) in plan.items():
        ref = Store(env.tables).table(name, study=protocol.study.name)
        whole = {"blocks": blocks.identity, **made_from}
        made.append(make_table(spark, ref, whole, lambda build=build: build(blocks.frame), say))  # type: ignore[misc]
    fills = protocol.histories.fills if protocol.histories else None
    if fills is not None and fills.match_digits is not None:
        _tell_matches(made[0].frame, say)
    return made


def _tell_matches(fills: DataFrame, say: Say) -> None:
    """How many fills have a code that is listed, and how many are of another package of a listed product."""
    counts = fills.groupBy("ndc_match").agg(F.count("*").alias("fills"))
    rows = collect_compact(counts, ["ndc_match", "fills"], max_rows=2, text=["ndc_match"]).to_pylist()
    told = {row["ndc_match"]: row["fills"] for row in rows}
    whole, product = told.get("whole", 0), told.get("product", 0)
    say(f"opioid_fills: {whole:,} by the whole code, {product:,} by its first nine digits only")


def plan_histories(protocol: Protocol, env: Env) -> Plan:
    """What each table is made from and how, every list read.

    Raises:
        ConfigError: The protocol asks for none, or a product list cannot be read.
    """
    asked = protocol.histories or Histories()
    plan: Plan = {}
    if asked.fills is not None:
        plan |= _plan_fills(asked.fills, asked.supply, env)
    if asked.episodes is not None:
        plan |= _plan_episodes(asked.episodes)
    if not plan:
        raise ConfigError(
            "The protocol asks for no history.", "study: histories", remedy="set histories.fills or histories.episodes"
        )
    return plan


def _plan_fills(rules: FillRules, supply: SupplyRules | None, env: Env) -> Plan:
    file = env.code_lists[rules.products]
    products = read_products(file.path, f"env: code_lists.{rules.products}", file.sheet)
    read: dict[str, object] = {"fills": rules.model_dump(mode="json"), "products": product_fingerprint(products)}
    plan: Plan = {"opioid_fills": (read, lambda blocks: build_fills(blocks, products, rules))}
    if supply is not None:
        read = {**read, "supply": supply.model_dump(mode="json")}
        plan["supply_runs"] = (read, lambda blocks: build_runs(blocks, products, rules, supply))
    return plan


def _plan_episodes(rules: EpisodeRules) -> Plan:
    read: dict[str, object] = {"episodes": rules.model_dump(mode="json")}
    return {
        "msk_episodes": (read, lambda blocks: build_episodes(blocks, care_families(), rules)),
        "therapy_courses": (read, lambda blocks: build_courses(blocks, care_families(), rules)),
    }
