"""Code lists by OMOP concept id turned into the codes of the claims, by what the ingested OMOP tables say of both.

An ingest of OMOP tables keeps which source code stood beside which concept (``omop_codes``): that is the mapping that
this feed was made with, so a list picks the very rows that have its concepts, and no vocabulary need be at hand.
"""

from collections import Counter, defaultdict
from dataclasses import replace
from typing import Any

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from claimtwin.codes.concepts import PROCEDURE_KIND, as_claimed, read_concepts
from claimtwin.codes.drugs import DrugList
from claimtwin.codes.ndc import readings
from claimtwin.codes.rules import SYSTEMS, WHOLE, Procedures, Range
from claimtwin.config.deployment import Env
from claimtwin.config.events import USER_LISTS
from claimtwin.config.protocol import Protocol
from claimtwin.errors import ConfigError
from claimtwin.io.adapters.omop import concept_codes
from claimtwin.io.collect import collect_compact
from claimtwin.io.tables import Store, read_table, table_state, write_table
from claimtwin.spark.code_book import CodeBook
from claimtwin.study.codebook import read_code_book
from claimtwin.study.progress import Say, say_nothing

TABLE = "omop_codes"
MOST_CODES = 1_000_000
Drugs = dict[str, DrugList]


def write_concepts(spark: SparkSession, env: Env, source: str) -> None:
    """``omop_codes``: one row a kind, concept and code of the feed, with the rows that have both."""
    write_table(concept_codes(spark, env.ingest, source), Store(env.tables).table(TABLE))


def drop_concepts(spark: SparkSession, env: Env) -> None:
    """Empty ``omop_codes`` where an earlier feed left it: it tells nothing of claims of another form."""
    ref = Store(env.tables).table(TABLE)
    if table_state(spark, ref) is not None:
        write_table(read_table(spark, ref, made_by="").limit(0), ref)


def read_book(spark: SparkSession, protocol: Protocol, env: Env, say: Say = say_nothing) -> CodeBook:
    """The code lists of a study, those by concept id with the codes of the ingested claims (``with_concepts``)."""
    book = read_code_book(protocol, env)
    drugs = with_concepts(spark, env, book.drugs, say)
    return with_events(spark, protocol, env, replace(book, drugs=drugs), say)


def with_events(spark: SparkSession, protocol: Protocol, env: Env, book: CodeBook, say: Say = say_nothing) -> CodeBook:
    """The same book, its users' lists of diagnoses and procedures with the codes of the feed that have their concepts.

    Codes count whole, diagnoses in their own coding system: another code that begins alike is not of the list.

    Raises:
        InputError: The claims are not of OMOP tables.
        ConfigError: None of a list's concepts stands beside a diagnosis, or a procedure, of the feed.
    """
    names = protocol.user_lists()
    if not names:
        return book
    listed = {f"{USER_LISTS}{name}": read_concepts(name, env.code_lists[name]) for name in names}
    found = events_by_concept(spark, env, frozenset().union(*listed.values()))
    diagnosed = {*book.diagnoses, *filter(None, book.arm_diagnoses)}
    rules, lists = dict[str, str](), dict[str, Procedures]()
    for name, concepts in listed.items():
        own = [pair for concept in sorted(concepts) for pair in sorted(found.get(concept, ()))]
        if name in diagnosed:
            codes = sorted({f"{kind}:{WHOLE}{code}" for kind, code in own if kind != PROCEDURE_KIND})
            rules[name] = "|".join(_told(name, "diagnosis", concepts, codes, say))
        if name in book.procedures:
            codes = sorted({code for kind, code in own if kind == PROCEDURE_KIND})
            lists[name] = Procedures(
                tuple(Range(code, code) for code in _told(name, "procedure", concepts, codes, say))
            )
    arms = [lists.get(str(arm.procedures), own) for arm, own in zip(protocol.arm_list(), book.arms, strict=True)]
    return replace(book, listed=rules, procedures=book.procedures | lists, arms=(arms[0], arms[1]))


