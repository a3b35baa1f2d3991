"""Planted reversals, adjustments and voids, settled by an ingest: what stands are the clean rows."""

from pathlib import Path

import pytest
from claimtwin.config.deployment import Env
from claimtwin.io.feeds import write_frame
from claimtwin.study.ingest import ingest
from claimtwin.synth import NO_DIRT, SynthSpec, synth_frames
from claimtwin.synth.calendar import DATA_THROUGH
from claimtwin.synth.feed import generate
from pyspark.sql import SparkSession

MEMBERS = 400
CASES = {
    "new_id": ("adjusted_new_id",),
    "same_id_code": ("adjusted_same_id",),
    "mixed": ("adjusted_mixed", "void_and_replace"),
}


@pytest.mark.parametrize("style", CASES)
def test_what_stands_after_settling_are_the_clean_lines(spark: SparkSession, tmp_path: Path, style: str) -> None:
    kinds = dict.fromkeys((*CASES[style], "reversal", "late_reversal"), 0.3)
    dirty = SynthSpec(members=MEMBERS, dirt=NO_DIRT.model_copy(update=kinds))
    for name, rows in synth_frames(spark, dirty).items():
        write_frame(rows, tmp_path / "feed" / name, "parquet")
    settle = {"pharmacy": "net_reversals", "pharmacy_key": "claim", "medical": style, "duplicates": "keep"}
    rules = {"data_through": DATA_THROUGH, "on_duplicate_key": "reject", "settle": settle}
    env = Env(tables=str(tmp_path / "tables"), output=str(tmp_path), ingest=rules)
    counts = {c.table: c for c in ingest(spark, env, "contract", str(tmp_path / "feed"), lambda line: None)}
    clean = generate(dirty.model_copy(update={"dirt": NO_DIRT}), 0, MEMBERS)
    for name, day, code in (
        ("medical_claim", "claim_start_date", "hcpcs_code"),
        ("pharmacy_claim", "dispensing_date", "ndc_code"),
    ):
        assert counts[name].rejected > 0
        columns = ["person_id", day, code, "allowed_amount"]
        kept = spark.read.format("delta").load(f"{tmp_path}/tables/{name}").select(*columns).toArrow()
        found = sorted(
            (str(a), str(b), str(c), str(d)) for a, b, c, d in zip(*(kept[k].to_pylist() for k in columns), strict=True)
        )
        meant = sorted(zip(*(clean[name][k].to_pylist() for k in columns), strict=True))
        assert found == meant
