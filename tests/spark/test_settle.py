"""Settling against a clerk's stack of slips, and what must not change a feed."""

from collections import Counter
from decimal import Decimal
from random import Random

import pytest
from claimtwin.config.deployment import Ingest, Settle
from claimtwin.spark.contract import keep_accepted, keep_rejected
from claimtwin.spark.settle import REASONS, SAME_FILL, SAME_SERVICE, count_settled, count_styles, settle, style_of
from pyspark.sql import functions as F

from tests.oracle.settled_by_hand import below
from tests.oracle.settled_by_hand import settle as by_hand
from tests.spark.test_contract import judged

CASES = 60
LABELS = ("person_id", "claim_id", "claim_line_number", "data_source", "paid_date", "allowed_amount")
WORDS = dict(REASONS)


def fill(dice, case):
    return {
        "claim_id": f"{case}-{dice.randint(1, 3)}", "claim_line_number": str(dice.randint(1, 2)), "data_source": "d",
        "person_id": f"p{case}", "employer_id": f"e{case % 3}", "ndc_code": "00123456789",
        "dispensing_date": dice.choice(["2020-03-01", "2020-04-01"]),
        "quantity": dice.choice(["30", "30", "-30", "60", "-60", None]), "days_supply": dice.choice(["10", None]),
        "paid_date": dice.choice([None, "2020-05-01"]), "allowed_amount": dice.choice(["5.50", "5.50", "-5.50"]),
    }  # fmt: skip


def service(dice, case):
    empty = dict.fromkeys((*SAME_SERVICE, "employer_id"))
    return empty | {
        "claim_id": f"{case}-{dice.randint(1, 2)}", "claim_line_number": str(dice.randint(1, 2)), "data_source": "d",
        "person_id": f"p{case}", "claim_start_date": "2020-03-01",
        "hcpcs_code": dice.choice(["97110", "97110", "97161"]),
        "paid_date": dice.choice([None, "2020-05-01", "2020-06-01"]),
        "allowed_amount": dice.choice(["80.00", "80.00", "-80.00", "75.00", "-75.00", None]),
    }  # fmt: skip


def feed_of(make, seed):
    """Many people's slips, each person's apart; some slips are copied."""
    slips = []
    for case in range(CASES):
        dice = Random(f"{seed}-{case}")
        mine = [make(dice, case) for _ in range(dice.randint(1, 7))]
        slips += mine + [dict(slip) for slip in mine if dice.random() < 0.2]
    return slips


def typed(spark, slips, parts=2):
    """The slips as rows that broke no rule."""
    kinds = {"quantity": "decimal(12,3)", "allowed_amount": "decimal(12,2)", "days_supply": "int"}
    frame = spark.createDataFrame(slips, ", ".join(f"{name} string" for name in slips[0])).repartition(parts)
    days = [name for name in slips[0] if name.endswith("_date")]
    values = [F.col(n).cast(kinds.get(n, "date" if n in days else "string")).alias(f"value_{n}") for n in slips[0]]
    return frame.select(F.struct("*").alias("raw"), *values, F.array().cast("array<int>").alias("broken"))


def settled(spark, slips, table="pharmacy_claim", parts=2, late=(), **rules):
    """Each slip and its fate; ``late`` slips come in a file of their own."""
    rules = rules or {"pharmacy": "net_reversals"}
    rows = typed(spark, slips, parts)
    rows = rows.unionAll(typed(spark, late, 1)) if late else rows
    found = settle(rows, table, Settle(**rules), 0).select("raw.*", "broken")
    rows = [(row, row.pop("broken")) for row in found.toArrow().to_pylist()]
    return [(row, REASONS[broken[0]][0] if broken else None) for row, broken in rows]


def counted(told):
    return Counter((tuple(slip[name] for name in LABELS), fate) for slip, fate in told if fate)


def kept(told):
    """What stays, as a feed in order."""
    rows = [slip for slip, fate in told if fate is None]
    return sorted(rows, key=lambda row: [(v is not None, v or "") for v in row.values()])


