"""Data fitness: whether a feed can bear a study, judged on the claims tables before there is one."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from functools import reduce
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from claimtwin.codes.drugs import PRODUCT, WHOLE, DrugList, read_drug_list
from claimtwin.codes.nearness import FeedCodes
from claimtwin.codes.rules import SYSTEMS as CODING_SYSTEMS
from claimtwin.codes.rules import care_families, diagnosis_groups, other_procedures
from claimtwin.codes.usage import ListUsage, usage_of_drugs, usage_of_rules
from claimtwin.config.deployment import Env
from claimtwin.io.collect import collect_compact
from claimtwin.io.files import write_files
from claimtwin.io.tables import Store, read_table
from claimtwin.report.fitness import NOTE, Check, lines, names, page, share
from claimtwin.schema.tables import TABLES
from claimtwin.spark import fitness as counts
from claimtwin.spark.blocks import with_later_columns
from claimtwin.spark.deaths import count_after_deaths, count_deaths
from claimtwin.stats.fitness import FEWEST, standing_out
from claimtwin.stats.withhold import is_small, withhold
from claimtwin.study.concepts import concepts_in, with_concepts
from claimtwin.study.fitness_months import CLAIMS, judge_months
from claimtwin.study.progress import Say

Row = dict[str, Any]
Tables = dict[str, DataFrame]
MOST_ROWS = 1_000_000
ILLNESS = ("conditions", "comorbidities", "elixhauser", "elixhauser_refined")
"""Lists of diagnoses that a feed may well not meet."""
PAGE = "fitness.md"


def validate(spark: SparkSession, env: Env, say: Say) -> Path:
    """Judge the claims tables, tell each check, and write the page to ``output``; its path.

    Raises:
        InputError: The claims were not ingested.
        ConfigError: A code list cannot be read.
    """
    store, made_by = Store(env.tables), "claimtwin ingest"
    tables: Tables = {
        name: with_later_columns(name, read_table(spark, store.table(name), made_by=made_by)) for name in TABLES
    }
    by_concept = [name for name, file in sorted(env.code_lists.items()) if file.codes == "omop_concept"]
    held = {name: concepts_in(spark, env, name) for name in by_concept}
    lists = {name: read_drug_list(name, file) for name, file in sorted(env.code_lists.items())
             if name not in held or held[name][2].get("ndc")}  # fmt: skip
    frames = [counts.count_months(tables[name], name) for name in CLAIMS]
    months = judge_months(_collect(reduce(DataFrame.unionAll, frames), "table"), env.disclosure.min_cell)
    checks = [
        *_people(tables, env),
        *_claims(tables, env),
        *_deaths(tables, env),
        *months.checks,
        *_employers(tables, env),
        *_codes(tables, env, with_concepts(spark, env, lists)),
        *(_concepts(name, *found) for name, found in held.items()),
    ]
    for line in lines(checks):
        say(line)
    write_files(Path(env.output), {PAGE: page(checks, months.sections)})
    return Path(env.output) / PAGE


def _collect(frame: DataFrame, *text: str) -> list[Row]:
    rows: list[Row] = collect_compact(frame, frame.columns, max_rows=MOST_ROWS, text=text).to_pylist()
    return rows


def _share(name: str, row: Row, part: str, whole: str, what: str, env: Env, note: float = NOTE) -> Check:
    """A share of rows or people, withheld where it is of few."""
    return share(name, withhold(row[part], env.disclosure.min_cell), row[whole], note=note, what=f" {what}")


def _people(tables: Tables, env: Env) -> list[Check]:
    row = _collect(counts.count_people(tables["eligibility"]))[0]
    words = {
        "no_birth": "birth date unknown", "two_births": "two birth dates", "too_old": "over 110 years old",
        "unknown_gender": "gender unknown", "two_genders": "two genders",
    }  # fmt: skip
    return [_share(f"people: {text}", row, name, "people", "people", env) for name, text in words.items()]


def _claims(tables: Tables, env: Env) -> list[Check]:
    fills = _collect(counts.count_supply(tables["pharmacy_claim"]))[0]
    words = {
        "no_supply": "days' supply missing", "zero_supply": "days' supply zero", "long_supply": "days' supply over 365",
        "no_quantity": "quantity missing or zero",
    }  # fmt: skip
    checks = [_share(f"pharmacy_claim: {text}", fills, name, "fills", "fills", env) for name, text in words.items()]
    orphans = [counts.count_orphans(tables[name], tables["eligibility"], name) for name in CLAIMS]
    for row in sorted(_collect(reduce(DataFrame.unionAll, orphans), "table"), key=lambda row: str(row["table"])):
        checks.append(_share(f"{row['table']}: person never enrolled", row, "nobody", "lines", "lines", env))
        checks.append(_share(f"{row['table']}: day not enrolled", row, "outside", "lines", "lines", env, note=0.05))
    coded = _collect(counts.count_systems(tables["medical_claim"]))[0]
    for name, text in (("icd_10_early", "ICD-10 before October 2015"), ("icd_9_late", "ICD-9 from October 2015")):
        checks.append(_share(f"medical_claim: {text}", coded, name, "lines_coded", "coded lines", env))
    return checks


def _deaths(tables: Tables, env: Env) -> list[Check]:
    """Deaths that the feed knows of, and what contradicts them; a feed without any asks for no look."""
    row = _collect(count_deaths(tables["eligibility"]))[0]
    known = replace(_share("people: death date known", row, "died", "people", "people", env), look=False)
    checks = [known, _share("people: two death dates", row, "two_deaths", "people", "people", env)]
    late = _collect(count_after_deaths(tables, CLAIMS), "table")
    for row in sorted(late, key=lambda row: str(row["table"])):
        checks.append(_share(f"{row['table']}: day after death", row, "late", "lines", "lines", env))
    return checks


def _employers(tables: Tables, env: Env) -> list[Check]:
    """Fills per person and year of each employer that is not small; who stands out is named."""
    rows = _collect(counts.count_employers(tables["eligibility"], tables["pharmacy_claim"]), "employer_id")
    large = [row for row in rows if not is_small(row["people"], env.disclosure.min_cell) and row["days"] > 0]
    rates = {row["employer_id"]: 365.25 * row["fills"] / row["days"] for row in large}
    out = standing_out(rates)
    none = sorted(row["employer_id"] for row in large if not row["fills"])
    ordered = sorted(rates.values())
    nobody = "none" if len(rates) >= FEWEST else f"cannot be told of fewer than {FEWEST} employers"
    words = f"{ordered[0]:.2f} to {ordered[-1]:.2f}" if ordered else "none to tell"
    return [
        Check(f"pharmacy fills a person and year, {len(rates)} employers", words),
        Check("employers whose fill rate stands out", names(out) or nobody, bool(out)),
        Check("employers with cover for drugs and no fill", names(none) or "none", bool(none)),
    ]


def _codes(tables: Tables, env: Env, drugs: dict[str, DrugList]) -> list[Check]:
    rows = _collect(counts.count_codes(tables["medical_claim"], tables["pharmacy_claim"]), "kind", "code")
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for row in rows:
        found[row["kind"]][row["code"]] = row["lines"]
    checks = []
    if env.ingest.ndc_reference in drugs:
        known = drugs[env.ingest.ndc_reference]
        whole = sum(found["ndc"].values())
        row = {"unmapped": whole - sum(_hits(known, found["ndc"])), "fills": whole}
        checks.append(_share("NDC not on the reference list", row, "unmapped", "fills", "fills", env, note=0.05))
    else:
        words = "cannot be told: `ingest.ndc_reference` names no list of all drugs"
        checks.append(Check("NDC not on the reference list", words))
    checks += _nine_digits(drugs, found["ndc"], env)
    feed, cell = FeedCodes(found), env.disclosure.min_cell
    usages = [usage_of_drugs(name, drug.told_by, drug.digits, feed) for name, drug in drugs.items()]
    for family, procedures in care_families().items():
        usages.append(usage_of_rules(f"care {family}", "hcpcs", procedures.spans(), feed))
    usages += _diagnoses("body_regions", feed)
    rare = [usage_of_rules(name, "hcpcs", one.spans(), feed) for name, one in other_procedures().items()]
    rare += [usage for name in ILLNESS for usage in _diagnoses(name, feed)]
    told = [_usage(usage, feed, cell) for usage in usages]
    # A feed may well be without hospice care or pregnancies: such lists are told, and ask for no look.
    return checks + told + [replace(_usage(usage, feed, cell), look=False) for usage in rare]


def _concepts(name: str, concepts: int, met: int, codes: dict[str, int]) -> Check:
    """A list by concept id: which kinds of codes it stands for in this feed."""
    words = ", ".join(f"{number:,} {kind}" for kind, number in sorted(codes.items())) or "none"
    return Check(f"list {name} by concept id", f"{met:,} of {concepts:,} concepts; codes: {words}", not met)


def _diagnoses(name: str, feed: FeedCodes) -> list[ListUsage]:
    """A list of diagnoses against the codes of each coding system that the feed has."""
    return [
        usage_of_rules(f"{name.replace('_', ' ')} {system}", system, spans, feed)
        for system in CODING_SYSTEMS
        if feed.of(system) and (spans := [span for _, span in diagnosis_groups(name, system)])
    ]


def _hits(drug: DrugList, counts: dict[str, int]) -> tuple[int, int]:
    """Lines whose code is listed whole, and those told by its first digits only."""
    found = dict(zip(counts, drug.match(list(counts)).tolist(), strict=True))
    whole, product = (sum(n for code, n in counts.items() if found[code] == how) for how in (WHOLE, PRODUCT))
    return whole, product


def _nine_digits(drugs: dict[str, DrugList], counts: dict[str, int], env: Env) -> list[Check]:
    """Of each list that first digits are enough for: how many of its lines they brought in."""
    checks = []
    for name, drug in drugs.items():
        if drug.digits is not None:
            row = dict(zip(("whole", "product"), _hits(drug, counts), strict=True))
            row["lines"] = sum(row.values())
            what = f"list {name}: told by the first {drug.digits} digits only"
            checks.append(_share(what, row, "product", "lines", "lines", env, note=0.05))
    return checks


def _usage(usage: ListUsage, feed: FeedCodes, min_cell: int) -> Check:
    """A list that nothing meets asks for a look; near codes of few lines stay unnamed."""
    lines = [(one.code, feed.of(one.kind)[one.code]) for one in usage.near]
    near: Sequence[str] = [f"{code} ({rows:,})" for code, rows in lines if not is_small(rows, min_cell)]
    words = f"{usage.hits:,} lines; {len(usage.idle):,} of {usage.rules:,} rules without any"
    return Check(f"list {usage.name}", words + (f"; almost: {names(near)}" if near else ""), not usage.hits)
