"""Dirt that a contract accepts: each kind does what it says, as often as is told, and to nothing else."""

from collections import Counter
from datetime import date
from functools import cache

import numpy as np
import pyarrow as pa
import pytest
from claimtwin.kernel.candidates import Candidates, build_candidates
from claimtwin.kernel.outcomes import count_outcomes
from claimtwin.spark.decode import claims_of_block
from claimtwin.study.local import block_of, synth_book, synth_protocol
from claimtwin.synth import NO_DIRT, SynthSpec, truth_of
from claimtwin.synth.catalogue import opioid_codes
from claimtwin.synth.feed import build_table, generate
from claimtwin.synth.people import draw_people
from claimtwin.synth.spec import REFUSED, Dirt
from claimtwin.synth.truth import sums_of
from claimtwin.synth.unsettled import LONG_HISTORY

MEMBERS = 400
UNSETTLED = [kind for kind in Dirt.model_fields if kind not in REFUSED]
RATES = {"long_history": 0.009, "late_claim": 0.05, "stopped_feed": 0.3}
HARMLESS = ("missing_supply", "zero_supply", "hyphenated_ndc", "dotted_icd", "invalid_code", "index_day_fill",
            "adjusted_new_id", "adjusted_same_id", "adjusted_mixed", "void_and_replace")  # fmt: skip
MORE_FILLS = ("reversal", "late_reversal", "overlapping_fill")


def with_kind(kind: str) -> SynthSpec:
    return SynthSpec(members=MEMBERS, dirt=NO_DIRT.model_copy(update={kind: RATES.get(kind, 0.5)}))


@cache
def feed_of(kind: str | None) -> dict[str, pa.Table]:
    return generate(with_kind(kind) if kind else SynthSpec(members=MEMBERS, dirt=NO_DIRT), 0, MEMBERS)


def rows_of(table: pa.Table) -> Counter:
    return Counter(zip(*(column.to_pylist() for column in table.columns), strict=True))


@pytest.mark.parametrize("kind", UNSETTLED)
def test_each_kind_alone_touches_as_many_rows_as_are_told(kind: str) -> None:
    told = truth_of(with_kind(kind)).dirt
    assert sum(sum(kinds.values()) for kinds in told.values()) == sum(kinds.get(kind, 0) for kinds in told.values()) > 0
    for name, clean in feed_of(None).items():
        before, after = rows_of(clean), rows_of(feed_of(kind)[name])
        added, gone = (after - before).total(), (before - after).total()
        assert max(added, gone) == told[name].get(kind, 0)
        assert feed_of(kind)[name].num_rows - clean.num_rows == added - gone


@pytest.mark.parametrize("kind", UNSETTLED)
def test_keys_stay_unique(kind: str) -> None:
    for name in ("medical_claim", "pharmacy_claim"):
        keys = feed_of(kind)[name].select(["claim_id", "claim_line_number", "data_source"])
        assert len(rows_of(keys)) == keys.num_rows


def added(kind: str, name: str) -> list[dict[str, str]]:
    before = rows_of(feed_of(None)[name])
    names = feed_of(kind)[name].column_names
    return [dict(zip(names, row, strict=True)) for row in rows_of(feed_of(kind)[name]) - before]


@pytest.mark.parametrize("kind", ["reversal", "late_reversal"])
def test_a_reversal_takes_back_a_bill_of_the_same_claim_day_drug_and_quantity(kind: str) -> None:
    pairs = Counter()
    for row in added(kind, "pharmacy_claim"):
        same = ("claim_id", "person_id", "dispensing_date", "ndc_code", "quantity", "days_supply")
        pairs[tuple(row[name] for name in same)] += round(float(row["allowed_amount"]) * 100)
    assert len(pairs) > 5 and set(pairs.values()) == {0}


