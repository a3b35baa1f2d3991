"""From compact rows to rows of results: what is asked is there, what is small is not."""

import numpy as np
import pyarrow as pa
import pytest
from claimtwin.study.effects import estimate
from claimtwin.study.matched import matched_rows

from tests.support.rows import compact_rows, protocol_of

FEW = {"bootstrap_draws": 50}


def results_of(rows: pa.Table, min_cell: int = 11, **parts):
    protocol = protocol_of(**parts)
    return estimate(matched_rows(rows, protocol), protocol, min_cell)


@pytest.fixture(scope="module")
def found():
    return results_of(compact_rows(), min_cell=1, models=FEW)


def test_the_main_effects_are_where_they_were_and_the_others_beside_them(found) -> None:
    labels = [(row["outcome"], row["model"], row["measure"], row["adjusted"], row["errors"]) for row in found.effects]
    assert labels[:5] == [
        ("any_opioid", "logit", "odds_ratio", False, "nonrobust"),
        ("any_opioid", "logit", "odds_ratio", False, "cluster_pair"),
        ("any_opioid", "logit", "odds_ratio", True, "nonrobust"),
        ("any_opioid", "logit", "odds_ratio", True, "cluster_pair"),
        ("any_opioid", "table", "risk_ratio", False, "nonrobust"),
    ]
    assert len(labels) == 7 + 4
    assert not {tuple(label) for label in labels} & {
        (row["outcome"], row["model"], row["measure"], row["adjusted"], row["errors"]) for row in found.models
    }
    assert {row["model"] for row in found.models if row["outcome"] == "any_opioid"} == {
        "table", "newcombe", "logit", "poisson", "standardised", "mcnemar", "conditional_logit",
    }  # fmt: skip
    assert {row["model"] for row in found.models if row["outcome"] == "opioid_fills"} == {
        "ols", "poisson", "negative_binomial", "two_part",
    }  # fmt: skip
    assert all(row["low"] <= row["estimate"] <= row["high"] for row in (*found.effects, *found.models))


def test_the_protocol_says_which_models_are_printed() -> None:
    asked = {"binary": ["poisson"], "count": [], "other_errors": ["nonrobust", "hc3"]}
    got = results_of(compact_rows(), models=asked)
    assert [(row["model"], row["adjusted"], row["errors"]) for row in got.models] == [
        ("poisson", adjusted, errors) for adjusted in (False, True) for errors in ("nonrobust", "hc3")
    ]


def test_the_same_rows_give_the_same_numbers_and_another_seed_another_bootstrap(found) -> None:
    again = results_of(compact_rows(), min_cell=1, models=FEW)
    assert (again.effects, again.models) == (found.effects, found.models)
    other = results_of(compact_rows(), min_cell=1, models=FEW, study={**protocol_of().study.model_dump(), "seed": 6})
    differ = [a["errors"] for a, b in zip(found.models, other.models, strict=True) if a != b]
    assert set(differ) == {"bootstrap_pair"}


def test_a_small_arm_of_an_outcome_withholds_every_model_of_it() -> None:
    got = results_of(compact_rows(risk=0.03), models=FEW)
    assert {row["note"] for row in (*got.effects, *got.models)} == {"withheld: small cell"}
    assert all(row["estimate"] is None for row in got.models)


def test_few_pairs_in_which_both_had_the_outcome_withhold_what_is_made_of_pairs_alone() -> None:
    rows = compact_rows(risk=0.1)
    happened = rows["any_opioid"].to_numpy() > 0
    assert 1 <= (happened[0::2] & happened[1::2]).sum() <= 10
    got = results_of(rows, models={**FEW, "other_errors": ["nonrobust", "cluster_pair", "cluster_employer"]})
    hidden = {
        (r["model"], r["adjusted"], r["errors"]) for r in (*got.effects, *got.models) if r["note"].startswith("with")
    }
    paired = {("mcnemar", False, "within_pairs"), ("conditional_logit", True, "within_pairs")}
    assert hidden - paired == {
        (row["model"], row["adjusted"], row["errors"])
        for row in (*got.effects, *got.models)
        if not row["adjusted"] and row["errors"] in ("cluster_pair", "cluster_both", "bootstrap_pair")
    }
    assert paired <= hidden
    assert ("logit", False, "cluster_pair") in hidden and ("ols", False, "cluster_pair") in hidden
    whole = results_of(rows, min_cell=1, models=FEW)
    assert not any(row["note"].startswith("withheld") for row in (*whole.effects, *whole.models))


