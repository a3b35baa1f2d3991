"""From rows of everybody eligible to rows of results on other designs, against statsmodels and a planted truth."""

import warnings

import numpy as np
import pyarrow as pa
import pytest
import statsmodels.api as sm
from claimtwin.config.designs import OtherDesign
from claimtwin.report.method_tables import designs_tables
from claimtwin.report.tables import csv_tables
from claimtwin.stats.expected import expected_by_arm
from claimtwin.study.designs import designs_of, eligible_rows
from claimtwin.study.effects import estimate
from claimtwin.study.matched import matched_rows
from pydantic import ValidationError
from statsmodels.treatment.treatment_effects import TreatmentEffect

from tests.support.results import full_results
from tests.support.rows import compact_rows, protocol_of

DESIGNS = [
    {"method": "stratification"},
    {"method": "weights"},
    {"method": "weights", "estimand": "ate", "most_weight": 20},
    {"method": "weights", "estimand": "overlap"},
    {"method": "doubly_robust", "estimand": "ate"},
    {"method": "doubly_robust", "trim": [0.1, 0.9]},
]
PROTOCOL = protocol_of(designs=DESIGNS)


def everybody(n: int = 6000, seed: int = 3) -> tuple[pa.Table, float]:
    """Confounded by age: the old are treated less and begin opioids more; the planted difference of risks in points."""
    rng = np.random.default_rng(seed)
    age, sex = rng.integers(20, 80, n), np.where(rng.random(n) < 0.6, "female", "male")
    logit = -0.8 - 0.04 * (age - 50) + 0.3 * (sex == "female")
    treated = rng.random(n) < 1 / (1 + np.exp(-logit))
    risks = [1 / (1 + np.exp(-(-1.4 + 0.03 * (age - 50) - 0.6 * arm))) for arm in (1, 0)]
    happened = (rng.random(n) < np.where(treated, *risks)).astype(np.int64)
    rows = pa.table({"treated": treated, "logit": logit, "age": age, "sex": sex, "any_opioid": happened,
                     "opioid_fills": happened * rng.integers(1, 5, n)})  # fmt: skip
    return rows, 100 * float((risks[0] - risks[1])[treated].mean())


ROWS, TRUTH = everybody()
ELIGIBLE = eligible_rows(ROWS, PROTOCOL)


@pytest.fixture(scope="module")
def effects():
    return estimate(matched_rows(compact_rows(), PROTOCOL), protocol_of(models={"binary": [], "count": []}), 1).effects


@pytest.fixture(scope="module")
def rows(effects):
    return designs_of(ELIGIBLE, PROTOCOL, effects, 11)


def pick(rows, outcome: str, method: str, estimand: str):
    (row,) = [r for r in rows if (r["outcome"], r["method"], r["estimand"]) == (outcome, method, estimand)]
    return row


def test_the_match_comes_first_and_is_the_effect_already_shown(rows, effects) -> None:
    assert [row["method"] for row in rows[:7]] == ["pairs", *(design["method"] for design in DESIGNS)]
    want = next(e for e in effects if (e["outcome"], e["measure"]) == ("any_opioid", "risk_difference"))
    assert {k: rows[0][k] for k in ("estimate", "low", "high", "p_value")} == {
        k: want[k] for k in ("estimate", "low", "high", "p_value")
    }
    assert rows[7]["measure"] == "difference_per_scale"


def test_every_design_of_the_treated_finds_what_was_planted_and_the_crude_difference_does_not(rows) -> None:
    for method in ("weights", "doubly_robust"):
        row = pick(rows, "any_opioid", method, "att")
        assert row["low"] < TRUTH < row["high"], (method, row, TRUTH)
    strata = pick(rows, "any_opioid", "stratification", "att")
    assert strata["estimate"] == pytest.approx(TRUTH, abs=2.5)
    happened = ROWS["any_opioid"].to_numpy()
    crude = 100 * (happened[ELIGIBLE.treated].mean() - happened[~ELIGIBLE.treated].mean())
    assert crude < pick(rows, "any_opioid", "weights", "att")["low"]