@pytest.mark.parametrize("kind", ["adjusted_new_id", "adjusted_same_id", "adjusted_mixed", "void_and_replace"])
def test_adjustments_net_to_nothing_beside_the_clean_line(kind: str) -> None:
    money, shared = Counter(), Counter()
    clean = set(feed_of(None)["medical_claim"]["claim_id"].to_pylist())
    for row in added(kind, "medical_claim"):
        money[row["person_id"]] += round(float(row["allowed_amount"]) * 100)
        shared[row["claim_id"] in clean] += 1
    assert len(money) > 50 and set(money.values()) == {0}
    wanted = {"adjusted_same_id": {True}, "adjusted_mixed": {True, False}}.get(kind, {False})
    assert set(shared) == wanted


def studied(feed: dict[str, pa.Table]) -> tuple[Candidates, np.ndarray]:
    """Candidates, and the outcomes of all members after the index that they were drawn with."""
    protocol = synth_protocol(2020)
    claims = claims_of_block(block_of(feed), synth_book(protocol))
    people = draw_people(SynthSpec(members=MEMBERS), 0, MEMBERS)
    return build_candidates(claims, protocol), count_outcomes(claims, protocol, people.number, people.index)


@pytest.mark.parametrize("kind", HARMLESS)
def test_what_nets_to_nothing_leaves_the_study_as_it_is(kind: str) -> None:
    clean, dirty = (studied(feed_of(name)) for name in (None, kind))
    assert np.array_equal(clean[1], dirty[1])
    for name in ("member", "treated", "met", "visits", "cents", "comorbidities"):
        assert np.array_equal(getattr(clean[0], name), getattr(dirty[0], name))


@pytest.mark.parametrize("kind", MORE_FILLS)
def test_dispensings_differ_by_exactly_the_rows_told(kind: str) -> None:
    clean, dirty = (studied(feed_of(name))[1] for name in (None, kind))
    assert np.array_equal(clean[:, 0] > 0, dirty[:, 0] > 0)
    assert (dirty - clean)[:, 1].sum() == truth_of(with_kind(kind)).dirt["pharmacy_claim"][kind] > 0


def test_claims_paid_twice_count_twice_until_they_are_settled() -> None:
    clean, dirty = (studied(feed_of(name)) for name in (None, "paid_twice"))
    assert (dirty[1] - clean[1])[:, 1].sum() == truth_of(with_kind("paid_twice")).dirt["pharmacy_claim"]["paid_twice"]
    assert np.array_equal(clean[0].visits, dirty[0].visits)


@pytest.mark.parametrize("kind", ["stopped_feed", "late_claim"])
def test_dispensings_lost_are_those_of_the_rows_lost(kind: str) -> None:
    """Counted again from the text of the lost rows."""
    name, people = "pharmacy_claim", draw_people(SynthSpec(members=MEMBERS), 0, MEMBERS)
    names = feed_of(None)[name].column_names
    gone = [dict(zip(names, row, strict=True)) for row in rows_of(feed_of(None)[name]) - rows_of(feed_of(kind)[name])]
    lost = np.zeros(MEMBERS, np.int64)
    for row in gone:
        number = int(row["person_id"][1:])
        after = (date.fromisoformat(row["dispensing_date"]) - date(1970, 1, 1)).days - people.index[number]
        lost[number] += row["ndc_code"] in opioid_codes() and 1 <= after <= 365
    clean, dirty = (studied(feed_of(which))[1] for which in (None, kind))
    assert np.array_equal((clean - dirty)[:, 1], lost) and lost.sum() > 0


def test_a_long_history_is_of_one_member_and_carries_nothing() -> None:
    rows = added("long_history", "medical_claim")
    assert len(rows) % LONG_HISTORY == 0
    assert {(row["allowed_amount"], row["hcpcs_code"]) for row in rows} == {("0.00", "99499")}


def test_counts_do_not_depend_on_how_members_are_cut() -> None:
    spec = SynthSpec(members=60, dirt=Dirt(**dict.fromkeys(set(Dirt.model_fields) - {"long_history"}, 0.3)))
    whole = sums_of(spec)
    for name in ("medical_claim", "pharmacy_claim"):
        told = build_table(spec, name, draw_people(spec, 0, 60))[1]
        assert {kind: whole[f"{name}.{kind}"] for kind in told} == told
