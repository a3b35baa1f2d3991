"""The planted truth, worked out again from the raw text by a slow walk over members that shares no code with it,
and found by the study's own kernels: what was planted is what a study measures.
"""

import math
from collections import defaultdict
from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from claimtwin.codes.drugs import DrugList
from claimtwin.codes.rules import care_families, procedures_of
from claimtwin.config.load import load_configuration
from claimtwin.kernel.candidates import Candidates, build_candidates
from claimtwin.kernel.eligibility import criteria_of
from claimtwin.kernel.outcomes import count_outcomes
from claimtwin.schema.tables import arrow_schema
from claimtwin.spark.code_book import CodeBook
from claimtwin.spark.decode import claims_of_block
from claimtwin.synth import NO_DIRT, Cause, SynthSpec, opioid_codes, truth_of
from claimtwin.synth.coverage import draw_coverage
from claimtwin.synth.draws import Draws
from claimtwin.synth.feed import generate
from claimtwin.synth.fills import count_opioids
from claimtwin.synth.people import PROGRAMME, draw_people
from claimtwin.synth.truth import eligible

SPEC = SynthSpec(members=2500, dirt=NO_DIRT)
DAYS = {
    "eligibility": "enrollment_start_date",
    "medical_claim": "claim_start_date",
    "pharmacy_claim": "dispensing_date",
    "program_enrollment": "start_date",
}
REGION_OF = {
    **dict.fromkeys(("NY", "PA", "MA", "NJ", "CT"), 0),
    **dict.fromkeys(("IL", "OH", "MI", "MN", "WI"), 1),
    **dict.fromkeys(("TX", "FL", "GA", "NC", "VA"), 2),
    **dict.fromkeys(("CA", "WA", "CO", "AZ", "OR"), 3),
}
# The risk model in log-odds, written again: SynthSpec's level and effect, and the weights of synth/causes.py.
FAMILIES = ("office", "emergency", "therapy", "chiropractic", "imaging", "injection", "surgery")
PER_VISIT = (0.115, 0.340, 0.010, 0.025, 0.200, 0.430, 0.520)
PER_REGION = (-0.150, 0, 0.210, -0.110)
JOINTS = {
    "back": ("M545", "M5416", "M5136", "M5137", "M47816", "S39012"),
    "neck": ("M542", "M5412", "M503", "M47812", "S161"),
    "shoulder": ("M2551", "M75", "S46"),
    "hip": ("M2555", "M16", "M706", "S731"),
    "knee": ("M2556", "M17", "S83"),
}
ILLNESS = ("I252", "I509", "G459", "J4", "M069", "K760", "E11", "C73")


def family_of(code: str, modifier: str | None) -> str | None:
    """The study's families, written again for the codes that can occur."""
    if code[:2] == "99":
        return "emergency" if code[2:4] == "28" else "office"
    if code in ("97161", "97162", "97163") or (code[:2] == "97" and modifier == "GP"):
        return "therapy"
    if code[:3] == "989":
        return "chiropractic"
    if code in ("72100", "72148", "72040", "72141", "73030", "73221", "73502", "73721", "73562"):
        return "imaging"
    if code[:2] in ("62", "64") or code[:3] in ("205", "206"):
        return "injection"
    return "surgery" if code in ("63030", "22612", "22551", "29827", "23412", "27130", "29881", "27447") else None


def rows_by_person(table: pa.Table) -> dict[str, list[dict[str, str | None]]]:
    found = defaultdict(list)
    for row in table.to_pylist():
        found[row["person_id"]].append(row)
    return found


def index_of(starts: list, claims: list) -> tuple[str, date] | None:
    """Arm and index day: the first programme start in the window, or the first therapy for a studied joint."""
    first, last = "2020-01-01", "2020-10-31"
    known = [s["start_date"] for s in starts if s["body_region"] and first <= s["start_date"] <= last]
    if starts:
        return ("programme", date.fromisoformat(min(known))) if known else None
    joints = tuple(prefix for prefixes in JOINTS.values() for prefix in prefixes)
    days = [
        c["claim_start_date"]
        for c in claims
        if family_of(c["hcpcs_code"], c["hcpcs_modifier_1"]) == "therapy"
        and c["diagnosis_code_1"].startswith(joints)
        and first <= c["claim_start_date"] <= last
    ]
    return ("therapy", date.fromisoformat(min(days))) if days else None


def covered(spans: list, day: date) -> bool:
    text = day.isoformat()
    return any(
        s["enrollment_start_date"] <= text <= (s["enrollment_end_date"] or "9999") and s["pharmacy_coverage"] == "true"
        for s in spans
    )


def odds_without(span: dict, claims: list, index: date) -> float | None:
    """Log-odds of beginning opioids without the programme, from the text of a person's claims; None for a child."""
    born = date.fromisoformat(span["birth_date"])
    age = index.year - born.year - ((index.month, index.day) < (born.month, born.day))
    days, ill = defaultdict(set), set()
    for claim in claims:
        day = date.fromisoformat(claim["claim_start_date"])
        if index - timedelta(365) <= day < index:
            days[family_of(claim["hcpcs_code"], claim["hcpcs_modifier_1"])].add(day)
            codes = [claim[f"diagnosis_code_{k}"] or "" for k in (1, 2, 3)]
            ill |= {prefix for prefix in ILLNESS for code in codes if code.startswith(prefix)}
    total = -2.385 + 0.012 * (age - 42) - 0.110 * (span["gender"] == "female") + 0.270 * len(ill)
    total += PER_REGION[REGION_OF[span["state"]]]
    total += sum(weight * len(days[family]) for family, weight in zip(FAMILIES, PER_VISIT, strict=True))
    return total if age >= 18 else None


