"""Facts against histories, row by row: what the kernels read in clean claims is what the generator meant.

Some thousands of members here; CLAIMTWIN_MEMBERS=50000 asks for more.
"""

import os
from functools import cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from claimtwin.kernel.columns import Events
from claimtwin.kernel.eligibility import criteria_of
from claimtwin.kernel.outcomes import count_outcomes
from claimtwin.kernel.spans import merge_spans
from claimtwin.schema.tables import CONTRACTS
from claimtwin.spark.decode import NO_STOP, claims_of_block
from claimtwin.spark.facts import candidates_of_block
from claimtwin.study.local import block_of, synth_book, synth_protocol
from claimtwin.synth import NO_DIRT, SynthSpec
from claimtwin.synth.catalogue import DRUG_LISTS
from claimtwin.synth.entries import CRITERIA
from claimtwin.synth.feed import generate
from claimtwin.synth.histories import HISTORIES, histories

MEMBERS = int(os.environ.get("CLAIMTWIN_MEMBERS", "4000"))
CHUNK = 2000
PARTS = [(2020, first) for first in range(0, MEMBERS, CHUNK)] + [(2016, 0), (2024, 0)]
SAME = ("treated", "index_date", "body_region", "age", "sex", "census_region", "employer_id", "comorbidity_count",
        "office_visits", "emergency_visits", "therapy_visits", "chiropractic_visits", "imaging_visits",
        "injection_visits", "surgery_visits")  # fmt: skip


@cache
def made(year: int, first: int) -> tuple[dict, object, dict[str, pa.Table], object]:
    spec = SynthSpec(members=MEMBERS, seed=21, index_year=year, dirt=NO_DIRT)
    protocol = synth_protocol(year)
    block = block_of(generate(spec, first, first + CHUNK))
    claims = claims_of_block(block, synth_book(protocol))
    return block, claims, histories(spec, first, first + CHUNK), protocol


@pytest.mark.parametrize(("year", "first"), PARTS)
def test_candidates_are_the_entries_that_were_meant(year: int, first: int) -> None:
    block, _, truth, protocol = made(year, first)
    entries = truth["entries"]
    found = candidates_of_block(block, protocol, synth_book(protocol))
    assert found["person_id"].to_pylist() == entries["person_id"].to_pylist()
    for name in SAME:
        assert found[name].to_pylist() == entries[name].to_pylist(), name
    assert criteria_of(protocol) == CRITERIA
    bits = found["met"].to_numpy()
    for k, name in enumerate(CRITERIA):
        assert np.array_equal(bits >> k & 1, entries[f"meets_{name}"].to_numpy().astype(np.int64)), name
    assert np.array_equal(np.rint(np.expm1(found["log_allowed"].to_numpy()) * 100), entries["cents"].to_numpy())
    left_out = {reason for reasons in entries["excluded_by"].to_pylist() for reason in reasons}
    assert {"index_in_window", "age", "enrolled_before", "enrolled_after", "washout", "one_arm"} <= left_out


@pytest.mark.parametrize(("year", "first"), PARTS)
def test_outcomes_and_fills_are_those_that_were_meant(year: int, first: int) -> None:
    block, claims, truth, protocol = made(year, first)
    entries, outcomes = truth["entries"], truth["outcomes"]
    people = block["members"]["person_id"]
    member = pc.index_in(entries["person_id"], value_set=people).to_numpy().astype(np.int64)
    days = entries["index_date"].cast(pa.int32()).to_numpy()
    counts = count_outcomes(claims, protocol, member, days)
    assert np.array_equal(counts[:, 1], outcomes["opioid_fills"].to_numpy())
    for name in DRUG_LISTS:
        events = Events.of(*claims.drugs[name])
        assert np.array_equal(events.count(member, days, 1, 365), outcomes[f"{name}_fills"].to_numpy())
        rows = truth["fills"].filter(pc.equal(truth["fills"]["drug_list"], name))
        meant = Events.of(
            pc.index_in(rows["person_id"], value_set=people).to_numpy().astype(np.int64),
            rows["dispensing_date"].cast(pa.int32()).to_numpy(),
        )
        assert np.array_equal(events.key, meant.key)


@pytest.mark.parametrize(("year", "first"), PARTS)
def test_merged_spans_are_those_that_were_meant(year: int, first: int) -> None:
    block, claims, truth, _ = made(year, first)
    cover, people = claims.coverage, block["members"]["person_id"].to_pylist()
    found = []
    for benefit, held in (("medical", cover.medical), ("pharmacy", cover.pharmacy)):
        spans = merge_spans(cover.member[held], cover.start[held], cover.stop[held])
        ends = [None if stop > NO_STOP else int(stop) for stop in spans.stop.tolist()]
        names = [people[k] for k in spans.member.tolist()]
        found += list(zip(names, [benefit] * len(ends), spans.start.tolist(), ends, strict=True))
    spans = truth["spans"]
    days = [spans[name].cast(pa.int32()).to_pylist() for name in ("start_date", "stop_date")]
    meant = list(zip(spans["person_id"].to_pylist(), spans["benefit"].to_pylist(), *days, strict=True))
    assert sorted(map(str, found)) == sorted(map(str, meant))


def test_episodes_cover_all_care_for_a_region_and_lie_apart() -> None:
    """Told again from the claims' own classified lines, a visit at a time."""
    block, claims, truth, _ = made(2020, 0)
    services, people = claims.services, block["members"]["person_id"].to_pylist()
    rows = np.flatnonzero(services.body >= 0)
    told = {(int(services.member[k]), int(services.body[k]), int(services.day[k])) for k in rows}
    runs: list[list] = []
    for member, body, day in sorted(told):
        if runs and runs[-1][:2] == [member, body] and day - runs[-1][3] <= 60:
            runs[-1][3] = day
        else:
            runs.append([member, body, day, day])
    names = ("back", "neck", "shoulder", "hip", "knee")
    found = sorted((people[m], names[b], start, last + 1) for m, b, start, last in runs)
    episodes = truth["episodes"]
    days = [episodes[name].cast(pa.int32()).to_pylist() for name in ("start_date", "stop_date")]
    meant = zip(episodes["person_id"].to_pylist(), episodes["body_region"].to_pylist(), *days, strict=True)
    assert found == sorted(meant)


def test_a_member_has_one_history_however_members_are_cut() -> None:
    spec = SynthSpec(members=10**6, seed=21)
    whole = histories(spec, 0, 90)
    parts = [histories(spec, *stretch) for stretch in ((0, 1), (1, 50), (50, 90))]
    for name in HISTORIES:
        rows = [row for part in parts for row in part[name].to_pylist()]
        assert sorted(map(str, rows)) == sorted(map(str, whole[name].to_pylist())), name


def test_every_table_of_the_contract_has_its_history() -> None:
    assert set(HISTORIES) == {"people", "spans", "entries", "fills", "episodes", "outcomes"}
    assert len(CONTRACTS) == 4
