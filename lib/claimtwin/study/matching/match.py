"""The match of a table of units: pairs, who has none and why, how each block fared, and balance."""

from collections import Counter
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from claimtwin.config.match_spec import ALL, MatchSpec
from claimtwin.errors import GuardError
from claimtwin.kernel.certificate import count_broken, count_envious
from claimtwin.kernel.columns import Flags
from claimtwin.kernel.matching.accounting import REASONS, count_blocks, why_unmatched
from claimtwin.kernel.matching.match import choose_twins, keep_floor
from claimtwin.kernel.matching.pairs import Pairs
from claimtwin.kernel.matching.rules import Rules
from claimtwin.kernel.matching.spread import Part, join_parts
from claimtwin.kernel.matching.units import Scores, Units
from claimtwin.study.matching.balance import Named, covariates_of, measure_balance, weights_of
from claimtwin.study.matching.columns import plain, require_columns
from claimtwin.study.matching.people import People, columns_needed, parts_of, read_people

QUANTILES = {"distance_median": 0.5, "distance_p90": 0.9, "distance_max": 1.0}


@dataclass(frozen=True)
class MatchTables:
    """What a match gives, as Arrow tables.

    Attributes:
        pairs: A row per couple: ``treated_id``, ``control_id`` as they were given, ``rank`` (1 for a treated's first
            twin), ``distance`` in units of the score on its link or of the covariates' space, ``block``. By block, then
            by the treated's turn, then by rank.
        unmatched: A row per treated without a twin: ``treated_id``, ``block``, ``reason``.
        blocks: A row per block: ``block``, ``treated``, ``controls``, ``matched`` (treated with a twin), ``couples``,
            ``scarcity`` (treated per control, null without controls), quantiles of the couples' distances (null without
            couples).
        weights: A row per person in a couple: ``id``, ``treated``, ``weight``; 1 for a treated, and for a control its
            share of its treated, scaled so that the controls' weights sum to their number.
        balance: See ``measure_balance``; empty if no covariate was named or implied.
        counts: Numbers of people: ``treated``, ``controls``, ``couples``, and every reason, ``matched`` first.
        certified: Whether it was proven that no treated prefers a control that was still to be had in their turn;
            with replacement nobody competes, and there is nothing to prove.
    """

    pairs: pa.Table
    unmatched: pa.Table
    blocks: pa.Table
    weights: pa.Table
    balance: pa.Table
    counts: dict[str, int]
    certified: bool


def match_table(table: pa.Table, spec: MatchSpec) -> MatchTables:
    """Match the units of a table. No pair at all is a result, too.

    Ties: see ``kernel.matching.match_units``; nothing depends on the order of rows.

    Raises:
        ConfigError: A named column is not there.
        InputError: Values that cannot be matched on, with their number.
        GuardError: The pairs are not those of the rules, by their certificate.
    """
    people = read_people(plain(table.select(columns_needed(spec, table.column_names))), spec)
    covariates = _covariates(people.table, spec, people.score)
    units = people.units
    pairs, reason = _match_parts(people, parts_of(spec, units))
    weight = weights_of(units.treated, pairs)
    names = pa.array(people.block_names)
    counted = Counter(reason[units.treated].tolist())
    counts = {"treated": int(units.treated.sum()), "controls": int((~units.treated).sum()), "couples": len(pairs)}
    return MatchTables(
        pairs=_pairs_table(people, pairs, names),
        unmatched=_unmatched_table(people, reason, names),
        blocks=_blocks_table(units, pairs, names),
        weights=_weights_table(people, weight),
        balance=measure_balance(covariates, units.treated, weight),
        counts=counts | {name: counted[code] for code, name in enumerate(REASONS)},
        certified=not spec.replace,
    )


