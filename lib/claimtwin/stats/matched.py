"""The matched people as the models see them: arrays, one row a person, without ids or dates."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from claimtwin.stats.exact import FloatArray


@dataclass(frozen=True, eq=False)
class Matched:
    """Everybody in a pair or set, one row a person: a treated and one twin, or several.

    Attributes:
        treated: (n,) arm.
        pair: (n,) number of the pair or set, shared by its rows.
        covariates: (n, p) columns to adjust for, in their own units; p may be 0.
        names: Their p names.
        employer: (n,) number of the employer, or None where the study knows of none.
        weight: (n,) what each counts: 1 for the treated, for twins as ``weights_of_sets`` says; None where all count 1.
    """

    treated: NDArray[np.bool_]
    pair: NDArray[np.int64]
    covariates: FloatArray
    names: tuple[str, ...]
    employer: NDArray[np.int64] | None = None
    weight: FloatArray | None = None

    def part(self, rows: NDArray[np.bool_]) -> "Matched":
        """The people of ``rows`` alone; a pair may lose one of its two."""
        employer = None if self.employer is None else self.employer[rows]
        covariates, weight = self.covariates[rows], self.weight_of(rows)
        return Matched(self.treated[rows], self.pair[rows], covariates, self.names, employer, weight)

    def weight_of(self, rows: NDArray[np.bool_]) -> FloatArray | None:
        """Weights of ``rows``; None where all people count 1."""
        return None if self.weight is None else self.weight[rows]

    @property
    def has_sets(self) -> bool:
        """Whether somebody has several twins, so that what is made for pairs cannot be asked."""
        return bool((np.bincount(np.unique(self.pair, return_inverse=True)[1][~self.treated]) > 1).any())


def weights_of_sets(treated: NDArray[np.bool_], pair: NDArray[np.int64]) -> FloatArray | None:
    """(n,) weights for the effect on the treated; None where all sets are of one size, so that everybody counts 1.

    A treated counts 1 and the m twins of a set 1/m each, times what makes the twins' weights add up to their number:
    the rule of ``kernel.matching.weights``. Every set must have its treated and at least one twin.
    """
    code = np.unique(pair, return_inverse=True)[1]
    twins = np.bincount(code[~treated], minlength=int(code.max(initial=-1)) + 1)
    if len(twins) == 0 or (twins == twins[0]).all():
        return None
    mean = float(twins.sum()) / len(twins)
    return np.where(treated, 1.0, mean / twins[code])
