"""The matched people as the models see them: arrays, one row a person, without ids or dates."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from claimtwin.stats.exact import FloatArray


@dataclass(frozen=True, eq=False)
class Matched:
    """Everybody in a pair, one row a person.

    Attributes:
        treated: (n,) arm.
        pair: (n,) number of the pair, shared by two rows.
        covariates: (n, p) columns to adjust for, in their own units; p may be 0.
        names: Their p names.
        employer: (n,) number of the employer, or None where the study knows of none.
    """

    treated: NDArray[np.bool_]
    pair: NDArray[np.int64]
    covariates: FloatArray
    names: tuple[str, ...]
    employer: NDArray[np.int64] | None = None

    def part(self, rows: NDArray[np.bool_]) -> "Matched":
        """The people of ``rows`` alone; a pair may lose one of its two."""
        employer = None if self.employer is None else self.employer[rows]
        return Matched(self.treated[rows], self.pair[rows], self.covariates[rows], self.names, employer)
