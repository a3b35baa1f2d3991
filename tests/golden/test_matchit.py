"""Pairs, ranks and balance against what R MatchIt 4.7.2 recorded in 200 random studies."""

import numpy as np
import pytest
from claimtwin.kernel.matching import Units, match_units
from claimtwin.kernel.matching.weights import person_weights
from claimtwin.stats.weighted_balance import weighted_balance

from tests.oracle.greedy import match_by_hand
from tests.support.matchit import Study, studies
from tests.support.people import people_of

FIGURES = ("mean_treated", "mean_control", "smd", "variance_ratio", "ecdf_mean", "ecdf_max")


def triples(study: Study) -> set[tuple[int, int, int]]:
    found = match_units(study.units, study.rules)
    couples = [(found.treated + 1).tolist(), (found.control + 1).tolist(), found.rank.tolist()]
    pairs = set(zip(*couples, strict=True))
    assert len(pairs) == len(found)
    return pairs


def test_pairs_and_ranks_are_those_of_matchit() -> None:
    clear = [study for study in studies() if not study.has_choice]
    assert len(clear) == 169
    wrong = [study.config["config_id"] for study in clear if triples(study) != study.pairs]
    assert wrong == []


def test_where_matchit_has_a_choice_ours_is_the_declared_one() -> None:
    """Which of equally near controls MatchIt takes there depends on its walk over its sorted data."""
    open_to_choice = [study for study in studies() if study.has_choice]
    assert len(open_to_choice) == 31
    for study in open_to_choice:
        by_hand = match_by_hand(people_of(study.units), study.rules)
        assert triples(study) == {(t + 1, c + 1, rank) for t, c, rank in by_hand}


def test_the_order_of_rows_changes_nothing() -> None:
    dice = np.random.default_rng(5)
    for study in studies():
        units, order = study.units, dice.permutation(len(study.rows))
        found, mixed = match_units(units, study.rules), match_units(units.take(order), study.rules)
        assert order[mixed.treated].tolist() == found.treated.tolist()
        assert order[mixed.control].tolist() == found.control.tolist()
        assert (mixed.rank == found.rank).all() and (mixed.distance == found.distance).all()


def column(study: Study, covariate: str) -> np.ndarray:
    if covariate in ("distance", "x1", "x2", "x3", "g3"):
        return study.numbers("score" if covariate == "distance" else covariate)[:, 0]
    name, level = covariate[:2], covariate[2:].lstrip("_")
    return np.array([float(row[name] == level) for row in study.rows])


def recorded(study: Study, units: Units) -> np.ndarray:
    """Weights of the recorded pairs, so that balance is judged in all studies alike."""
    found = match_units(units, study.rules)
    theirs = np.array(sorted(study.pairs)).T
    return person_weights(
        units.treated, type(found)(theirs[0] - 1, theirs[1] - 1, theirs[2], np.zeros(theirs.shape[1]))
    )


def test_balance_is_that_of_matchit() -> None:
    """Every figure of every row, to 1e-8; the weights of k:1 matching and of replacement are in it."""
    rows = 0
    for study in studies():
        units = study.units
        weights = {"before": np.ones(len(units)), "after": recorded(study, units)}
        for row in study.balance:
            got = weighted_balance(column(study, row["covariate"]), units.treated, weights[row["when"]])
            ours = (got.mean_treated, got.mean_comparator, got.smd, got.variance_ratio, got.ecdf_mean, got.ecdf_max)
            for name, value in zip(FIGURES, ours, strict=True):
                theirs = float(row[name]) if row[name] else None
                assert value == (theirs if theirs is None else pytest.approx(theirs, abs=1e-8, rel=1e-8)), (name, row)
            rows += 1
    assert rows == 3072
