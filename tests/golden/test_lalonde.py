"""LaLonde's data, matched 1:1 on a logistic score: the balance that the documentation of R MatchIt prints."""

import csv

import numpy as np
import pytest
from claimtwin.kernel.certificate import count_broken, count_envious
from claimtwin.kernel.hashing import tie_key
from claimtwin.kernel.matching import Rules, Units, match_units
from claimtwin.kernel.matching.weights import person_weights
from claimtwin.stats.designs import weights_of
from claimtwin.stats.fitting import design_matrix, difference
from claimtwin.stats.matched import Matched
from claimtwin.stats.newton import add_moments, add_sums, fit_logit, linear_predictor, logit_sums, moments_of
from claimtwin.stats.weighted_balance import weighted_balance
from scipy.stats import t

from tests.support.shared import shared_data

COLUMNS = ("age", "educ", "black", "hispan", "married", "nodegree", "re74", "re75")
DOCUMENTED = {"age": 0.0718, "educ": -0.1290, "re74": -0.0505, "re75": -0.0257}


def read_table():
    with (shared_data("lalonde") / "lalonde.tab").open(newline="") as lines:
        names, *rows = csv.reader(lines, delimiter=" ")
    return [dict(zip(["person", *names], row, strict=True)) for row in rows]


def read_people():
    table = read_table()
    for row in table:
        row |= {race: float(row["race"] == race) for race in ("black", "hispan")}
    x = np.array([[float(row[name]) for name in COLUMNS] for row in table])
    return x, np.array([row["treat"] == "1" for row in table]), [row["person"] for row in table]


def probability(x, treated, columns=COLUMNS):
    moments = add_moments([moments_of(x, treated)])

    def sums_at(beta):
        return add_sums([logit_sums(x, treated, beta=beta, moments=moments)])

    return 1 / (1 + np.exp(-linear_predictor(x, fit_logit(sums_at, moments, columns))))


def test_balance_after_matching_is_the_documented_one():
    x, treated, people = read_people()
    score, ties = probability(x, treated), tie_key(1, people)
    units, rules = Units.of(treated, score, ties), Rules()
    found = match_units(units, rules)
    assert (len(found), (~treated).sum() - len(found)) == (185, 244)
    assert (count_envious(units, rules, found), count_broken(units, rules, found)) == (0, 0)
    twins = found.control

    def apart(column):
        return (column[treated].mean() - column[twins].mean()) / column[treated].std(ddof=1)

    assert apart(score) == pytest.approx(0.9739, abs=5e-5)
    for name, smd in DOCUMENTED.items():
        assert apart(x[:, COLUMNS.index(name)]) == pytest.approx(smd, abs=5e-5), name


def test_the_naive_difference_of_earnings_is_the_published_one_and_the_match_turns_its_sign():
    """R, ``summary(lm(re78~treat,data=lalonde))``: -635, standard error 657, as printed by Bogard, "Using the R MatchIt
    Package for Propensity Score Analysis", econometricsense.blogspot.com, March 2015. Matched, the difference is
    positive, as in the experiment (Dehejia and Wahba 1999)."""
    x, treated, people = read_people()
    earned = np.array([float(row["re78"]) for row in read_table()])
    everybody = Matched(treated, np.arange(len(x)), x[:, :0], ())
    naive = difference(earned, design_matrix(treated, x[:, :0]), everybody, "nonrobust")
    assert round(naive.estimate) == -635
    assert round((naive.high - naive.low) / 2 / t.ppf(0.975, len(x) - 2)) == 657
    found = match_units(Units.of(treated, probability(x, treated), tie_key(1, people)), Rules())
    assert (earned[treated] - earned[found.control]).mean() > 500


def test_the_weighted_balance_kernel_says_the_same():
    x, treated, people = read_people()
    score = probability(x, treated)
    units = Units.of(treated, score, tie_key(1, people))
    weight = person_weights(treated, match_units(units, Rules()))
    assert weighted_balance(score, treated, weight).smd == pytest.approx(0.9739, abs=5e-5)
    for name, smd in DOCUMENTED.items():
        assert weighted_balance(x[:, COLUMNS.index(name)], treated, weight).smd == pytest.approx(smd, abs=5e-5), name


def test_weights_for_the_effect_on_the_treated_are_worth_what_is_documented():
    """The main vignette of R cobalt prints balance and effective sizes of ATT weights: ``bal.tab(treat ~ covs, data =
    lalonde, weights = "att.weights", stats = c("mean.diffs", "variance.ratios"))``, the score without two columns.
    """
    x, treated, _ = read_people()
    in_score = [place for place, name in enumerate(COLUMNS) if name not in ("married", "nodegree")]
    score = probability(x[:, in_score], treated, [COLUMNS[place] for place in in_score])
    weight = weights_of(score, treated, "att")
    documented = {"age": 0.1112, "educ": -0.0641, "re74": -0.0039, "re75": -0.0428}
    ratios = {"age": 0.5086, "educ": 0.6018, "re74": 1.4821, "re75": 1.1712}
    for name, smd in documented.items():
        got = weighted_balance(x[:, COLUMNS.index(name)], treated, weight)
        assert got.smd == pytest.approx(smd, abs=5e-5), name
        assert got.variance_ratio == pytest.approx(ratios[name], abs=5e-5), name
        assert got.effective_treated == pytest.approx(185)
        assert got.effective_comparator == pytest.approx(108.2, abs=0.05)
