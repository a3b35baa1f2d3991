"""Code lists by OMOP concept id turned into the codes of the claims, by what the ingested OMOP tables say of both.

An ingest of OMOP tables keeps which source code stood beside which concept (``omop_codes``): that is the mapping that
this feed was made with, so a list picks the very rows that have its concepts, and no vocabulary need be at hand.
"""

from collections import defaultdict
from dataclasses import replace

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from claimtwin.codes.concepts import read_concepts
from claimtwin.codes.drugs import DrugList
from claimtwin.codes.ndc import readings
from claimtwin.config.deployment import Env
from claimtwin.config.protocol import Protocol
from claimtwin.errors import ConfigError
from claimtwin.io.adapters.omop import concept_codes
from claimtwin.io.collect import collect_compact
from claimtwin.io.tables import Store, read_table, table_state, write_table
from claimtwin.spark.decode import CodeBook
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
    return replace(book, drugs=with_concepts(spark, env, book.drugs, say))


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
    known = read_table(spark, Store(env.tables).table(TABLE), made_by="claimtwin ingest --format omop")
    asked = known.where(F.col("kind") == "ndc").where(F.col("concept_id").isin(*sorted(concepts)))
    rows = collect_compact(asked.select("concept_id", "code"), ["concept_id", "code"], max_rows=MOST_CODES,
                           text=["code"]).to_pylist()  # fmt: skip
    found: dict[int, set[str]] = defaultdict(set)
    for row in rows:
        read = readings(row["code"])
        found[row["concept_id"]] |= set(read) if len(read) == 1 else set()
    return found


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