def test_weights_are_a_weighted_regression(rows) -> None:
    score, treated = ELIGIBLE.score, ELIGIBLE.treated
    weight = np.where(treated, 1, score / (1 - score))
    design = np.column_stack([np.ones(len(score)), treated])
    for outcome, y in (
        ("any_opioid", ROWS["any_opioid"].to_numpy()),
        ("opioid_fills", ROWS["opioid_fills"].to_numpy()),
    ):
        fit = sm.WLS(100.0 * y, design, weights=weight).fit(cov_type="HC0")
        row = pick(rows, outcome, "weights", "att")
        assert (row["estimate"], row["low"]) == pytest.approx((fit.params[1], fit.conf_int()[1][0]), rel=1e-9)


def test_the_outcome_models_are_statsmodels_and_so_is_the_doubly_robust_difference(rows) -> None:
    x = np.column_stack([np.ones(ROWS.num_rows), ROWS["age"].to_numpy(), ROWS["sex"].to_numpy(False) == "male"])
    x, y = x.astype(float), ROWS["any_opioid"].to_numpy().astype(float)
    one, zero, left_out = expected_by_arm(y, ELIGIBLE.treated, ELIGIBLE.covariates, binary=True, names=ELIGIBLE.names)
    assert (ELIGIBLE.names, left_out) == (("age", "sex=male"), ())
    for got, arm in ((one, ELIGIBLE.treated), (zero, ~ELIGIBLE.treated)):
        assert got == pytest.approx(sm.Logit(y[arm], x[arm]).fit(disp=0, maxiter=100).predict(x), rel=1e-9)
    fills = ROWS["opioid_fills"].to_numpy().astype(float)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        score = sm.Logit(ELIGIBLE.treated.astype(float), x).fit(disp=0, tol=1e-12)
        want = TreatmentEffect(sm.OLS(fills, x), ELIGIBLE.treated.astype(float), results_select=score).aipw(
            return_results=False
        )
    fitted = ROWS.set_column(1, "logit", pa.array(x @ score.params))
    again = designs_of(eligible_rows(fitted, PROTOCOL), PROTOCOL, [*EMPTY_EFFECTS], 11)
    row = pick(again, "opioid_fills", "doubly_robust", "ate")
    assert row["estimate"] == pytest.approx(100 * want[0], rel=1e-9)


def test_a_column_that_tells_the_outcome_of_an_arm_is_left_out_by_name(effects) -> None:
    happened = np.where(ROWS["sex"].to_numpy(False) == "male", 0, ROWS["any_opioid"].to_numpy())
    rows = ROWS.set_column(ROWS.column_names.index("any_opioid"), "any_opioid", pa.array(happened))
    found = designs_of(eligible_rows(rows, PROTOCOL), PROTOCOL, effects, 11)
    row = pick(found, "any_opioid", "doubly_robust", "ate")
    assert row["estimate"] is not None
    assert row["left_out"] == "sex=male"
    assert "outcome models without sex=male" in str(designs_tables(full_results() | {"designs": found})[0].rows)


EMPTY = {"adjusted": False, "estimate": None, "low": None, "high": None, "p_value": None, "note": "no pairs here"}
EMPTY_EFFECTS = [
    EMPTY | {"outcome": "any_opioid", "measure": "risk_difference", "errors": "nonrobust"},
    EMPTY | {"outcome": "opioid_fills", "measure": "difference_per_scale", "errors": "cluster_pair"},
]


def test_worth_is_a_share_of_the_arm_and_the_treated_of_an_att_count_whole(rows) -> None:
    row = pick(rows, "any_opioid", "weights", "att")
    assert row["effective_treated"] == 100
    assert 0 < row["effective_comparator"] < 100


