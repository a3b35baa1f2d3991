"""What must not change a fact: claims with their reversals, adjustments, rows sent again, and how a feed is cut."""

from decimal import Decimal
from random import Random

import pyarrow as pa
from claimtwin.codes.opioids import Product
from claimtwin.codes.rules import care_families
from claimtwin.config.deployment import Ingest
from claimtwin.config.histories import EpisodeRules, FillRules, SupplyRules
from claimtwin.io.adapters.contract import read_contract
from claimtwin.schema.tables import TABLES
from claimtwin.spark.arrow import from_cell
from claimtwin.spark.blocks import MEMBERS, build_blocks
from claimtwin.spark.contract import keep_accepted
from claimtwin.spark.decode import claims_of_block
from claimtwin.spark.facts import candidates_of_block
from claimtwin.spark.histories import _episodes_of_block, _fills_of_block, _runs_of_block
from claimtwin.study.local import block_of, synth_book, synth_protocol
from claimtwin.synth.calendar import DATA_THROUGH
from claimtwin.synth.catalogue import opioid_codes
from claimtwin.synth.feed import generate
from claimtwin.synth.spec import NO_DIRT, SynthSpec
from pyarrow import csv

from tests.support.feeds import judged_feed

PEOPLE = 100
DISTURBED = ("reversal", "late_reversal", "adjusted_mixed", "void_and_replace", "duplicate")
SETTLE = {"pharmacy": "net_reversals", "pharmacy_key": "claim", "medical": "mixed", "duplicates": "before_netting"}
RULES = Ingest(data_through=DATA_THROUGH, on_duplicate_key="reject", settle=SETTLE)
"""Single lines are doubled, so duplicates are found before netting, as docs/decisions/013-settling.md has it."""
PRODUCTS = tuple(
    Product(code, "hydrocodone", "Tablet", False, Decimal(5), "MG", "pain") for code in sorted(opioid_codes())
)


def facts(block):
    """Everything that a study makes of a block, row by row."""
    protocol = synth_protocol(2020)
    book = synth_book(protocol)
    claims = claims_of_block(block, book)
    return {
        "candidates": candidates_of_block(block, protocol, book).to_pylist(),
        "fills": _fills_of_block(block, PRODUCTS, FillRules()).to_pylist(),
        "runs": _runs_of_block(block, PRODUCTS, FillRules(), SupplyRules()).to_pylist(),
        "episodes": _episodes_of_block(block, care_families(), EpisodeRules()).to_pylist(),
        # A corrected line may stand under another claim id, and lines of a day are in the order of their ids.
        "lines": in_order(claims.services, "member", "day", "cents"),
        "spans": in_order(claims.coverage, "member", "start", "stop"),
    }


def in_order(part, *names):
    return sorted(zip(*(getattr(part, name).tolist() for name in names), strict=True))


def packed(spark, folder):
    """The one block that an ingest of the folder and a packing would make, as bytes."""
    feeds = read_contract(spark, RULES, str(folder))
    rows = {feed.table: keep_accepted(judged_feed(feed, RULES)) for feed in feeds}
    return build_blocks(rows, 0).toArrow().to_pylist()[0]


def write_feed(folder, feed, files, dice):
    """The rows of each table over so many files; with several in another order, what was paid last in the last."""
    for name, table in feed.items():
        (folder / name).mkdir(parents=True)
        rows = list(range(table.num_rows))
        if files > 1:
            dice.shuffle(rows)
            paid = table["paid_date"].to_pylist() if "paid_date" in table.column_names else [""] * table.num_rows
            rows.sort(key=lambda k: str(paid[k]) >= "2020-07-01")
        for number in range(files):
            own = table.take(
                pa.array(rows[number * len(rows) // files : (number + 1) * len(rows) // files], pa.int64())
            )
            csv.write_csv(own, folder / name / f"{dice.randrange(10**6)}-{number}.csv")


def test_what_is_taken_back_sent_again_late_or_cut_otherwise_changes_no_fact_and_no_byte(spark, tmp_path):
    spec = SynthSpec(members=PEOPLE, dirt=NO_DIRT.model_copy(update=dict.fromkeys(DISTURBED, 0.4)))
    clean = generate(spec.model_copy(update={"dirt": NO_DIRT}), 0, PEOPLE)
    disturbed = generate(spec, 0, PEOPLE)
    assert all(
        disturbed[name].num_rows > clean[name].num_rows + PEOPLE // 10 for name in ("medical_claim", "pharmacy_claim")
    )
    for files in (1, 3):
        write_feed(tmp_path / str(files), disturbed, files, Random(files))
    whole, cut = (packed(spark, tmp_path / str(files)) for files in (1, 3))
    assert whole == cut
    block = {name: from_cell(whole[name]) for name in (MEMBERS, *TABLES)} | {"block_id": pa.table({"block_id": [0]})}
    found, expected = facts(block), facts(block_of(clean))
    assert all(len(expected[name]) for name in expected)
    for name, rows in expected.items():
        assert found[name] == rows, name
