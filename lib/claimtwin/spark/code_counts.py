"""How often each code, and each list of a study, stands in the claims: one pass over the blocks, sums come out.

A member lies in one block, so people of blocks add up to people: no exchange but that of the sums.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from claimtwin.codes.drugs import DrugList
from claimtwin.codes.rules import SYSTEMS, Procedures, group_flags, group_names, in_ranges, own_diagnosis_flags
from claimtwin.codes.used import UsedList
from claimtwin.kernel.columns import Flags, Index
from claimtwin.spark.arrow import ddl_of, each_block
from claimtwin.spark.columns import DIAGNOSES, member_of, per_code
from claimtwin.spark.decode import drug_lines, procedure_lines

COUNTS = pa.schema([("kind", pa.string()), ("code", pa.string()), ("lines", pa.int64()), ("people", pa.int64())])
OF_LISTS = "list "
"""Before the kind of a row that counts a list and no code."""
COLUMNS = {"hcpcs": "hcpcs_code", "revenue": "revenue_center_code", "place": "place_of_service_code"}
MODIFIERS = ("hcpcs_modifier_1", "hcpcs_modifier_2")
Row = tuple[str, str, int, int]


@dataclass(frozen=True)
class Coded:
    """Codes of one kind in a block: each line and code on it once, in any order.

    ``code`` is a place among ``names``; ``member`` numbers the people of the block.
    """

    kind: str
    names: list[str]
    line: Index
    code: Index
    member: Index

    def rows(self) -> Iterator[Row]:
        """One row a code."""
        width = max(len(self.names), 1)
        lines = np.bincount(self.code, minlength=len(self.names))
        people = np.bincount(_unique(self.member * width + self.code) % width, minlength=len(self.names))
        counts = zip(self.names, lines.tolist(), people.tolist(), strict=True)
        yield from ((self.kind, name, n, who) for name, n, who in counts if n)

    def listed(self, met: Flags) -> tuple[int, int]:
        """Lines and people with any of the codes that are met, a flag a name."""
        own = met[self.code]
        return _distinct(self.line[own]), _distinct(self.member[own])


def count_usage(blocks: DataFrame, lists: Sequence[UsedList]) -> DataFrame:
    """One row per kind and code: kind, code, lines, people (distinct).

    Kinds are the coding systems, ``hcpcs``, ``hcpcs`` with each modifier that a list asks for (``hcpcs GP``),
    ``revenue`` and ``place`` where a list has them, and ``ndc``. Rows of kind ``list`` and one of these hold what the
    list of that name meets, judged as the study judges it: days and modifiers are looked at, diagnoses in any position.
    """
    needed = blocks.select("medical_claim", "pharmacy_claim")
    kernel = each_block(partial(usage_of_block, lists=tuple(lists)))
    counted = needed.mapInArrow(kernel, schema=ddl_of(COUNTS))
    return counted.groupBy("kind", "code").agg(F.sum("lines").alias("lines"), F.sum("people").alias("people"))


def usage_of_block(tables: dict[str, pa.Table], lists: Sequence[UsedList]) -> pa.Table:
    """The same of one block."""
    medical, fills = tables["medical_claim"], tables["pharmacy_claim"]
    diagnoses = _diagnoses(medical)
    rows = [row for coded in diagnoses for row in coded.rows()]
    kinds = {"hcpcs", *(one.kind for one in lists)} & COLUMNS.keys()
    columns = {kind: _column(medical, kind, COLUMNS[kind]) for kind in sorted(kinds)}
    for coded in (*columns.values(), *_modified(medical, columns["hcpcs"], lists)):
        rows += coded.rows()
    rows += _column(fills, "ndc", "ndc_code").rows()
    rows += [row for coded in diagnoses for row in _diagnosis_lists(coded, lists)]
    for one in lists:
        table = fills if one.kind == "ndc" else medical
        if one.kind != "diagnosis":
            met = _lines(table, one)
            rows.append((OF_LISTS + one.kind, one.name, int(met.sum()), _distinct(member_of(table)[met])))
    cells = zip(*rows, strict=True) if rows else ([], [], [], [])
    return pa.table([pa.array(told, field.type) for told, field in zip(cells, COUNTS, strict=True)], schema=COUNTS)


def _diagnoses(table: pa.Table) -> list[Coded]:
    """Diagnoses of all positions, for each coding system that lines state."""
    columns = [table[name].combine_chunks() for name in DIAGNOSES if table[name].null_count < table.num_rows]
    if not columns:
        return []
    parts = pa.chunked_array(columns).unify_dictionaries()
    names = parts.chunk(0).dictionary.to_pylist()
    given = [(np.flatnonzero(np.asarray(part.is_valid())), part.indices.drop_null()) for part in parts.chunks]
    line = np.concatenate([rows for rows, _ in given])
    code, width = np.concatenate([np.asarray(codes, np.int64) for _, codes in given]), max(len(names), 1)
    pairs = _unique(line * width + code)  # a line may have a code in two positions
    line, code = pairs // width, pairs % width
    system = per_code(table, "diagnosis_code_type", lambda told: np.array([_place(text) for text in told]))
    return [_coded(table, text, names, *_own(line, code, system == k)) for k, text in enumerate(SYSTEMS)]


def _place(system: str | None) -> int:
    return SYSTEMS.index(system) if system in SYSTEMS else -1


def _own(line: Index, code: Index, stated: Flags) -> tuple[Index, Index]:
    return line[stated[line]], code[stated[line]]


def _column(table: pa.Table, kind: str, name: str) -> Coded:
    part = table[name].combine_chunks()
    line = np.flatnonzero(np.asarray(part.is_valid()))
    return _coded(table, kind, part.dictionary.to_pylist(), line, np.asarray(part.indices.drop_null(), np.int64))


def _modified(table: pa.Table, whole: Coded, lists: Sequence[UsedList]) -> Iterator[Coded]:
    """Procedures beside each modifier that a list asks for."""
    asked = {m for one in lists if isinstance(one.rules, Procedures) for _, m in one.rules.with_modifier}
    for modifier in sorted(asked):
        has = np.zeros(table.num_rows, np.bool_)
        for name in MODIFIERS:
            has |= per_code(table, name, partial(_is_text, wanted=modifier)).astype(np.bool_)
        yield _coded(table, f"hcpcs {modifier}", whole.names, *_own(whole.line, whole.code, has))


def _unique(values: Index) -> Index:
    """Each value once, by a hash table: sorting them would take most of the time of a block."""
    return np.asarray(pc.unique(pa.array(values, pa.int64())), np.int64)


def _distinct(numbers: Index) -> int:
    """How many different numbers, none below 0."""
    return int(np.count_nonzero(np.bincount(numbers))) if len(numbers) else 0


def _is_text(told: Sequence[str | None], wanted: str) -> Flags:
    return np.array([text == wanted for text in told], np.bool_)


def _coded(table: pa.Table, kind: str, names: list[str], line: Index, code: Index) -> Coded:
    return Coded(kind, names, line, code, member_of(table)[line])


def _diagnosis_lists(coded: Coded, lists: Sequence[UsedList]) -> Iterator[Row]:
    """Lists of diagnoses against the codes of one system; a shipped list is read once for all its groups."""
    flags: dict[str, Flags] = {}
    for one in lists:
        if one.kind != "diagnosis" or not isinstance(one.rules, str):
            continue
        listed, _, group = one.rules.partition(".")
        if ":" in one.rules:
            met = own_diagnosis_flags(coded.names, one.rules, coded.kind)
        else:
            if listed not in flags:
                flags[listed] = group_flags(coded.names, listed, coded.kind)
            met = flags[listed][:, group_names(listed).index(group)]
        yield OF_LISTS + coded.kind, one.name, *coded.listed(met)


def _lines(table: pa.Table, one: UsedList) -> Flags:
    """Lines that a list of procedures, drugs, revenue centres or places meets."""
    if isinstance(one.rules, DrugList):
        return drug_lines(table, one.rules)
    if isinstance(one.rules, Procedures):
        return procedure_lines(table, one.rules)
    ranges = one.rules if isinstance(one.rules, tuple) else ()
    return per_code(table, COLUMNS[one.kind], partial(in_ranges, ranges=ranges)).astype(np.bool_)
