"""What the gates read of the scores, against counting by hand."""

import math

from claimtwin.study.gates import read_design


def test_the_middle_of_the_preference_score_and_the_largest_difference(spark):
    shares = [(0.02, False), (0.1, False), (0.2, False), (0.3, True), (0.5, False), (0.9, True)]
    scores = spark.createDataFrame([(math.log(p / (1 - p)), t) for p, t in shares], "logit double, treated boolean")
    got = read_design(scores, [0.04, 0.2, None], pairs=2)
    treated = 2 / 6
    preference = [p * (1 - treated) / (p * (1 - treated) + (1 - p) * treated) for p, _ in shares]
    assert got.middle == sum(0.3 <= share <= 0.7 for share in preference) == 3
    assert (got.treated, got.comparators, got.pairs) == (2, 4, 2)
    assert got.largest_smd == 0.2
