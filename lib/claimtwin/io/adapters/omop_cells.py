"""Cells of OMOP tables as text: ids, days, words for concepts, and the vocabulary that a source concept has."""

from pyspark.sql import Column as Cell
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from claimtwin.schema.feed import CORRUPT


def with_vocabulary(tables: dict[str, DataFrame], table: str, concept: str) -> DataFrame:
    """Rows with the ``vocabulary`` of a source concept, empty where the concept is not known, and with ``CORRUPT``."""
    concepts = tables["concept"].select(plain("concept_id").alias("_concept"), F.col("vocabulary_id").alias("_told"))
    rows = with_corrupt(tables[table]).withColumn("_concept", plain(concept))
    known = rows.join(F.broadcast(concepts.dropDuplicates(["_concept"])), "_concept", "left")
    return known.withColumn("vocabulary", F.coalesce("_told", F.lit(""))).drop("_concept", "_told")


def with_corrupt(rows: DataFrame) -> DataFrame:
    """The same with the column ``CORRUPT``: null of files that cannot be broken in a line."""
    return rows if CORRUPT in rows.columns else rows.withColumn(CORRUPT, F.lit(None).cast("string"))


def plain(name: str) -> Cell:
    """An id as text, without the ``.0`` of a number that was read as a fraction."""
    return F.regexp_replace(F.trim(F.col(name).cast("string")), r"\.0*$", "")


def id_of(name: str, alias: str = "") -> Cell:
    """``plain`` under its own or another name."""
    return plain(name).alias(alias or name)


def day_of(name: str, alias: str) -> Cell:
    """A date as text; a bare number is taken for days since 1970, as R writes dates."""
    text = F.trim(F.col(name).cast("string"))
    number = F.when(text.rlike(r"^-?[0-9]{1,5}(\.0*)?$"), F.split_part(text, F.lit("."), F.lit(1))).try_cast("int")
    return F.coalesce(F.date_from_unix_date(number).cast("string"), F.substring(text, 1, 10)).alias(alias)


def word(name: str, words: dict[str, str], other: str | None) -> Cell:
    """What a concept id stands for; ``other`` where it is none of ``words``."""
    known = F.create_map(*(F.lit(part) for pair in words.items() for part in pair))
    return F.coalesce(F.try_element_at(known, plain(name)), F.lit(other).cast("string"))
