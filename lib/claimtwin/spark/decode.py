"""From a block's Arrow cells to the numbers that kernels read; every distinct code is classified once."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from claimtwin.codes.drugs import DrugList
from claimtwin.codes.rules import (
    EMERGENCY_PLACE,
    EMERGENCY_REVENUE,
    SYSTEMS,
    Procedures,
    classify_diagnoses,
    exclusions_of,
    group_flags,
    group_names,
    in_ranges,
    own_diagnosis_flags,
    parse_range,
    points_of,
)
from claimtwin.config.events import FAMILIES
from claimtwin.kernel.claims import Claims, Conditions, Coverage, Roster, Services
from claimtwin.kernel.columns import Days, Flags, Index
from claimtwin.kernel.index_events import REGION_NAMES
from claimtwin.kernel.together import with_diagnosis
from claimtwin.spark.code_book import CodeBook
from claimtwin.spark.code_groups import code_groups
from claimtwin.spark.columns import DIAGNOSES, days_of, member_of, per_code, thousandths_of
from claimtwin.spark.deaths import before_deaths, deaths_of

SEXES = ("female", "male")
CENSUS_REGIONS = ("northeast", "midwest", "south", "west")
NO_STOP = np.int32(2**29)


def claims_of_block(tables: dict[str, pa.Table], book: CodeBook) -> Claims:
    """All claims of one block as sorted numbers, none after a death; every table must be there, be it empty."""
    tables = before_deaths(tables)
    medical = tables["medical_claim"]
    return Claims(
        n_members=tables["members"].num_rows,
        coverage=_coverage(tables["eligibility"], book),
        deaths=deaths_of(tables),
        services=_services(medical, book),
        conditions=_conditions(medical, book.comorbidities, book.positions),
        points={name: _worth(medical, name, book.positions) for name in book.points},
        noted={name: _on(medical, diagnosis_lines(medical, book.told(name), book.positions)) for name in book.noted},
        groups=code_groups(medical, tables["pharmacy_claim"], book.kinds) if book.kinds else None,
        roster=_roster(tables["program_enrollment"], book),
        diagnoses={name: _on(medical, diagnosis_lines(medical, book.told(name))) for name in book.diagnoses},
        procedures={name: _on(medical, procedure_lines(medical, rule)) for name, rule in book.procedures.items()},
        drugs={name: _dispensings(tables["pharmacy_claim"], drug) for name, drug in book.drugs.items()},
    )


def _position(names: Sequence[str]) -> Callable[[Sequence[str | None]], NDArray[np.int16]]:
    return partial(_looked_up, numbers={name: k for k, name in enumerate(names)})


def _looked_up(values: Sequence[str | None], numbers: dict[str, int]) -> NDArray[np.int16]:
    return np.array([numbers.get(value or "", -1) for value in values], np.int16)


def _equal(values: Sequence[str | None], text: str) -> Flags:
    return np.array([value == text for value in values], np.bool_)


def _studied(programs: Sequence[str | None], program: str | None) -> Flags:
    return np.array([program in (None, name) for name in programs], np.bool_)


def _coverage(table: pa.Table, book: CodeBook) -> Coverage:
    regions = {state: CENSUS_REGIONS.index(region) for state, region in book.state_regions.items()}
    until = NO_STOP if book.open_until is None else np.int32(book.open_until)
    employers = table["employer_id"].combine_chunks().indices.to_numpy(zero_copy_only=False)
    return Coverage(
        member=member_of(table),
        start=days_of(table, "enrollment_start_date"),
        stop=days_of(table, "enrollment_end_date", missing=until) + np.int32(1),
        medical=_flags(table, "medical_coverage"),
        pharmacy=_flags(table, "pharmacy_coverage"),
        birth=days_of(table, "birth_date"),
        sex=per_code(table, "gender", _position(SEXES)).astype(np.int16),
        region=per_code(table, "state", partial(_looked_up, numbers=regions)).astype(np.int16),
        employer=employers.astype(np.int64),
    )


def _flags(table: pa.Table, name: str) -> Flags:
    return np.asarray(pc.fill_null(table[name], False).to_numpy(), np.bool_)


def _services(table: pa.Table, book: CodeBook) -> Services:
    return Services(
        member=member_of(table),
        day=days_of(table, "claim_start_date"),
        families=np.stack([family_of(table, name, book.families) for name in FAMILIES], axis=1),
        arms=np.stack([_arm_lines(table, book, number) for number in range(2)], axis=1),
        body=region_of(table),
        cents=cents_of(table, "allowed_amount"),
        thousandths=thousandths_of(table, "service_unit_quantity"),
    )


def _arm_lines(table: pa.Table, book: CodeBook, number: int) -> Flags:
    """Lines that bring somebody into an arm: its services, its diagnoses, or services with such a diagnosis."""
    procedures, diagnosis = book.arms[number], book.arm_diagnoses[number]
    if diagnosis is None:
        return procedure_lines(table, procedures)
    named = diagnosis_lines(table, book.told(diagnosis))
    if procedures is None:
        return named
    service, day = procedure_lines(table, procedures), days_of(table, "claim_start_date")
    return with_diagnosis(member_of(table), day, _claim_of(table), service, named, book.together[number])


def _claim_of(table: pa.Table) -> Index:
    """A number for each line's claim: claim ids are unique within their source only."""
    parts = [table[name].combine_chunks() for name in ("claim_id", "data_source")]
    claim, source = (part.indices.to_numpy(zero_copy_only=False).astype(np.int64) for part in parts)
    numbers: Index = claim * np.int64(max(len(parts[1].dictionary), 1)) + source
    return numbers