def slow_truth(feed: dict[str, pa.Table]) -> tuple[list[float], list[float]]:
    """Log-odds without the programme of everybody in either arm who meets the criteria."""
    people = {name: rows_by_person(table) for name, table in feed.items()}
    found: dict[str, list[float]] = {"programme": [], "therapy": []}
    for person, spans in people["eligibility"].items():
        claims = people["medical_claim"][person]
        entry = index_of(people["program_enrollment"][person], claims)
        if entry is None:
            continue
        arm, index = entry
        fills = [f for f in people["pharmacy_claim"][person] if f["ndc_code"] in opioid_codes()]
        before = [f for f in fills if (index - timedelta(365)).isoformat() <= f["dispensing_date"] < index.isoformat()]
        whole = all(covered(spans, index + timedelta(day)) for day in range(-365, 366))
        risk = odds_without(spans[0], claims, index)
        if whole and not before and risk is not None:
            found[arm].append(risk)
    return found["programme"], found["therapy"]


def logistic(values: list[float], add: float = 0.0) -> float:
    return sum(1 / (1 + math.exp(-value - add)) for value in values) / len(values)


def test_truth_equals_a_slow_walk_over_the_raw_text() -> None:
    treated, comparators = slow_truth(generate(SPEC, 0, SPEC.members))
    truth = truth_of(SPEC)
    assert (truth.treated, truth.comparators) == (len(treated), len(comparators))
    with_it, without, crude = logistic(treated, -0.626), logistic(treated), logistic(comparators)
    assert (truth.risk_treated, truth.risk_comparator) == pytest.approx((100 * with_it, 100 * without), abs=1e-6)
    odds = [chance / (1 - chance) for chance in (with_it, without, crude)]
    assert truth.odds_ratio == pytest.approx(odds[0] / odds[1], abs=1e-7)
    assert truth.crude_odds_ratio == pytest.approx(odds[0] / odds[2], abs=1e-7)
    assert truth.difference_per_100 == pytest.approx(100 * (with_it * 2.12 - without * 1.64), abs=1e-3)


def block_of(feed: dict[str, pa.Table]) -> dict[str, pa.Table]:
    """The feed as a packed block: typed, members numbered, sorted."""
    people = pa.array(sorted(set(feed["eligibility"]["person_id"].to_pylist())))
    tables = {"members": pa.table({"person_id": people})}
    for name, table in feed.items():
        columns = {"member": pc.index_in(table["person_id"], value_set=people)}
        columns |= {f.name: table[f.name].cast(f.type) for f in arrow_schema(name) if f.name != "person_id"}
        ordered = pa.table(columns)
        rest = [column for column in ordered.column_names if column not in ("member", DAYS[name])]
        ordered = ordered.sort_by([(column, "ascending") for column in ("member", DAYS[name], *rest)])
        for place, field in enumerate(ordered.schema):
            if pa.types.is_string(field.type):
                ordered = ordered.set_column(
                    place, field.name, ordered[field.name].combine_chunks().dictionary_encode()
                )
        tables[name] = ordered.combine_chunks()
    return tables


def test_the_study_measures_what_was_planted() -> None:
    protocol, _ = load_configuration("jpr_s412081", "local")
    names = ("northeast", "midwest", "south", "west")
    book = CodeBook(
        care_families(),
        (None, procedures_of("physical_therapy")),
        {"opioid": DrugList("opioid", frozenset(opioid_codes()), None)},
        {state: names[region] for state, region in REGION_OF.items()},
    )
    claims = claims_of_block(block_of(generate(SPEC, 0, SPEC.members)), book)
    found: Candidates = build_candidates(claims, protocol)
    people, draws = draw_people(SPEC, 0, SPEC.members), Draws(SPEC.seed)
    meets = found.met == 2 ** len(criteria_of(protocol)) - 1
    member = found.member[meets]
    assert member.tolist() == np.flatnonzero(eligible(draws, people, draw_coverage(draws, people))).tolist()
    assert np.array_equal(found.treated[meets], people.arm[member] == PROGRAMME)
    assert np.array_equal(found.entries.day[meets], people.index[member])
    assert np.array_equal(found.entries.body[meets], people.body[member])
    assert np.array_equal(found.people.age[meets], people.age[member])
    assert np.array_equal(found.visits[meets], people.visits[member][:, :7])
    assert np.array_equal(found.comorbidities[meets], people.conditions[member].sum(axis=1))
    counts = count_outcomes(claims, protocol, member, found.entries.day[meets])
    assert np.array_equal(counts[:, 1], count_opioids(draws, people, SPEC.fills)[member])
    rows = found.people.row[meets]
    assert np.array_equal(claims.coverage.region[rows], people.region[member])
    assert np.array_equal(claims.coverage.sex[rows] == 0, people.female[member])


def test_without_effect_the_odds_ratio_is_one_and_without_confounding_crude_is_true() -> None:
    null = truth_of(SynthSpec(members=4000, cause=Cause(effect=0), dirt=NO_DIRT))
    assert null.odds_ratio == 1
    assert null.crude_odds_ratio < 0.9
    fair = truth_of(SynthSpec(members=60_000, cause=Cause(confounding=0), dirt=NO_DIRT))
    assert fair.crude_odds_ratio == pytest.approx(fair.odds_ratio, rel=0.02)


def test_hidden_severity_pulls_the_arms_apart() -> None:
    plain, hidden = (
        truth_of(SynthSpec(members=20_000, cause=Cause(severity=severity), dirt=NO_DIRT)) for severity in (0.0, 0.6)
    )
    assert hidden.crude_odds_ratio < 0.85 * plain.crude_odds_ratio