def events_by_concept(spark: SparkSession, env: Env, concepts: frozenset[int]) -> dict[int, set[tuple[str, str]]]:
    """Kind and code, in the form of the claims, of the diagnoses and procedures that have one of the concepts."""
    found: dict[int, set[tuple[str, str]]] = defaultdict(set)
    for row in _rows(spark, env, (*SYSTEMS, PROCEDURE_KIND), concepts):
        found[row["concept_id"]].add((row["kind"], as_claimed(row["code"], row["kind"])))
    return found


def _told(name: str, what: str, concepts: frozenset[int], codes: list[str], say: Say) -> list[str]:
    if not codes:
        raise ConfigError(
            f"None of the {len(concepts):,} concepts of a list stands beside a {what} of the claims.",
            f"env: {name}", "docs/omop.md",
            "list standard concepts with their descendants, or source concepts; ingest again if an older version did",
        )  # fmt: skip
    say(f"list {name.removeprefix(USER_LISTS)}: {len(codes):,} {what} codes of the claims have its concepts")
    return codes


def with_concepts(spark: SparkSession, env: Env, drugs: Drugs, say: Say = say_nothing) -> Drugs:
    """The same lists, those by concept id with the drug codes of the feed whose rows have one of their concepts.

    Raises:
        InputError: The claims are not of OMOP tables.
        ConfigError: None of a list's concepts stands beside a drug code of the feed.
    """
    listed = {
        name: read_concepts(name, env.code_lists[name])
        for name in sorted(drugs)
        if name in env.code_lists and env.code_lists[name].codes == "omop_concept"
    }
    if not listed:
        return drugs
    found = _codes_by_concept(spark, env, frozenset().union(*listed.values()))
    return drugs | {name: _resolved(drugs[name], concepts, found, say) for name, concepts in listed.items()}


def _codes_by_concept(spark: SparkSession, env: Env, concepts: frozenset[int]) -> dict[int, set[str]]:
    """Drug codes in the form of the claims; a text that is no code, or could be several, is none here either."""
    found: dict[int, set[str]] = defaultdict(set)
    for row in _rows(spark, env, ("ndc",), concepts):
        read = readings(row["code"])
        found[row["concept_id"]] |= set(read) if len(read) == 1 else set()
    return found


def concepts_in(spark: SparkSession, env: Env, name: str) -> tuple[int, int, dict[str, int]]:
    """Concepts of a list, how many of them the feed has, and how many codes of each kind stand beside them.

    Raises:
        ConfigError: The list cannot be read.
        InputError: The claims are not of OMOP tables.
    """
    concepts = read_concepts(name, env.code_lists[name])
    rows = _rows(spark, env, ("ndc", *SYSTEMS, PROCEDURE_KIND), concepts)
    codes = Counter(kind for kind, _ in {(row["kind"], row["code"]) for row in rows})
    return len(concepts), len({row["concept_id"] for row in rows}), dict(codes)


def _rows(spark: SparkSession, env: Env, kinds: tuple[str, ...], concepts: frozenset[int]) -> list[dict[str, Any]]:
    """Kind, concept and code of the feed's codes of these kinds."""
    known = read_table(spark, Store(env.tables).table(TABLE), made_by="claimtwin ingest --format omop")
    asked = known.where(F.col("kind").isin(*kinds)).where(F.col("concept_id").isin(*sorted(concepts)))
    names = ["kind", "concept_id", "code"]
    rows: list[dict[str, Any]] = collect_compact(
        asked.select(*names), names, max_rows=MOST_CODES, text=["kind", "code"]
    ).to_pylist()
    return rows


def _resolved(drugs: DrugList, concepts: frozenset[int], found: dict[int, set[str]], say: Say) -> DrugList:
    whole = {code for concept in concepts for code in found.get(concept, ())}
    seen = sum(bool(found.get(concept)) for concept in concepts)
    if not whole:
        raise ConfigError(
            f"None of the {len(concepts):,} concepts of a list stands beside a drug code of the claims.",
            f"env: code_lists.{drugs.name}", "docs/omop.md",
            "list standard concepts of drug_exposure with their descendants, or source concepts",
        )  # fmt: skip
    say(f"list {drugs.name}: {seen:,} of {len(concepts):,} concepts in the claims, as {len(whole):,} drug codes")
    return replace(drugs, codes=frozenset(whole))
