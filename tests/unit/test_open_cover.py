"""Cover whose end the feed does not tell goes on until the data end, and no longer; other ends stay as they are."""

from dataclasses import replace
from datetime import date

import numpy as np
import pyarrow as pa
import pytest
from claimtwin.config.load import load_configuration
from claimtwin.kernel.eligibility import criteria_of
from claimtwin.kernel.index_events import day_number
from claimtwin.kernel.spans import whole_months
from claimtwin.spark.decode import claims_of_block
from claimtwin.spark.facts import candidates_of_block
from claimtwin.study.codebook import read_code_book
from claimtwin.study.local import block_of, synth_book, synth_protocol
from claimtwin.synth import NO_DIRT, SynthSpec
from claimtwin.synth.calendar import DATA_THROUGH
from claimtwin.synth.feed import generate

PROTOCOL = synth_protocol(2020)
BOOK = synth_book(PROTOCOL)


@pytest.fixture(scope="module")
def block():
    return block_of(generate(SynthSpec(members=600, seed=3, dirt=NO_DIRT), 0, 600))


@pytest.mark.parametrize("until", [date(2021, 3, 31), DATA_THROUGH])
def test_only_open_ends_are_capped(block, until):
    told = block["eligibility"]["enrollment_end_date"]
    last = day_number(until)
    stops = claims_of_block(block, replace(BOOK, open_until=last)).coverage.stop
    expected = [last + 1 if end is None else day_number(end) + 1 for end in told.to_pylist()]
    assert stops.tolist() == expected
    assert 0 < told.null_count < len(told)


def test_a_study_that_ends_within_the_data_finds_the_same_people(block):
    until, names = day_number(PROTOCOL.study.index_window[1]) + 365, criteria_of(PROTOCOL)

    def found(last):
        rows = candidates_of_block(block, PROTOCOL, replace(BOOK, open_until=last))
        return rows.filter(pa.array(rows["met"].to_numpy() >> names.index("index_in_window") & 1 == 1))

    ever, whole, short = found(None), found(until), found(until - 100)
    assert whole.equals(ever)
    place = names.index("enrolled_after")
    lost = (ever["met"].to_numpy() >> place & 1) - (short["met"].to_numpy() >> place & 1)
    days = ever["index_date"].cast(pa.int32()).to_numpy()
    assert set(np.flatnonzero(lost)) <= set(np.flatnonzero(days > until - 100 - 365))
    assert (lost >= 0).all()
    assert lost.any()


def test_the_end_of_the_data_of_a_deployment_is_that_of_open_cover(tmp_path):
    (tmp_path / "list.csv").write_text("NDC\n00000000001\n")
    path = f"env.code_lists.opioid.path={tmp_path}/list.csv"
    for through, until in (("2022-06-30", day_number(date(2022, 6, 30))), ("null", None)):
        changes = [path, f"env.ingest.data_through={through}"]
        assert read_code_book(*load_configuration("jpr_s412081", "local", changes)).open_until == until


def test_months_are_whole_and_nothing_is_no_month():
    day = lambda *told: (date(*told) - date(1970, 1, 1)).days  # noqa: E731
    start = np.array([day(2020, 2, 29), day(2021, 12, 1), day(1969, 11, 30), day(2020, 5, 5)], np.int32)
    stop = np.array([day(2020, 3, 1), day(2021, 12, 2), day(1970, 1, 2), day(2020, 5, 5)], np.int32)
    found = [column.tolist() for column in whole_months(start, stop)]
    assert found[0][:3] == [day(2020, 2, 1), day(2021, 12, 1), day(1969, 11, 1)]
    assert found[1][:3] == [day(2020, 3, 1), day(2022, 1, 1), day(1970, 2, 1)]
    assert found[0][3] == found[1][3]
    for far in (2**29 + 1, 2**29):
        assert whole_months(np.array([0], np.int32), np.array([far], np.int32))[1][0] >= far
