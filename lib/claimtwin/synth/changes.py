"""What dirt does to a table: rows added, changed or lost, and the hands to make such rows with."""

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from claimtwin.config.deployment import TableName
from claimtwin.synth.calendar import shift_of
from claimtwin.synth.draws import Draws, Flags, Index
from claimtwin.synth.people import People
from claimtwin.synth.spec import SynthSpec

NONE = np.zeros(0, np.int64)


@dataclass(frozen=True)
class Change:
    """What one kind of dirt does to one table.

    ``added`` rows belong to ``owner``, places of people; ``replaced`` has new values of some rows by column;
    ``removed`` are places of rows.
    """

    added: pa.Table | None = None
    owner: Index = field(default_factory=lambda: NONE)
    replaced: dict[str, tuple[Index, pa.Array]] = field(default_factory=dict)
    removed: Index = field(default_factory=lambda: NONE)

    @property
    def rows(self) -> int:
        """Rows added, changed and lost."""
        changed = {int(place) for places, _ in self.replaced.values() for place in places}
        return (0 if self.added is None else self.added.num_rows) + len(changed) + len(self.removed)


@dataclass(frozen=True)
class Made:
    """The clean rows of one table, the place of each row's person in ``people``, and the people marked."""

    spec: SynthSpec
    people: People
    person: Index
    rows: pa.Table
    marked: Index

    def first_rows(self, wanted: Flags) -> Index:
        """The first wanted row of each marked person that has one."""
        rows = np.flatnonzero(wanted & np.isin(self.person, self.marked))
        return rows[np.unique(self.person[rows], return_index=True)[1]]

    def days(self, column: str) -> Index:
        """Days since 1970 around 2020 of a column of days."""
        days = self.rows[column].cast(pa.date32()).cast(pa.int32()).to_numpy().astype(np.int64)
        base: Index = days - shift_of(self.spec.index_year)
        return base


def chosen(spec: SynthSpec, name: TableName, kind: str, people: People) -> Index:
    """Places of the people marked for one kind in one table."""
    draws, chance = Draws(spec.seed), getattr(spec.dirt, kind)
    return np.flatnonzero(draws.chance(f"{name} {kind}", people.number, chance))


def copies_of(made: Made, rows: Index, ending: str, values: dict[str, str | None], **columns: pa.Array) -> pa.Table:
    """Rows again under claim ids with an ending, with some values or columns changed."""
    taken = made.rows.take(pa.array(rows))
    fixed = {name: pa.array([value] * len(rows), pa.string()) for name, value in values.items()}
    return with_columns(taken, claim_id=pc.binary_join_element_wise(taken["claim_id"], ending, ""), **fixed, **columns)


def with_columns(rows: pa.Table, **columns: pa.Array) -> pa.Table:
    """The rows with some columns changed."""
    for name, values in columns.items():
        rows = rows.set_column(rows.schema.get_field_index(name), name, values)
    return rows


def negative(amount: pa.ChunkedArray) -> pa.ChunkedArray:
    """Amounts as text, taken back."""
    return pc.binary_join_element_wise("-", amount, "")


def all_of(word: str, n: int) -> pa.Array:
    """One text in every row."""
    return pa.array([word] * n, pa.string())
