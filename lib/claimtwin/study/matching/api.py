"""``claimtwin.match`` and ``claimtwin.balance``: a frame in, frames of the same kind out."""

import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Unpack

import numpy as np
import pyarrow as pa

from claimtwin.config.match_spec import ALL, MatchOptions, read_spec
from claimtwin.config.matching import PER_BLOCK
from claimtwin.study.matching.balance import covariates_of, measure_balance, pairs_by_id, weights_of
from claimtwin.study.matching.columns import flags, plain, require_columns, require_ids, ties
from claimtwin.study.matching.frames import as_arrow, like, names_of
from claimtwin.study.matching.match import match_table
from claimtwin.study.matching.people import columns_needed


@dataclass(frozen=True)
class Match:
    """A match, in frames of the kind that was given (Arrow where we only read that kind).

    Attributes:
        pairs, unmatched, blocks, weights, balance: See ``study.matching.match.MatchTables``.
        counts: Numbers of people: ``treated``, ``controls``, ``couples``, ``matched``, and each reason for no twin.
        certified: Whether the certificate of the match was checked; there is none with replacement.
    """

    pairs: Any
    unmatched: Any
    blocks: Any
    weights: Any
    balance: Any
    counts: dict[str, int]
    certified: bool


def match(units: Any, **options: Unpack[MatchOptions]) -> Match:
    """Match treated with controls of their block, nearest neighbour first.

    Args:
        units: A pandas frame, an Arrow table or a Spark DataFrame: one row per person of either arm, in any order.
        options: As of ``claimtwin match``: ``id``, ``treated`` and ``score`` name columns, ``caliper="score=0.2sd"`` or
            ``{"score": "0.2sd", "age": 5}``, ``exact="region,month"`` or a list. See ``MatchSpec``, docs/matching.md.

    Ties: of two equally near controls the one with the lower score, then the smaller tie key, by default a hash of
    seed and id. Nothing depends on the order of rows.

    Warns:
        UserWarning: Calipers are in standard deviations of each block (``caliper_sd="per_block"``).

    Raises:
        ConfigError: Options that are unknown, unreadable or contradictory, all at once; columns that are not there.
        InputError: Values that cannot be matched on, with their number.
        GuardError: The match does not keep its rules: a fault of ours.
    """
    spec = read_spec(options)
    if spec.caliper_sd != ALL:
        warnings.warn(PER_BLOCK, stacklevel=2)
    found = match_table(as_arrow(units, columns_needed(spec, names_of(units))), spec)
    back = like(units)
    frames = {name: back(getattr(found, name)) for name in ("pairs", "unmatched", "blocks", "weights", "balance")}
    return Match(**frames, counts=found.counts, certified=found.certified)


def balance(
    units: Any, pairs: Any = None, *, id: str, treated: str, covariates: str | Iterable[str] = ALL
) -> Any:  # fmt: skip
    """How alike the arms are before matching and, where pairs are given, after: one row per covariate and time.

    Args:
        units: A pandas frame, an Arrow table or a Spark DataFrame: one row per person.
        pairs: Couples by ``treated_id`` and ``control_id``, from ``match`` or from anywhere else.
        id, treated: Columns of the units.
        covariates: Names, in a list or joined by commas; ``all`` for every other column. A column that holds no numbers
            becomes one 0/1 covariate for each of its values.

    Returns:
        A frame of the kind of the units: covariate, its column, ``before`` or ``after``, weighted means,
        ``smd`` in standard deviations of the treated before matching, ``variance_ratio`` (null for 0/1),
        ``ecdf_mean`` and ``ecdf_max``, effective sample sizes ``effective_treated`` and ``effective_control`` (people
        who would tell as much if all weighed the same). A figure that is not defined is null.

    Raises:
        ConfigError: A column is not there.
        InputError: Ids missing, repeated or unknown; treated not 0/1; infinite covariates; how many.
    """
    known = names_of(units)
    named = read_spec({"id": id, "treated": treated, "distance": "euclidean:x", "covariates": covariates}).covariates
    names = [name for name in known if name not in (id, treated)] if named == ALL else list(named or ())
    table = plain(as_arrow(units, require_columns(known, [id, treated, *names])))
    # The order of the hash makes the last digit of every sum that of ``match``, however the rows are given.
    table = table.take(pa.array(np.argsort(ties(table, require_ids(table, id), None, 0))))
    ids, arm = table[id], flags(table, treated)
    weight = None if pairs is None else weights_of(arm, pairs_by_id(ids, _couples(pairs)))
    measured = measure_balance(covariates_of(table, names, skip_wide=named == ALL), arm, weight)
    return like(units)(measured)


def _couples(pairs: Any) -> pa.Table:
    return plain(as_arrow(pairs, require_columns(names_of(pairs), ["treated_id", "control_id"])))
