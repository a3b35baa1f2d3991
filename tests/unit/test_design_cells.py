"""A design matrix comes back from its cell bit by bit, in as few bytes as its columns need."""

import numpy as np
import pytest
from claimtwin.spark.design_cells import pack_matrix, unpack_matrix
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

ODD = [0.0, -0.0, 1.0, 255.0, 256.0, 0.5, 0.1, 1e-45, 3e38, 1e300, -1.0, np.nan, np.inf, -np.inf, 2.0**24 + 1]


@given(
    arrays(np.float64, st.tuples(st.integers(0, 7), st.integers(1, 19)), elements=st.sampled_from(ODD)), st.booleans()
)
def test_every_bit_comes_back(x, by_column):
    x = np.asfortranarray(x) if by_column else x
    cell = pack_matrix(x)
    assert unpack_matrix(cell, x.shape[1]).tobytes() == x.tobytes()
    assert cell == pack_matrix(np.ascontiguousarray(x))


@pytest.mark.parametrize(
    ("column", "width"),
    [([0, 1, 255], 1), ([-1, 0, 1], 4), ([0.25, 1e6, 7], 4), ([0.1, 0, 1], 8), ([0, -0.0, 1], 4), ([2**24 + 1] * 3, 8)],
)
def test_a_column_takes_no_more_than_it_needs(column, width):
    assert len(pack_matrix(np.array([column], float).T)) == 8 + 3 * width