@pytest.mark.parametrize(("key", "duplicates"), [("fill", "after_netting"), ("claim", "before_netting")])
def test_fills_are_settled_as_slips_are(spark, key, duplicates):
    slips = feed_of(fill, f"{key}{duplicates}")
    told = settled(spark, slips, pharmacy="net_reversals", pharmacy_key=key, duplicates=duplicates)
    columns = (*SAME_FILL, "claim_id") if key == "claim" else SAME_FILL
    takes_back = lambda s: below(s, "quantity", "days_supply", "allowed_amount")  # noqa: E731
    expected = by_hand(slips, columns, takes_back, "quantity", "new_id", duplicates)
    assert counted(told) == counted(zip(slips, expected, strict=True))
    assert len(told) == len(slips)
    assert {fate for fate in expected if fate} == set(WORDS) - {"settled_replaced"}
    assert not [slip for slip in kept(told) if takes_back(slip)]


@pytest.mark.parametrize("how", ["new_id", "same_id_code", "mixed"])
def test_services_are_settled_as_slips_are(spark, how):
    slips = feed_of(service, how)
    told = settled(spark, slips, "medical_claim", medical=how)
    takes_back = lambda s: below(s, "allowed_amount")  # noqa: E731
    expected = by_hand(slips, SAME_SERVICE, takes_back, "allowed_amount", how, "after_netting")
    assert counted(told) == counted(zip(slips, expected, strict=True))
    assert CASES // 2 < len(kept(told)) == expected.count(None)


EARLY, MIDDLE, LATE = "2020-05-01", "2020-06-01", "2020-07-01"
ONE_LINE = {  # amounts and payment days of one claim and line, and the amount that stands
    "corrected, never dated": ([(80, None), (-80, None), (70, None)], 70),
    "corrected on one day": ([(80, EARLY), (-80, MIDDLE), (70, MIDDLE)], 70),
    "corrected all at once": ([(80, EARLY), (-80, EARLY), (70, EARLY)], 70),
    "reversal sent twice": ([(80, EARLY), (-80, MIDDLE), (-80, MIDDLE), (70, MIDDLE)], 70),
    "paid again alike": ([(80, EARLY), (-80, MIDDLE), (80, MIDDLE)], 80),
    "corrected before it is taken back": ([(80, EARLY), (70, EARLY), (-80, MIDDLE)], 70),
    "replaced": ([(80, EARLY), (70, MIDDLE)], 70),
    "replaced, then void": ([(80, EARLY), (70, MIDDLE), (-70, LATE)], None),
    "replaced alike, then void": ([(80, EARLY), (80, MIDDLE), (-80, LATE)], None),
    "corrected, then void": ([(80, EARLY), (-80, MIDDLE), (70, MIDDLE), (-70, LATE)], None),
    "void by another amount": ([(80, EARLY), (-75, MIDDLE)], None),
    "void": ([(80, None), (-80, None)], None),
}


def test_one_claim_and_line_ends_as_its_last_word_says(spark):
    blank = service(Random(0), 0) | {"claim_line_number": "1"}
    cases = enumerate(ONE_LINE.items())
    slips = [
        blank | {"claim_id": f"{k} {name}", "allowed_amount": f"{cents}.00", "paid_date": day}
        for k, (name, (lines, _)) in cases for cents, day in lines
    ]  # fmt: skip
    slips = [slip | {"person_id": slip["claim_id"]} for slip in slips]
    left = kept(settled(spark, slips[::-1], "medical_claim", medical="same_id_code"))
    found = {slip["claim_id"].split(" ", 1)[1]: Decimal(slip["allowed_amount"]) for slip in left}
    assert found == {name: Decimal(amount) for name, (_, amount) in ONE_LINE.items() if amount}
    assert len(left) == len(found)


@pytest.mark.parametrize("style", ["new_id", "same_id_code", "mixed"])
def test_a_correction_beside_its_reversal_stays_under_every_style(spark, style):
    """Whether it comes under the old id or a new one, dated or not: the sum is what was paid in the end."""
    ids = {"new_id": "123", "same_id_code": "111", "mixed": "121"}[style]
    slips = []
    for who, days in {"dated": [EARLY, MIDDLE, MIDDLE], "tied": [EARLY] * 3, "undated": [None] * 3}.items():
        blank = service(Random(0), 0) | {"claim_line_number": "1", "person_id": who}
        lines = zip(ids, ("80.00", "-80.00", "70.00"), days, strict=True)
        slips += [blank | {"claim_id": who + i, "allowed_amount": cents, "paid_date": day} for i, cents, day in lines]
    left = kept(settled(spark, slips, "medical_claim", medical=style))
    assert sorted((slip["person_id"], slip["allowed_amount"]) for slip in left) == [
        ("dated", "70.00"), ("tied", "70.00"), ("undated", "70.00"),
    ]  # fmt: skip