def _covariates(table: pa.Table, spec: MatchSpec, on_link: Scores | None) -> list[Named]:
    """The score on its link first, then every other covariate that is asked for."""
    if spec.covariates == ALL:
        left_out = {spec.id, spec.treated, spec.score, spec.tie}
        names = [*spec.named(), *(name for name in table.column_names if name not in left_out)]
    else:
        names = list(spec.named() if spec.covariates is None else spec.covariates)
    names = [name for name in require_columns(table.column_names, names) if name != spec.score]
    score = [(spec.score, spec.score, on_link)] if spec.score and on_link is not None else []
    return [*score, *covariates_of(table, names, skip_wide=spec.covariates == ALL)]


def _match_parts(people: People, parts: list[Part]) -> tuple[Pairs, NDArray[np.int8]]:
    """The match of all parts, and everybody's code of ``REASONS``."""
    found, reason = list[Pairs](), np.zeros(len(people.units), np.int8)
    for part in parts:
        outside, cut = people.outside[part.rows], people.cut[part.rows]
        found.append(_certified(part.units, part.rules, ~(outside | cut)))
        reason[part.rows] = why_unmatched(part.units, part.rules, found[-1], outside, cut)
    return join_parts(parts, found), reason


def _certified(units: Units, rules: Rules, is_in: Flags) -> Pairs:
    """The match of those who are in it, in rows of all, once nothing is found that is wrong with it."""
    rows = np.flatnonzero(is_in)
    units = units.take(rows) if len(rows) < len(units) else units
    found = choose_twins(units, rules)
    broken = count_broken(units, rules, found)
    envious = 0 if rules.replace else count_envious(units, rules, found)
    if broken or envious:
        raise GuardError(
            f"The match is not that of its rules: {broken:,} couples are not allowed, {envious:,} treated prefer a "
            "control that was still to be had.",
            where="match",
            rule="docs/matching.md, certificate",
            remedy="this is a fault in Claimtwin: please report it with the options of the match",
        )
    kept = keep_floor(found, rules.floor)
    return Pairs(rows[kept.treated], rows[kept.control], kept.rank, kept.distance)


def _pairs_table(people: People, pairs: Pairs, names: pa.Array) -> pa.Table:
    columns = {
        "treated_id": people.ids.take(pa.array(pairs.treated)),
        "control_id": people.ids.take(pa.array(pairs.control)),
        "rank": pa.array(pairs.rank, pa.int64()),
        "distance": pa.array(pairs.distance),
        "block": names.take(pa.array(people.units.block[pairs.treated])),
    }
    return pa.table(columns)


def _unmatched_table(people: People, reason: NDArray[np.int8], names: pa.Array) -> pa.Table:
    row = np.flatnonzero(reason != 0)
    row = row[np.lexsort((people.units.tie[row], people.units.block[row]))]
    columns = {
        "treated_id": people.ids.take(pa.array(row)),
        "block": names.take(pa.array(people.units.block[row])),
        "reason": pa.array(REASONS).take(pa.array(reason[row].astype(np.int64))),
    }
    return pa.table(columns)


def _blocks_table(units: Units, pairs: Pairs, names: pa.Array) -> pa.Table:
    counts = count_blocks(units, pairs, tuple(QUANTILES.values()))
    columns = {"block": names.take(pa.array(counts.block))}
    for name in ("treated", "controls", "matched", "couples"):
        columns[name] = pa.array(getattr(counts, name), pa.int64())
    columns["scarcity"] = pa.array(counts.scarcity, from_pandas=True)
    for place, name in enumerate(QUANTILES):
        columns[name] = pa.array(counts.quantiles[:, place], from_pandas=True)
    return pa.table(columns)


def _weights_table(people: People, weight: Scores) -> pa.Table:
    row = np.flatnonzero(weight > 0)
    row = row[np.lexsort((people.units.tie[row], ~people.units.treated[row]))]
    columns = {
        "id": people.ids.take(pa.array(row)),
        "treated": pa.array(people.units.treated[row]),
        "weight": pa.array(weight[row]),
    }
    return pa.table(columns)
