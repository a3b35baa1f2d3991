"""Ten bare digits of an NDC, read by a reference list before the contract judges them."""

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from claimtwin.codes.drugs import read_drug_list
from claimtwin.codes.ndc import Resolved, resolve
from claimtwin.config.deployment import Env
from claimtwin.errors import ConfigError
from claimtwin.io.collect import collect_compact
from claimtwin.schema.feed import Feed, Source
from claimtwin.study.progress import Say

MOST_CODES = 100_000
TEN = "^[0-9]{10}$"


def read_bare_codes(spark: SparkSession, env: Env, feed: Feed, source: Source, say: Say) -> Source:
    """The source of ``ndc_code`` with ten bare digits replaced by the only reading that is on the reference list.

    The distinct codes leave Spark for it: codes of products, not of people. What has no reading or several stays
    as it is, for the contract to refuse.

    Raises:
        ConfigError: The reference list is not named in ``code_lists``, or cannot be read.
    """
    name = env.ingest.ndc_reference
    if name is None:
        return source
    if name not in env.code_lists:
        raise ConfigError(f"No code list is called '{name}'.", "env: ingest.ndc_reference", remedy="name its file")
    known = read_drug_list(name, env.code_lists[name]).codes
    text = F.trim(source.cell.cast("string"))
    bare = feed.frame.select(text.alias("ndc")).where(F.col("ndc").rlike(TEN)).distinct()
    codes = collect_compact(bare, ["ndc"], max_rows=MOST_CODES, text=["ndc"])["ndc"].to_pylist()
    found = resolve(codes, known)
    _tell(found, say)
    if not found.codes:
        return source
    readings = F.create_map(*(F.lit(part) for pair in sorted(found.codes.items()) for part in pair))
    return Source(F.coalesce(F.try_element_at(readings, text), text), source.type)


def _tell(found: Resolved, say: Say) -> None:
    total = len(found.codes) + len(found.ambiguous) + len(found.unknown)
    if total:
        say(
            f"ndc_code: of {total:,} codes of ten bare digits {len(found.codes):,} have one reading on the reference "
            f"list, {len(found.ambiguous):,} have several, {len(found.unknown):,} none"
        )
