"""States against the Census Bureau's list and well-known SSA codes."""

import csv

from claimtwin.codes.states import census_regions, known_states, ssa_states

from tests.support.shared import shared_data


def test_census_regions_are_those_of_the_census_bureau():
    with (shared_data("geography") / "us_census_regions_divisions.csv").open(encoding="utf-8") as lines:
        published = {row["State Code"]: row["Region"].lower() for row in csv.DictReader(lines)}
    assert census_regions() == published


def test_territories_are_known_but_lie_in_no_region():
    assert set(known_states()) - set(census_regions()) == {"AS", "GU", "MP", "PR", "VI"}


def test_ssa_codes_are_not_fips_codes():
    states = ssa_states()
    assert [states[code] for code in ("01", "05", "10", "33", "45", "53")] == ["AL", "CA", "FL", "NY", "TX", "WY"]
    assert len(states) == len(set(states.values())) == len(known_states())
