"""Planted reversals, adjustments and voids, settled by an ingest: what stands are the clean rows."""

import pytest
from claimtwin.config.deployment import Ingest
from claimtwin.schema.feed import Feed
from claimtwin.spark.contract import keep_accepted
from claimtwin.synth import NO_DIRT, SynthSpec, synth_frames
from claimtwin.synth.calendar import DATA_THROUGH
from claimtwin.synth.feed import generate
from pyspark.sql import SparkSession

from tests.support.feeds import judged_feed

MEMBERS = 400
CASES = {
    "same_id_code": ("adjusted_same_id",),
    "mixed": ("adjusted_mixed", "void_and_replace"),
}


@pytest.mark.parametrize("style", CASES)
def test_what_stands_after_settling_are_the_clean_lines(spark: SparkSession, style: str) -> None:
    kinds = dict.fromkeys((*CASES[style], "reversal", "late_reversal"), 0.3)
    dirty = SynthSpec(members=MEMBERS, dirt=NO_DIRT.model_copy(update=kinds))
    settle = {"pharmacy": "net_reversals", "pharmacy_key": "claim", "medical": style, "duplicates": "keep"}
    rules = Ingest(data_through=DATA_THROUGH, on_duplicate_key="reject", settle=settle)
    frames = synth_frames(spark, dirty)
    clean = generate(dirty.model_copy(update={"dirt": NO_DIRT}), 0, MEMBERS)
    for name, day, code in (
        ("medical_claim", "claim_start_date", "hcpcs_code"),
        ("pharmacy_claim", "dispensing_date", "ndc_code"),
    ):
        columns = ["person_id", day, code, "allowed_amount"]
        kept = keep_accepted(judged_feed(Feed(name, frames[name]), rules)).select(*columns).toArrow()
        assert len(kept) < generate(dirty, 0, MEMBERS)[name].num_rows
        found = sorted(
            (str(a), str(b), str(c), str(d)) for a, b, c, d in zip(*(kept[k].to_pylist() for k in columns), strict=True)
        )
        meant = sorted(zip(*(clean[name][k].to_pylist() for k in columns), strict=True))
        assert found == meant