def family_of(table: pa.Table, name: str, families: dict[str, Procedures]) -> Flags:
    """Whether each line counts for a care family."""
    hits = procedure_lines(table, families[name])
    if name == "emergency":
        revenue = [parse_range(text) for text in EMERGENCY_REVENUE]
        hits |= per_code(table, "revenue_center_code", partial(in_ranges, ranges=revenue)).astype(np.bool_)
        place = [parse_range(text) for text in EMERGENCY_PLACE]
        hits |= per_code(table, "place_of_service_code", partial(in_ranges, ranges=place)).astype(np.bool_)
    return hits


def procedure_lines(table: pa.Table, procedures: Procedures | None) -> Flags:
    """Whether each line's procedure counts, alone, on days on which its code holds, or with the modifier asked for."""
    if procedures is None:
        return np.zeros(table.num_rows, np.bool_)
    hits = per_code(table, "hcpcs_code", partial(in_ranges, ranges=procedures.alone)).astype(np.bool_)
    for rule in procedures.dated:
        listed = per_code(table, "hcpcs_code", partial(in_ranges, ranges=[rule.span])).astype(np.bool_)
        hits |= listed & rule.holds(days_of(table, "claim_start_date"))
    for modifier in sorted({m for _, m in procedures.with_modifier}):
        spans = [span for span, m in procedures.with_modifier if m == modifier]
        asked = per_code(table, "hcpcs_code", partial(in_ranges, ranges=spans)).astype(np.bool_)
        for column in ("hcpcs_modifier_1", "hcpcs_modifier_2"):
            has = per_code(table, column, partial(_equal, text=modifier))
            hits |= asked & has.astype(np.bool_)
    return hits


def grouped(table: pa.Table, column: str, name: str) -> NDArray[np.int16]:
    """Group of each line's diagnosis in one position, judged by the coding system that the line states."""
    system = per_code(table, "diagnosis_code_type", _position(SYSTEMS))
    group = np.full(table.num_rows, -1, np.int16)
    for number, text in enumerate(SYSTEMS):
        rows = system == number
        if rows.any():
            found = per_code(table, column, partial(classify_diagnoses, name=name, system=text))
            group[rows] = found[rows]
    return group


def region_of(table: pa.Table) -> NDArray[np.int16]:
    """Region of the first listed diagnosis that has one."""
    body = np.full(table.num_rows, -1, np.int16)
    for column in DIAGNOSES:
        if table[column].null_count < table.num_rows:
            body = np.where(body < 0, grouped(table, column, "body_regions"), body)
    return body


