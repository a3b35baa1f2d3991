"""Columns taken out of a propensity model until it has a solution, on rows of one machine."""

from dataclasses import dataclass

import numpy as np
import pytest
from claimtwin.config.score import Penalty, Score
from claimtwin.errors import GuardError
from claimtwin.spark.design import DesignColumn
from claimtwin.stats.design import faulty_columns
from claimtwin.stats.moments import moments_of
from claimtwin.stats.newton import LogitSums, logit_sums
from claimtwin.stats.penalised import sums_for
from claimtwin.study.scoring import Data, _fit_without_faults, _tolerance


@dataclass(frozen=True)
class Rows(Data):
    """The rows themselves in place of a frame."""

    def sums_at(self, beta: np.ndarray) -> LogitSums:
        x, treated = self.design
        return logit_sums(x[:, self.kept], treated, beta=beta, moments=self.moments)

    def answer(self, requests, folds):
        x, treated = self.design
        return sums_for(x[:, self.kept], treated, None, np.arange(len(x)) % max(folds, 1), requests, self.moments)


def data(x: np.ndarray, treated: np.ndarray, columns: list[DesignColumn]) -> Rows:
    return Rows((x, treated), tuple(columns), tuple(range(len(columns))), moments_of(x, treated))


def fitted(x: np.ndarray, treated: np.ndarray, columns: list[DesignColumn], **asked: object):
    score = Score(covariates=["age"], on_fault="drop", **asked)
    return _fit_without_faults(data(x, treated, columns), score, _tolerance(score, columns))


def case() -> tuple[np.ndarray, np.ndarray, list[DesignColumn]]:
    rng = np.random.default_rng(12)
    x = rng.normal(size=(500, 7))
    treated = rng.random(500) < 1 / (1 + np.exp(-x[:, 0]))
    x[:, 1] = 4.0
    x[:, 2] = 2 * x[:, 0] - 1
    x[:, 3] = treated
    x[:, 4] = np.arange(500) < 6
    x[7, 6] = np.nan
    names = ["a", "flat", "twin", "arm", "few", "b", "hole"]
    return x, treated, [DesignColumn(name, "yes" if name in ("few", "arm") else None) for name in names]


def test_each_kind_of_fault_is_dropped_with_its_reason_and_the_rest_is_fitted() -> None:
    x, treated, columns = case()
    model = fitted(x, treated, columns, min_level=10)
    told = dict(zip([c.covariate for c in columns], model.faults, strict=True))
    assert [column.covariate for column in model.columns] == ["a", "b"]
    assert told == {
        "a": None,
        "flat": "column 'flat' is constant",
        "twin": "column 'twin' is a linear combination of 'a'",
        "arm": "column 'arm=yes' separates the arms",
        "few": "column 'few=yes' is rare: fewer than 10 people have it, or lack it",
        "b": None,
        "hole": "column 'hole' has missing or infinite values",
    }
    alone = fitted(x[:, [0, 5]], treated, [columns[0], columns[5]])
    np.testing.assert_allclose(model.fit.params, alone.fit.params, rtol=1e-10)


def test_a_column_is_not_dropped_for_depending_on_one_that_is_gone() -> None:
    rng = np.random.default_rng(3)
    x = rng.normal(size=(300, 3))
    treated = rng.random(300) < 0.5
    x[:, 1] = treated
    x[:, 2] = x[:, 0] + x[:, 1]
    gone = faulty_columns(moments_of(x, treated), ["a", "arm", "sum"])
    assert list(gone) == ["arm"]


def test_columns_that_separate_together_go_one_at_a_time() -> None:
    rng = np.random.default_rng(10)
    x = rng.normal(size=(400, 4))
    model = fitted(x, x[:, 1] - x[:, 2] > 0.1, [DesignColumn(f"c{k}") for k in range(4)])
    dropped = [fault for fault in model.faults if fault]
    assert len(dropped) == 1
    assert dropped[0].endswith("separates the arms together with others")
    assert model.faults.index(dropped[0]) in (1, 2)


def test_a_penalty_keeps_what_separates() -> None:
    x, treated, columns = case()
    model = fitted(x, treated, columns, min_level=10, penalty=Penalty(strengths=5, folds=4, l1_share=0.5))
    assert [column.covariate for column in model.columns] == ["a", "twin", "arm", "b"]
    assert model.path["kept"] == sorted(model.path["kept"])
    assert len(model.path["deviance"]) == 5
    assert model.path["deviance"][-1] < model.path["deviance"][0]


def test_a_model_without_a_column_left_is_refused() -> None:
    x = np.ones((10, 1))
    with pytest.raises(GuardError, match="no column of the propensity model is left"):
        fitted(x, np.arange(10) < 4, [DesignColumn("age")])
