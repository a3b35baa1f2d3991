"""Whether a regression can be fitted at all, told column by column before anything is iterated."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from claimtwin.errors import GuardError
from claimtwin.stats.exact import FloatArray
from claimtwin.stats.moments import Moments

Stage = Callable[[Moments, Sequence[str]], dict[str, str]]
PIVOT = 1e-10
"""A column of which less than this share of the variance is its own counts as a combination of the others."""
WEIGHT = 1e-6
"""A standardised weight above this names a column that another one depends on."""
RULE = "every covariate is known, varies, says something of its own, and overlaps between the arms"


@dataclass(frozen=True)
class Tolerance:
    """What a model bears.

    Attributes:
        levels: Columns that hold 0 and 1, and are rare with fewer than ``min_level`` people on either side.
        separated, collinear: Whether the model has a solution with such columns, as one with a penalty has.
    """

    levels: frozenset[str] = frozenset()
    min_level: int = 0
    separated: bool = False
    collinear: bool = False


PLAIN = Tolerance()


def check_design(moments: Moments, columns: Sequence[str], bears: Tolerance = PLAIN) -> None:
    """Refuse a design whose propensity model has no finite solution, naming every column at fault.

    Raises:
        GuardError: An arm is empty; or a column has missing values, is constant, is a linear combination of
            others before it, or separates the arms (their ranges do not overlap, or only touch).
    """
    check_arms(moments)
    faults = _missing(moments, columns) or _constant(moments, columns)
    if not faults:
        faults = _rare(moments, columns, bears)
        faults |= {} if bears.separated else _separated(moments, columns)
        faults |= {} if bears.collinear else _collinear(moments, columns)
    if faults:
        named = ", ".join(f"'{column}'" for column in faults)
        raise GuardError(
            f"the propensity model cannot be fitted: {'; '.join(faults.values())}",
            "score.covariates",
            RULE,
            f"remove {named} from `score.covariates` in the study file",
        )


def check_arms(moments: Moments) -> None:
    """Refuse a design with an empty arm.

    Raises:
        GuardError: An arm is empty.
    """
    if moments.n_treated in (0, moments.n):
        arm = "treated" if moments.n_treated == 0 else "comparator"
        raise GuardError(
            f"the {arm} arm is empty: nobody passed all its criteria",
            "propensity model",
            "both arms hold candidates",
            "look at attrition.csv for the criterion that left nobody",
        )


def faulty_columns(moments: Moments, columns: Sequence[str], bears: Tolerance = PLAIN) -> dict[str, str]:
    """Columns that a model cannot be fitted with and why, taken out in this order: missing, constant, rare, separating.

    Of what is left then the linear combinations of columns before them.
    """
    gone: dict[str, str] = {}
    stages: list[Stage] = [_missing, _constant, partial(_rare, bears=bears)]
    stages += [] if bears.separated else [_separated]
    stages += [] if bears.collinear else [_collinear]
    for stage in stages:
        kept = [k for k, name in enumerate(columns) if name not in gone]
        gone |= stage(moments.only(kept), [columns[k] for k in kept])
    return gone


def dependent_columns(correlation: FloatArray) -> dict[int, list[int]]:
    """Columns that are linear combinations of earlier ones, and which: sequential Cholesky with a pivot test.

    Ties: the first of a set of dependent columns is kept, the last is named.
    """
    kept: list[int] = []
    dependent: dict[int, list[int]] = {}
    for column in range(len(correlation)):
        weights = np.linalg.solve(correlation[np.ix_(kept, kept)], correlation[kept, column])
        pivot = correlation[column, column] - correlation[kept, column] @ weights
        if pivot > PIVOT:
            kept.append(column)
        else:
            dependent[column] = [k for k, weight in zip(kept, weights, strict=True) if abs(weight) > WEIGHT]
    return dependent


def _missing(moments: Moments, columns: Sequence[str]) -> dict[str, str]:
    known = np.isfinite(moments.low).all(axis=0) & np.isfinite(moments.high).all(axis=0) & np.isfinite(moments.mean)
    return {
        c: f"column '{c}' has missing or infinite values" for c, fine in zip(columns, known, strict=True) if not fine
    }


def _constant(moments: Moments, columns: Sequence[str]) -> dict[str, str]:
    same = moments.low.min(axis=0) == moments.high.max(axis=0)
    return {c: f"column '{c}' is constant" for c, flat in zip(columns, same, strict=True) if flat}


def _rare(moments: Moments, columns: Sequence[str], bears: Tolerance) -> dict[str, str]:
    people = moments.mean * moments.weight
    fewer = np.minimum(people, moments.weight - people) < bears.min_level - 0.5
    return {
        c: f"column '{c}' is rare: fewer than {bears.min_level} people have it, or lack it"
        for c, few in zip(columns, fewer, strict=True)
        if few and c in bears.levels
    }


def _separated(moments: Moments, columns: Sequence[str]) -> dict[str, str]:
    apart = (moments.low[0] >= moments.high[1]) | (moments.low[1] >= moments.high[0])
    return {c: f"column '{c}' separates the arms" for c, told in zip(columns, apart, strict=True) if told}


def _collinear(moments: Moments, columns: Sequence[str]) -> dict[str, str]:
    size = np.sqrt(np.diag(moments.scatter))
    found = dependent_columns(moments.scatter / np.outer(size, size))
    return {
        columns[column]: f"column '{columns[column]}' is a linear combination of "
        + ", ".join(f"'{columns[other]}'" for other in others)
        for column, others in found.items()
    }
