"""Matching on a cluster: the candidates of each block are gathered, packed, in one task and matched by the kernel.

A block that is cut is matched range by range (``spark.ranges``), with the same pairs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from claimtwin.kernel.certificate import count_broken, count_envious
from claimtwin.kernel.columns import Flags, Index, starts_run
from claimtwin.kernel.matching import Pairs, Rules, Units, choose_twins
from claimtwin.kernel.matching.match import keep_floor, sorted_blocks
from claimtwin.kernel.matching.spread import InSd, join_parts, split_blocks
from claimtwin.kernel.matching.sweep import NOBODY
from claimtwin.kernel.matching.units import Scores, Table
from claimtwin.spark.packing import Places, gather_places, unpack_pieces

MATCHES = pa.schema(
    [("block", pa.string()), ("rank", pa.int64()), ("treated_person", pa.string()), ("comparator_person", pa.string())]
    + [("distance", pa.float64()), ("reason", pa.string()), ("envious", pa.int64())]
    + [("nth", pa.int64()), ("twins", pa.int64())]
)
NO_COMPARATOR = "no comparator in the block"
NONE_FREE = "no free comparator within the caliper"
REASONS = pa.array([NO_COMPARATOR, NONE_FREE])


@dataclass(frozen=True)
class Distance:
    """What else than the score decides who is near.

    Attributes:
        space: Covariates of a distance of its own; with none the distance is the difference of scores.
        white: Matrix that turns them into coordinates in which that distance is Euclidean (``kernel.matching.shape``).
        near: Covariates with a caliper, in the order of the rules' ``widths``.
        per_block: Whether the rules' caliper is in standard deviations of each block's logits.
    """

    space: tuple[str, ...] = ()
    white: tuple[tuple[float, ...], ...] = ()
    near: tuple[str, ...] = ()
    per_block: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        """Every covariate, once."""
        return tuple(dict.fromkeys([*self.space, *self.near]))

    @property
    def is_plain(self) -> bool:
        """Whether nothing but the score and one caliper for all decides."""
        return self == PLAIN


PLAIN = Distance()
NOWHERE = Places()


def match_blocks(packed: DataFrame, rules: Rules, distance: Distance = PLAIN, places: Places = NOWHERE) -> DataFrame:
    """One row per treated candidate: its twin, or why it has none; with several twins, a row for each.

    Args:
        packed: One row a piece, as ``spark.packing.pack_people`` makes them, with the covariates of the distance.
        rules: See ``kernel.matching``; the caliper is in units of the logit, unless the distance says otherwise.
        distance: What else decides who is near.
        places: Which blocks have a task of their own; none of these is cut. Cannot move a pair.

    ``rank`` counts the matched treated of a block from 0 in the order in which they chose; null without a twin. Of one
    with several twins each is a row: ``nth`` from 1 by round, ``twins`` their number.
    ``distance`` is in units of the logit, or of the distance asked for. ``envious`` is the count of the certificate,
    which must be 0: on the first row of each stretch that was proven together, null on the others.

    Memory: a task holds the pieces of its partition, packed, and the people of one of its places, about 60 bytes each
    and their ids, and what the rules need.
    """
    return gather_places(packed, Places(places.own), partial(_match_place, rules, distance), MATCHES)


def keep_pairs(matches: DataFrame) -> DataFrame:
    """One row per treated and twin."""
    return matches.where(F.col("comparator_person").isNotNull())


def build_pair_members(pairs: DataFrame) -> DataFrame:
    """One row per person in a matched set, the treated once however many twins there are.

    ``block`` and ``rank`` name the set; ``nth`` is 0 for the treated, for a twin which one it is; ``twins`` of the set.
    """
    members = build_couple_members(pairs).where(~F.col("treated") | (F.col("couple") == 1))
    nth = F.when(F.col("treated"), F.lit(0)).otherwise(F.col("couple")).cast("bigint").alias("nth")
    return members.select("block", "rank", nth, "twins", "person_id", "treated")


def build_couple_members(pairs: DataFrame) -> DataFrame:
    """Two rows per treated and twin, the treated first: the set, ``couple`` (the twin's ``nth``), person and arm."""
    both = F.array(
        F.struct(F.col("treated_person").alias("person_id"), F.lit(True).alias("treated")),
        F.struct(F.col("comparator_person").alias("person_id"), F.lit(False).alias("treated")),
    )
    couple = F.col("nth").alias("couple")
    member = pairs.select("block", "rank", couple, "twins", F.explode(both).alias("member"))
    return member.select("block", "rank", "couple", "twins", "member.person_id", "member.treated")


def units_of(people: pa.Table, block: Index | None, distance: Distance) -> Units:
    """The people of a place as columns of the kernel."""
    x = np.column_stack([_numbers(people, name) for name in distance.space]) if distance.space else None
    near = np.column_stack([_numbers(people, name) for name in distance.near]) if distance.near else None
    space = None if x is None else _placed(x, np.array(distance.white))
    treated, tie = _numbers(people, "treated", np.bool_), _numbers(people, "tie_key", np.int64)
    return Units.of(treated, _numbers(people, "logit"), tie, block, near=near, space=space)


def _match_place(rules: Rules, distance: Distance, part: int, pieces: pa.Table) -> pa.Table:
    names, code, people = unpack_pieces(pieces)
    units = units_of(people, code if len(names) > 1 else None, distance)
    chosen, envious = (_by_block if distance.per_block else _certified)(units, rules)
    return _rows_of(people["person_id"], names, units, keep_floor(chosen, rules.floor), envious)


def _by_block(units: Units, rules: Rules) -> tuple[Pairs, int]:
    """The match of each block with a caliper of its own, in rows of all."""
    parts = list(split_blocks(units, rules, InSd(score=True)))
    found = [_certified(part.units, part.rules) for part in parts]
    return join_parts(parts, [chosen for chosen, _ in found]), sum(envious for _, envious in found)


def _certified(units: Units, rules: Rules) -> tuple[Pairs, int]:
    """The match before the floor, and how many would rather have another twin, or have one that rules forbid."""
    blocks = list(sorted_blocks(units, rules))
    chosen = choose_twins(units, rules, blocks)
    envious = 0 if rules.replace else count_envious(units, rules, chosen, blocks)  # with replacement nobody competes
    return chosen, envious + count_broken(units, rules, chosen)


def _rows_of(person: pa.ChunkedArray, names: Sequence[str], units: Units, pairs: Pairs, envious: int) -> pa.Table:
    """Rows of ``MATCHES``: pairs by block and turn, then who has no twin by block and tie key."""
    is_left = units.treated.copy()
    is_left[pairs.treated] = False
    left = np.flatnonzero(is_left)
    left = left[np.lexsort((units.tie[left], units.block[left]))]
    rest = np.full(len(left), NOBODY)
    treated, twin = np.concatenate([pairs.treated, left]), np.concatenate([pairs.control, rest])
    alone = np.bincount(units.block[~units.treated], minlength=len(names)) == 0
    return rows_of_matches(
        block=pa.array(names).take(pa.array(units.block[treated])),
        rank=np.concatenate([rank_in(units.block[pairs.treated], pairs.treated), rest]),
        treated=person.take(pa.array(treated)),
        twin=person.take(pa.array(twin, mask=twin == NOBODY)),
        distance=np.concatenate([pairs.distance, rest]),
        alone=alone[units.block[treated]],
        envious=envious,
        nth=np.concatenate([pairs.rank, rest]),
        twins=np.concatenate([twins_of(pairs), rest]),
    )


def rows_of_matches(
    *,
    block: pa.Array,
    rank: Index,
    treated: pa.ChunkedArray,
    twin: pa.ChunkedArray,
    distance: Scores,
    alone: Flags,
    envious: int,
    nth: Index | None = None,
    twins: Index | None = None,
) -> pa.Table:
    """A table of ``MATCHES``: ``rank`` is -1 for who has no twin, whose ``distance`` is not looked at.

    ``alone`` says whose block has no comparator; ``envious`` is told on the first row. ``nth`` and ``twins`` null:
    one twin each.
    """
    none = rank == NOBODY
    reason = REASONS.take(pa.array(np.where(alone, 0, 1), mask=~none))
    numbers = [pa.array(column, mask=none) for column in (rank, distance)]
    told = pa.array(np.full(len(rank), envious), mask=np.arange(len(rank)) > 0)
    one = np.ones(len(rank), np.int64)
    places = [pa.array(one if column is None else column, mask=none) for column in (nth, twins)]
    return pa.table([block, numbers[0], treated, twin, numbers[1], reason, told, *places], schema=MATCHES)


def rank_in(block: Index, treated: Index) -> Index:
    """Place of each couple's treated among those of its block, from 0; couples of one stand together."""
    if not len(block):
        return np.zeros(0, np.int64)
    first = np.flatnonzero(starts_run(block))
    number = np.cumsum(starts_run(treated))
    rank: Index = number - np.repeat(number[first], np.diff(np.append(first, len(block))))
    return rank


def twins_of(pairs: Pairs) -> Index:
    """How many twins each couple's treated has."""
    many: Index = np.bincount(pairs.treated)[pairs.treated] if len(pairs) else np.zeros(0, np.int64)
    return many


def _numbers(people: pa.Table, name: str, kind: type[np.generic] = np.float64) -> NDArray[np.generic]:
    """A column as numpy; nulls among numbers become missing, which the kernel counts and refuses."""
    return np.asarray(people[name].to_numpy(), kind)


def _placed(x: Table, white: Table) -> Table:
    """``x @ white``, column by column: a product of matrices may round a row by where it stands."""
    space = np.zeros((len(x), white.shape[1]))
    for row in range(white.shape[0]):
        space += x[:, row : row + 1] * white[row]
    return space