def test_full_digits_of_a_pair_clustered_interval_would_give_the_pairs_of_both_away() -> None:
    """Why they are withheld: who has both arms and that interval finds the number; what is shown does not hold it."""
    rows = compact_rows(risk=0.1)
    happened, n = rows["any_opioid"].to_numpy() > 0, 400
    both = int((happened[0::2] & happened[1::2]).sum())
    shown = {}
    for cell in (1, 11):
        got = results_of(rows, min_cell=cell, models={"binary": [], "count": []})
        shown[cell] = {
            row["errors"]: row["low"] for row in got.effects if row["measure"] == "odds_ratio" and not row["adjusted"]
        }
    events = [int(happened[side::2].sum()) for side in (0, 1)]
    risk = [count / n for count in events]

    def low(together: int) -> float:
        spread = sum(1 / (n * p * (1 - p)) for p in risk)
        shared = (together - n * risk[0] * risk[1]) / (n * n * risk[0] * (1 - risk[0]) * risk[1] * (1 - risk[1]))
        error = np.sqrt((spread - 2 * shared) * n / (n - 1) * (2 * n - 1) / (2 * n - 2))
        ratio = risk[0] / (1 - risk[0]) / (risk[1] / (1 - risk[1]))
        return float(np.exp(np.log(ratio) - 1.959963984540054 * error))

    found = min(range(min(events)), key=lambda together: abs(low(together) - shown[1]["cluster_pair"]))
    assert found == both
    assert low(found) == pytest.approx(shown[1]["cluster_pair"], rel=1e-9)
    assert shown[11]["cluster_pair"] is None
    assert shown[11]["nonrobust"] == shown[1]["nonrobust"]


def test_block_and_rank_name_a_pair_and_employers_are_numbered() -> None:
    rows = pa.table({"block": ["a", "a", "a", "a", "b", "b"], "rank": [0, 0, 1, 1, 0, 0], "treated": [True, False] * 3,
                     "employer_id": ["y", "x", None, "x", "y", "y"], "n": [0, 1, 2, 0, 0, 5]})  # fmt: skip
    got = matched_rows(rows, protocol_of(adjust=[]))
    assert got.people.pair.tolist() == [0, 0, 1, 1, 2, 2]
    assert got.people.employer.tolist() == [2, 1, 0, 1, 2, 2]
    assert got.count("n").tolist() == [0, 1, 2, 0, 0, 5]


def test_unknown_employers_and_nothing_to_adjust_for() -> None:
    rows = compact_rows()
    unknown = rows.set_column(3, "employer_id", pa.nulls(rows.num_rows, pa.string()))
    got = results_of(unknown, adjust=[], models=FEW)
    assert not any(row["adjusted"] for row in got.models)
    notes = {row["errors"]: row["note"] for row in got.models if row["model"] == "logit"}
    assert notes == {"hc3": "", "cluster_employer": "no employers are known", "cluster_both": "no employers are known"}


def test_nobody_with_the_outcome_is_not_estimable_and_the_other_outcome_is() -> None:
    rows = compact_rows()
    none = rows.set_column(7, "any_opioid", pa.array(np.zeros(rows.num_rows, np.int64)))
    got = results_of(none, models=FEW)
    notes = {row["note"] for row in got.models if row["outcome"] == "any_opioid" and row["measure"] == "odds_ratio"}
    assert notes == {"no events in the treated arm", "no discordant pair"}
    others = [row for row in got.models if row["outcome"] == "opioid_fills"]
    assert {row["note"] for row in others} == {"", "withheld: small cell"}  # of unadjusted pair-clustered ones
    assert all(not row["note"] for row in others if row["adjusted"])
