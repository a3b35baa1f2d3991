"""States of the US: USPS letters, SSA codes as in CMS files, census regions; see SOURCES.md."""

import csv
from importlib import resources

ABROAD = tuple(str(code) for code in range(54, 64))
"""SSA codes of places outside the US; DE-SynPUF puts 54 for every beneficiary outside the 50 states and DC."""


def census_regions() -> dict[str, str]:
    """Census region (northeast, midwest, south, west) of each state and DC; the territories have none."""
    return {row["usps"]: row["census_region"] for row in _rows() if row["census_region"]}


def known_states() -> tuple[str, ...]:
    """USPS letters of the 50 states, DC and five territories, in alphabetical order."""
    return tuple(sorted(row["usps"] for row in _rows()))


def ssa_states() -> dict[str, str]:
    """USPS letters by two-digit SSA code."""
    return {row["ssa"]: row["usps"] for row in _rows()}


def state_names() -> dict[str, str]:
    """USPS letters by name in lower case."""
    return {row["name"].lower(): row["usps"] for row in _rows()}


def _rows() -> list[dict[str, str]]:
    text = (resources.files("claimtwin.codes") / "states.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))