def test_settling_twice_is_settling_once_and_order_does_not_matter(spark):
    slips = feed_of(fill, "twice")
    once = kept(settled(spark, slips))
    assert kept(settled(spark, once)) == once
    assert kept(settled(spark, Random(1).sample(slips, len(slips)), parts=5)) == once


def test_a_claim_with_its_reversal_and_a_feed_sent_again_change_nothing(spark):
    slips = [slip for slip in feed_of(fill, "plain") if not below(slip, "quantity", "allowed_amount")]
    extra = slips[0] | {"claim_id": "new", "quantity": "77", "allowed_amount": "1.00"}
    late = extra | {"claim_id": "late", "quantity": "-77", "paid_date": "2021-01-01"}
    plain = kept(settled(spark, slips))
    assert kept(settled(spark, [*slips, extra, late])) == plain
    assert kept(settled(spark, [*slips, *slips])) == plain


def test_a_feed_in_two_files_whose_second_one_takes_back_is_the_whole_feed(spark):
    slips = feed_of(fill, "files")
    late = [slip for slip in slips if below(slip, "quantity", "allowed_amount")]
    first = [slip for slip in slips if slip not in late]
    assert len(late) > 10
    assert kept(settled(spark, first, late=late)) == kept(settled(spark, slips))


def test_counts_by_employer_and_month_add_up_to_the_feed(spark):
    slips = feed_of(fill, "sums")
    rows = settle(typed(spark, slips), "pharmacy_claim", Settle(pharmacy="net_reversals"), 0)
    found = count_settled(rows, "pharmacy_claim", REASONS).toArrow().to_pylist()
    assert sum(row["rows"] for row in found) == len(slips)
    assert sum(row["cents"] for row in found) == sum(int(Decimal(slip["allowed_amount"]) * 100) for slip in slips)
    months = Counter()
    for row in found:
        months[row["employer_id"], row["month"]] += row["rows"]
    assert months == Counter((slip["employer_id"], slip["dispensing_date"][:7]) for slip in slips)
    assert {"accepted", "settled_orphan"} <= {row["fate"] for row in found}


def test_a_feed_is_settled_where_it_is_judged(spark):
    """Negative quantities are refused in a final feed, and settled in one that takes fills back; keys come after."""
    slips = [{}, {"quantity": "-30", "claim_line_number": "1"}, {"quantity": "60", "claim_line_number": "2"}]
    final = judged(spark, "pharmacy_claim", slips, Ingest())
    rules = Ingest(settle=Settle(pharmacy="net_reversals"), on_duplicate_key="reject")
    net = judged(spark, "pharmacy_claim", slips, rules)
    refused = [keep_rejected(one, "t", "r").toArrow().to_pylist() for one in (final, net)]
    told = [[rule for row in rows for rule in row["rule_ids"]] for rows in refused]
    assert [sorted(ids) for ids in told] == [["not_negative"], ["settled_reversal", "settled_reversed"]]
    assert keep_accepted(net).select("quantity").toArrow().to_pylist() == [{"quantity": Decimal(60)}]


BACK = {"allowed_amount": "-80.00"}
STYLES = {
    "already_final": [{}, {"claim_id": "2"}],
    "new_id": [{}, BACK | {"claim_id": "2"}, {"claim_id": "3", "allowed_amount": "70.00"}],
    "same_id_code": [{}, BACK, {"claim_id": "3"}, {"claim_id": "3", "allowed_amount": "70.00"}],
    "mixed": [{}, BACK | {"claim_id": "2"}, {"claim_id": "3"}, {"claim_id": "3", "allowed_amount": "70.00"}],
}


@pytest.mark.parametrize("style", STYLES)
def test_the_detector_tells_the_style_by_its_evidence(spark, style):
    plain = service(Random(0), 0) | {"claim_id": "1", "claim_line_number": "1", "allowed_amount": "80.00"}
    slips = [plain | change for change in STYLES[style]]
    evidence = count_styles(typed(spark, slips, 1), "medical_claim").toArrow().to_pylist()[0]
    assert style_of(evidence) == style
    assert evidence["n"] == len(slips)
