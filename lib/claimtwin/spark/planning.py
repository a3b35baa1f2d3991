"""What a match would have to work with, before it is made."""

from collections.abc import Sequence

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from claimtwin.spark.scores import block_name

BLOCK_SIZES = ("block", "treated", "comparators")


def count_block_sizes(eligible: DataFrame, block_keys: Sequence[str]) -> DataFrame:
    """One row per block: people of each arm; one aggregation, and no order among the rows.

    Args:
        eligible: Candidates who met the criteria.
        block_keys: As in the protocol; none makes one block of all.
    """
    sizes = (F.count_if(F.col("treated")).alias("treated"), F.count_if(~F.col("treated")).alias("comparators"))
    return eligible.groupBy(block_name(block_keys).alias("block")).agg(*sizes).select(*BLOCK_SIZES)