def _worth(table: pa.Table, name: str, positions: Sequence[str]) -> Conditions:
    found, (names, points) = _conditions(table, name, positions), points_of(name)
    return replace(found, names=names, points=points)


def _conditions(table: pa.Table, name: str, positions: Sequence[str] = DIAGNOSES) -> Conditions:
    """Every line and group that one of its diagnoses belongs to; a line's groups may come more than once."""
    rows, groups = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for column in positions:
        if table[column].null_count < table.num_rows:
            row, group = _groups_met(table, column, name)
            rows.append(row)
            groups.append(group)
    row, group = np.concatenate(rows), np.concatenate(groups)
    days = days_of(table, "claim_start_date")[row]
    return Conditions(member_of(table)[row], days, group.astype(np.int16), unless=exclusions_of(name))


def _groups_met(table: pa.Table, column: str, name: str) -> tuple[Index, Index]:
    """Rows and groups met by one diagnosis column; a row may meet several."""
    system = per_code(table, "diagnosis_code_type", _position(SYSTEMS))
    bits = np.zeros(table.num_rows, np.int64)
    for number, text in enumerate(SYSTEMS):
        own = system == number
        if own.any():
            bits[own] = per_code(table, column, partial(_group_bits, name=name, system=text))[own]
    rows, groups = np.flatnonzero(bits), np.arange(len(group_names(name)))
    met = [rows[(bits[rows] >> group & 1) > 0] for group in groups]
    return np.concatenate(met), np.repeat(groups, [len(some) for some in met])


def _group_bits(codes: Sequence[str | None], name: str, system: str) -> Index:
    """Bit k of each code tells whether it belongs to group k; no list has more than 63."""
    flags = group_flags(codes, name, system)
    bits: Index = flags @ (1 << np.arange(flags.shape[1], dtype=np.int64))
    return bits


def _on(table: pa.Table, lines: Flags) -> tuple[Index, Days]:
    """Member and day of the chosen medical lines."""
    return member_of(table)[lines], days_of(table, "claim_start_date")[lines]


def diagnosis_lines(table: pa.Table, name: str, positions: Sequence[str] = DIAGNOSES) -> Flags:
    """Whether each line has a diagnosis of ``list.group``, or of a protocol's own rules, in one of the positions."""
    met = np.zeros(table.num_rows, np.bool_)
    system = per_code(table, "diagnosis_code_type", _position(SYSTEMS))
    for column in positions:
        if table[column].null_count < table.num_rows:
            for k, text in enumerate(SYSTEMS):
                met |= per_code(table, column, partial(_in_list, name=name, system=text)) & (system == k)
    return met


def _in_list(codes: Sequence[str | None], name: str, system: str) -> Flags:
    if ":" in name:
        return own_diagnosis_flags(codes, name, system)
    listed, _, group = name.partition(".")
    return group_flags(codes, listed, system)[:, group_names(listed).index(group)]


def cents_of(table: pa.Table, name: str) -> Index:
    """Money as whole cents; null counts as nothing."""
    cents = pc.multiply(table[name], pa.scalar(Decimal(100)))
    return np.asarray(pc.fill_null(cents.cast(pa.int64()), 0).to_numpy(), np.int64)


def _roster(table: pa.Table, book: CodeBook) -> Roster:
    studied = per_code(table, "program", partial(_studied, program=book.program))
    body = per_code(table, "body_region", _position(REGION_NAMES)).astype(np.int16)
    return Roster(member_of(table), days_of(table, "start_date"), body, studied.astype(np.bool_))


def drug_lines(table: pa.Table, drug: DrugList) -> Flags:
    """Whether each pharmacy line is a dispensing of the list."""
    return per_code(table, "ndc_code", drug.holds).astype(np.bool_)


def _dispensings(table: pa.Table, drug: DrugList) -> tuple[Index, Days]:
    rows = np.flatnonzero(drug_lines(table, drug))
    return member_of(table)[rows], days_of(table, "dispensing_date")[rows]