@pytest.mark.parametrize(("events", "note"), [(10, "withheld: small cell"), (0, "")])
def test_few_people_with_the_outcome_are_withheld(events: int, note: str) -> None:
    happened = np.zeros(ROWS.num_rows, np.int64)
    happened[np.flatnonzero(ELIGIBLE.treated)[:events]] = 1
    happened[np.flatnonzero(~ELIGIBLE.treated)[:300]] = 1
    few = ROWS.set_column(4, "any_opioid", pa.array(happened))
    got = designs_of(eligible_rows(few, PROTOCOL), PROTOCOL, EMPTY_EFFECTS, 11)[1:7]
    assert {row["note"] for row in got} == {note}
    assert all((row["estimate"] is None) == bool(note) for row in got)


def test_what_cannot_be_estimated_says_why() -> None:
    apart = ROWS.set_column(1, "logit", pa.array(np.where(ELIGIBLE.treated, 5.0, -5.0)))
    protocol = protocol_of(designs=[{"method": "stratification", "strata": 5, "estimand": "ate"},
                                    {"method": "weights", "trim": [0.9, 1.0]}])  # fmt: skip
    got = designs_of(eligible_rows(apart, protocol), protocol, EMPTY_EFFECTS, 11)
    assert [row["note"] for row in got[1:3]] == ["a stratum of the score has an empty arm", "an arm is empty"]


@pytest.mark.parametrize(
    "design",
    [{"method": "stratification", "estimand": "overlap"}, {"method": "weights", "strata": 5},
     {"method": "doubly_robust", "most_weight": 9}, {"method": "weights", "trim": [0.5, 0.5]}],
)  # fmt: skip
def test_a_contradiction_is_refused(design) -> None:
    with pytest.raises(ValidationError):
        OtherDesign(**design)


def test_no_design_leaves_the_protocol_s_words_alone() -> None:
    assert "designs" not in protocol_of().model_dump(mode="json")
    assert len(PROTOCOL.model_dump(mode="json")["designs"]) == len(DESIGNS)


def test_the_report_and_the_files_tell_them(rows) -> None:
    results = full_results()
    assert designs_tables(results) == [] and "designs.csv" not in csv_tables(results)
    results["designs"] = rows
    one, other = designs_tables(results)
    assert one.rows[0][0] == "Pair match, as above" and "who found a twin" in one.rows[0][1]
    assert one.rows[3][0] == "Weights by the score (no weight above 20 times the mean)"
    assert one.rows[6][0].endswith("(scores 0.10 to 0.90)")
    assert len(one.rows) == len(other.rows) == 7
    lines = csv_tables(results)["designs.csv"].splitlines()
    assert len(lines) == 15 and lines[3].startswith("any_opioid,weights,att")


TIMED = {"name": "first", "title": "First", "kind": "time", "drug": "opioid", "window": [1, 365]}


def test_an_outcome_over_time_has_no_difference_and_its_rows_say_so(effects) -> None:
    plain = PROTOCOL.model_dump()
    protocol = protocol_of(designs=DESIGNS, outcomes=[*plain["outcomes"], TIMED])
    eligible = eligible_rows(ROWS.append_column("first", ROWS["any_opioid"]), protocol)
    found = designs_of(eligible, protocol, effects, 11)
    timed = [row for row in found if row["outcome"] == "first"]
    assert len(timed) == 1 + len(DESIGNS)
    why = "an outcome over time has no difference of means"
    assert {(row["estimate"], row["note"]) for row in timed} == {(None, why)}
    assert [row for row in found if row["outcome"] != "first"] == designs_of(ELIGIBLE, PROTOCOL, effects, 11)
    table = designs_tables(full_results() | {"designs": timed})[0]
    assert table.rows[0][2] == f"not estimable: {why}"


def test_designs_where_no_outcome_has_a_difference_are_refused() -> None:
    with pytest.raises(ValidationError, match="designs: every outcome is of kind 'rate' or 'time'"):
        protocol_of(designs=DESIGNS, outcomes=[TIMED])
    assert protocol_of(outcomes=[TIMED]).designs == []
