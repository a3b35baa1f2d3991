"""A population in the layout of the CMS DE-SynPUF files, for tests of its adapter: no dirt, no roster, no modifiers.

Emergency visits are outpatient claims, surgery is inpatient, everything else is carrier claims. Enrolment is told in
months a year, so its days are not those of the contract form.
"""

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from claimtwin.codes.states import ssa_states
from claimtwin.synth import text
from claimtwin.synth.calendar import FIRST, STOP, Days, calendar, shift_of
from claimtwin.synth.care import EMERGENCY, SURGERY, Lines, Visits, bill, diagnose, draw_visits
from claimtwin.synth.catalogue import LINES, catalogue
from claimtwin.synth.coverage import draw_coverage
from claimtwin.synth.draws import Draws, Index
from claimtwin.synth.fills import draw_dispensings
from claimtwin.synth.people import STATES, People, draw_people
from claimtwin.synth.spec import SynthSpec

YEAR = 2008
"""The year of the index days, so that all claims are coded in ICD-9-CM."""
Columns = dict[str, pa.Array]


def desynpuf_of(spec: SynthSpec, name: str, first: int, stop: int) -> pa.Table:
    """Rows of members ``first`` to ``stop`` - 1 in one of ``LAYOUT``, all text."""
    return pa.table(LAYOUT[name](spec, draw_people(spec, first, stop)))


def _beneficiaries(spec: SynthSpec, people: People) -> Columns:
    """One row a member and year from the first to the last of claims."""
    moved, cover = shift_of(spec.index_year), draw_coverage(Draws(spec.seed), people)
    years = np.unique(calendar(np.array([FIRST, STOP - 1]) + moved)[0])
    years = np.arange(years[0], years[-1] + 1)
    person, year = np.repeat(np.arange(len(people.number)), len(years)), np.tile(years, len(people.number))
    months = {}
    for name, pharmacy in (("BENE_SMI_CVRAGE_TOT_MONS", False), ("PLAN_CVRG_MOS_NUM", True)):
        start, stop = (ends[person] + moved for ends in cover.merged(pharmacy=pharmacy))
        months[name] = text.whole(_months(start, stop, year))
    codes = {letters: code for code, letters in ssa_states().items()}
    states = [codes[state] for region in STATES for state in region]
    place = (people.region * len(STATES[0]) + people.state)[person]
    return {
        "BENE_YEAR": text.whole(year),
        "DESYNPUF_ID": text.person_ids(people.number).take(pa.array(person)),
        "BENE_BIRTH_DT": _days(people.birth[person] + moved),
        "BENE_DEATH_DT": pa.nulls(len(person), pa.string()),
        "BENE_SEX_IDENT_CD": text.words(["1", "2"], people.female[person].astype(np.int64)),
        "SP_STATE_CODE": text.words(states, place),
        **months,
    }


def _months(start: Days, stop: Days, year: Index) -> Index:
    """Months of each year with a covered day."""
    total = np.zeros(len(year), np.int64)
    for month in range(12):
        low, high = (_day(year + (month + k) // 12, (month + k) % 12) for k in (0, 1))
        total += ((start < high[:, None]) & (stop > low[:, None]) & (stop > start)).any(axis=1)
    return total


def _day(year: Index, month: Index | int) -> Days:
    """First day of a month, counted from 0."""
    months = ((year - 1970) * 12 + month).astype("datetime64[M]")
    days: Days = months.astype("datetime64[D]").astype(np.int64)
    return days


def _claims(kind: str) -> Callable[[SynthSpec, People], Columns]:
    def make(spec: SynthSpec, people: People) -> Columns:
        visits = draw_visits(spec, people, draw_coverage(Draws(spec.seed), people))
        place = np.select([visits.kind == EMERGENCY, visits.kind == SURGERY], ["outpatient", "inpatient"], "carrier")
        return _wide(spec, people, visits, kind, np.flatnonzero(place == kind))

    return make


def _wide(spec: SynthSpec, people: People, visits: Visits, kind: str, rows: Index) -> Columns:
    """One row a claim that has any line, its lines side by side."""
    lines = bill(spec, people, visits, diagnose(spec, people, visits))
    claim = np.arange(len(visits.person)) - np.searchsorted(visits.person, visits.person) + 1
    billed = np.isin(rows, _visit_of(visits, claim, lines))
    rows = rows[billed]
    items, cents = (np.full((len(visits.person), LINES), fill, np.int64) for fill in (-1, 0))
    visit = _visit_of(visits, claim, lines)
    items[visit, lines.line - 1], cents[visit, lines.line - 1] = lines.item, lines.cents
    diagnoses = np.full((len(visits.person), 3), -1, np.int64)
    diagnoses[visit] = lines.diagnoses
    ids = text.person_ids(people.number).take(pa.array(visits.person[rows]))
    day, old = _days(visits.day[rows] + shift_of(spec.index_year)), catalogue().codes[0]
    head = {"DESYNPUF_ID": ids, "CLM_ID": text.claim_ids("M", ids, claim[rows])}
    if kind != "carrier":
        head |= {"SEGMENT": text.words(["1"], rows * 0), "CLM_PMT_AMT": text.dollars(cents[rows].sum(axis=1))}
    head |= {"CLM_FROM_DT": day, "CLM_THRU_DT": day}
    head |= {f"ICD9_DGNS_CD_{k + 1}": text.words(old, diagnoses[rows, k]) for k in range(3)}
    codes = catalogue().procedures["hcpcs_code"]
    head |= {f"HCPCS_CD_{k + 1}": text.words(codes, items[rows, k]) for k in range(LINES)}
    if kind == "carrier":
        head |= {f"LINE_ALOWD_CHRG_AMT_{k + 1}": text.dollars(cents[rows, k]) for k in range(LINES)}
        first = np.where(items[rows] >= 0, diagnoses[rows, :1], -1)
        head |= {f"LINE_ICD9_DGNS_CD_{k + 1}": text.words(old, first[:, k]) for k in range(LINES)}
    return head


def _visit_of(visits: Visits, claim: Index, lines: Lines) -> Index:
    """Row of the visit that each line was billed for."""
    first = np.searchsorted(visits.person, lines.person)
    place: Index = first + lines.claim - claim[first]
    return place


def _events(spec: SynthSpec, people: People) -> Columns:
    fills = draw_dispensings(spec, people, draw_coverage(Draws(spec.seed), people))
    ids = text.person_ids(people.number).take(pa.array(fills.person))
    return {
        "DESYNPUF_ID": ids,
        "PDE_ID": text.claim_ids("R", ids, fills.claim),
        "SRVC_DT": _days(fills.day + shift_of(spec.index_year)),
        "PROD_SRVC_ID": text.words(catalogue().ndcs, fills.item),
        "QTY_DSPNSD_NUM": text.whole(fills.quantity),
        "DAYS_SUPLY_NUM": text.whole(fills.supply),
        "TOT_RX_CST_AMT": text.dollars(fills.cents),
    }


def _days(day: Days) -> pa.Array:
    """``20080331``."""
    return pc.replace_substring(text.iso_days(day), "-", "")


LAYOUT: dict[str, Callable[[SynthSpec, People], Columns]] = {
    "bene.csv": _beneficiaries,
    "carrier.csv": _claims("carrier"),
    "outpatient.csv": _claims("outpatient"),
    "inpatient.csv": _claims("inpatient"),
    "pde.csv": _events,
}
"""The files by the shorter names that the adapter knows, and what makes their rows."""
