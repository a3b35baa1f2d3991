"""Covariates that a study measures only when it asks for them, and the codes from which a study may choose some."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from claimtwin.config.events import FAMILIES
from claimtwin.config.score import Score
from claimtwin.kernel.claims import Claims, CodeGroups, Services
from claimtwin.kernel.columns import Days, Events, Index, keys, starts_run, sum_between
from claimtwin.kernel.comorbidity import add_points

OF_FAMILY = ("_lines", "_units", "_log_allowed")
"""What may be asked of a care family beside days with it."""
Values = NDArray[np.int64] | NDArray[np.float64] | NDArray[np.str_]
PHASES = (("before", "1900-01-01"), ("shutdown", "2020-03-13"), ("emergency", "2020-06-01"), ("after", "2023-05-11"))
"""Phases of the pandemic in the US and their first days: Proclamation 9994 (national emergency, 13 March 2020), most
states reopened by the end of May 2020, end of the public health emergency on 11 May 2023 (HHS)."""


@dataclass(frozen=True)
class Cells:
    """Distinct keys of each asked member, one after the other: those of row k are ``keys[ends[k - 1]:ends[k]]``."""

    keys: Index
    ends: Index


def measure_extras(claims: Claims, score: Score, member: Index, index: Days) -> dict[str, Values]:
    """Each covariate that the protocol asks for beyond the ordinary ones, by name, a value for each asked member.

    Args:
        claims: The block's claims.
        score: ``covariates``, ``drug_classes`` and ``diagnoses`` are read.
        member, index: One row a member asked about.

    The look-back is the ``lookback_days`` before index, the index day left out. ``<family>_lines`` counts service
    lines of a care family; ``<family>_units`` adds up their units of service, one where a line does not say them, and
    ``<family>_log_allowed`` is ln(1 + allowed dollars), both nought where reversals outweigh the rest;
    ``fills_of_<list>`` counts dispensings. Points and ``has_<list>_<group>``, which is 1 with such a diagnosis, have
    the window of ``comorbidity_days``.
    """
    days, window = score.lookback_days, score.comorbidity_days
    found: dict[str, Values] = {}
    for name in score.covariates:
        if name.endswith("_points"):
            found[name] = add_points(claims.points[name.removesuffix("_points")], member, index, window)
        elif name == "pandemic_phase":
            found[name] = phase_of(index)
        elif name.endswith(OF_FAMILY):
            found[name] = _of_family(claims.services, name, member, index, days)
    names = score.measured()
    for fills, listed in zip(names, score.drug_classes, strict=False):
        found[fills] = Events.of(*claims.drugs[listed]).count(member, index, -days, -1)
    for flag, group in zip(names[len(score.drug_classes) :], score.diagnoses, strict=True):
        lines = Events.of(*claims.noted[group]).count(member, index, *window)
        found[flag] = (lines > 0).astype(np.int64)
    return found


def phase_of(index: Days) -> NDArray[np.str_]:
    """Phase of the pandemic (``PHASES``) that each day lies in."""
    first = np.array([day for _, day in PHASES[1:]], "datetime64[D]").astype(np.int64)
    return np.array([name for name, _ in PHASES])[np.searchsorted(first, index, "right")]


def groups_before(groups: CodeGroups, member: Index, index: Days, days: int) -> Cells:
    """Distinct code groups of each asked member in the ``days`` before index, the index day left out, ascending."""
    key = keys(groups.member, groups.day)
    low = np.searchsorted(key, keys(member, index - np.int32(days)), "left")
    many = np.searchsorted(key, keys(member, index - np.int32(1)), "right") - low
    asked = np.repeat(np.arange(len(member)), many)
    row = np.arange(len(asked)) - np.repeat(np.cumsum(many) - many, many) + low[asked]
    group = groups.key[row]
    order = np.lexsort((group, asked))
    asked, group = asked[order], group[order]
    first = starts_run(asked) | starts_run(group)
    return Cells(group[first], np.cumsum(np.bincount(asked[first], minlength=len(member))))


def _of_family(services: Services, name: str, member: Index, index: Days, days: int) -> Values:
    """Lines, units or dollars of one care family in the look-back, by the name of the covariate."""
    kind = next(kind for kind in OF_FAMILY if name.endswith(kind))
    rows = services.families[:, FAMILIES.index(name.removesuffix(kind))]
    cents, thousandths = services.cents, services.thousandths
    one = np.ones_like(cents)
    amount = {"_lines": one, "_units": 1000 * one if thousandths is None else thousandths, "_log_allowed": cents}[kind]
    own, day = services.member[rows], services.day[rows]
    total = sum_between(own, day, amount[rows], member, index, first=-days, last=-1)
    if kind == "_lines":
        return total
    positive = np.maximum(total, 0)
    return positive / 1000 if kind == "_units" else np.log1p(positive / 100)
