"""``claimtwin match UNITS``: files in, files out, and a summary that holds counts only."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from claimtwin.config.match_spec import ALL, MatchSpec
from claimtwin.config.matching import PER_BLOCK
from claimtwin.io.units import check_outputs, is_delta, read_units, write_table_file
from claimtwin.kernel.matching.accounting import REASONS
from claimtwin.stats.weighted_balance import effective_size
from claimtwin.study.matching.frames import as_arrow, names_of
from claimtwin.study.matching.match import MatchTables, match_table
from claimtwin.study.matching.people import columns_needed
from claimtwin.study.progress import Say

OpenDelta = Callable[[str], Any]


@dataclass(frozen=True)
class MatchFiles:
    """Where units come from and results go; null for a result that is not asked for."""

    units: str
    out: Path
    balance: Path | None = None
    unmatched: Path | None = None
    blocks: Path | None = None
    weights: Path | None = None
    overwrite: bool = False

    def outputs(self) -> Mapping[str, Path]:
        """Paths by the name of the result, those that are asked for."""
        paths = {"pairs": self.out, "balance": self.balance, "unmatched": self.unmatched}
        paths |= {"blocks": self.blocks, "weights": self.weights}
        return {name: path for name, path in paths.items() if path is not None}


def match_files(files: MatchFiles, spec: MatchSpec, open_delta: OpenDelta, say: Say) -> MatchTables:
    """Read units, match them, write what is asked for, and say how it went.

    Args:
        files: Paths.
        spec: The match.
        open_delta: Gives the Spark DataFrame of a Delta table; called for such a table only.
        say: Told counts; never an id or a value.

    Raises:
        ConfigError: A file or a named column is not there, or an output is and may not be replaced.
        InputError: Values that cannot be matched on, with their number.
    """
    check_outputs(list(files.outputs().values()), files.units, overwrite=files.overwrite)
    table = _read(files.units, spec, open_delta)
    say(f"read: {table.num_rows:,} units, {table.num_columns} columns")
    if spec.caliper_sd != ALL:
        say(f"warning: {PER_BLOCK}")
    found = match_table(table, spec)
    for line in summary(found):
        say(line)
    for name, path in files.outputs().items():
        write_table_file(getattr(found, name), path)
    return found


def summary(found: MatchTables) -> list[str]:
    """Lines of counts: matched, unmatched by reason, blocks, worst imbalance, certificate."""
    counts = found.counts
    lines = [f"units: {counts['treated']:,} treated, {counts['controls']:,} controls"]
    lines += [f"matched: {counts['matched']:,} treated, in {counts['couples']:,} couples"]
    lines += [f"unmatched: {counts[reason]:,}, {reason}" for reason in REASONS[1:] if counts[reason]]
    if not counts["couples"]:
        lines.append("note: nobody was matched; the file of pairs has a header and no rows")
    lines.append(f"effective sample size: {_effective(found, True)} treated, {_effective(found, False)} controls")
    lines += [f"worst |SMD| {when}: {told}" for when in ("before", "after") if (told := _worst(found.balance, when))]
    if found.certified:
        lines.append("certificate: no treated prefers a control that was still to be had")
    return lines


def _effective(found: MatchTables, treated: bool) -> str:
    """Of the matched of one arm, as the table of weights has them."""
    own = found.weights.filter(pc.equal(found.weights["treated"], treated))
    return f"{effective_size(np.asarray(own['weight'].to_numpy(), np.float64)):,.1f}"


def _worst(balance: pa.Table, when: str) -> str:
    """The largest |SMD| and its column; a level's name is a value of the data and is not told."""
    rows = balance.filter(pc.and_(pc.equal(balance["when"], when), pc.is_valid(balance["smd"])))
    if not rows.num_rows:
        return ""
    size = [abs(smd) for smd in rows["smd"].to_pylist()]
    worst = size.index(max(size))
    return f"{size[worst]:.4f} ({rows['column'][worst].as_py()})"


def _read(units: str, spec: MatchSpec, open_delta: OpenDelta) -> pa.Table:
    if not is_delta(units):
        return read_units(units, lambda names: columns_needed(spec, names))
    frame = open_delta(units)
    return as_arrow(frame, columns_needed(spec, names_of(frame)))
