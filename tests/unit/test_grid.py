"""Variants of a study: what may change, who shares which work, and how they are told."""

from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest
from claimtwin.config.grid import variant_of
from claimtwin.errors import GuardError
from claimtwin.report.figures import grid_plot
from claimtwin.report.grid_tables import grid_tables
from claimtwin.report.page import render_report
from claimtwin.report.tables import csv_tables
from claimtwin.stats.newton import LogitFit, add_sums, climb_logit, fit_logit, logit_sums, moments_of
from claimtwin.stats.together import or_fault, run_together
from claimtwin.study import grid_rows as rows_of_grid
from claimtwin.study.effects import estimate
from claimtwin.study.grid_plan import plan_grid
from claimtwin.study.matched import matched_rows
from pydantic import ValidationError

from tests.support.results import full_results, manifest
from tests.support.rows import compact_rows, protocol_of

GRID = [
    {"name": "same", "change": {"washout.days": 365}},
    {"name": "washout_90", "change": {"washout.days": 90}},
    {"name": "wide", "title": "A wide caliper", "change": {"matching.caliper_sd": 0.5}},
    {"name": "later", "change": {"outcomes.any_opioid.window": [31, 365]}},
    {"name": "sex_only", "change": {"score.covariates": ["sex"], "adjust": []}},
]
PROTOCOL = protocol_of(sensitivity={"grid": GRID})


def grid_of(*changes: dict) -> dict:
    return {"sensitivity": {"grid": [{"name": f"v{k}", "change": change} for k, change in enumerate(changes)]}}


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"washout.days": 730}, "shorter than the longest look-back"),
        ({"washout.dais": 90}, "washout.dais"),
        ({"study.seed": 4}, "is not of population"),
        ({"outcomes.nobody.window": [1, 2]}, "no outcome is called 'nobody'"),
        ({"outcomes.any_opioid": 3}, "name a key of the outcome"),
        ({"matching.replace": True}, "a study is without replacement"),
        ({"washout.days.more": 1}, "'days' has no keys"),
        ({"outcomes.any_opioid.kind": "time"}, "outcomes: those of the study"),
        ({"matching.ratio": 0}, "greater than or equal to 1"),
    ],
)
def test_a_variant_that_is_no_study_is_refused_before_anything_runs(change: dict, why: str) -> None:
    with pytest.raises(ValidationError) as told:
        protocol_of(**grid_of(change))
    assert "sensitivity.grid.v0" in str(told.value) and why in str(told.value)


def test_names_are_unique_and_main_is_the_study() -> None:
    for names in (["a", "a"], ["main"]):
        with pytest.raises(ValidationError):
            protocol_of(sensitivity={"grid": [{"name": n, "change": {"washout.days": 90}} for n in names]})


def test_a_variant_changes_what_it_names_and_asks_for_the_main_models_alone() -> None:
    variant = variant_of(PROTOCOL, PROTOCOL.sensitivity.grid[3])
    assert [outcome.window for outcome in variant.outcomes] == [(31, 365), (1, 365)]
    assert (variant.models.binary, variant.sensitivity.grid) == ([], [])
    assert variant.matching == PROTOCOL.matching
    nothing = variant_of(PROTOCOL, PROTOCOL.sensitivity.grid[0].model_copy(update={"change": {"washout": None}}))
    assert nothing.washout is None


def test_no_grid_leaves_the_protocol_s_words_alone() -> None:
    assert "grid" not in protocol_of().model_dump(mode="json")["sensitivity"]
    assert len(PROTOCOL.model_dump(mode="json")["sensitivity"]["grid"]) == 5


def test_equal_work_has_one_number() -> None:
    plan = plan_grid(PROTOCOL)
    assert plan.study == (0, 1, 0, 0, 0)
    assert plan.model == plan.pack == (0, 1, 0, 0, 2)
    assert plan.match == (0, 1, 2, 0, 3)
    assert plan.count == (0, 1, 2, 3, 4)
    assert plan.first(plan.match) == [0, 1, 2, 4]


def designs(count: int) -> dict[int, tuple[np.ndarray, np.ndarray]]:
    rng, found = np.random.default_rng(1), {}
    for number in range(count):
        x = rng.normal(size=(300 + number, 2 + number % 3))
        found[number] = x, rng.random(len(x)) < 1 / (1 + np.exp(-x[:, 0] * (number + 1) / 3))
    return found


def test_models_fitted_together_are_those_fitted_alone_and_one_pass_serves_all() -> None:
    data = designs(4)
    apart = np.linspace(-1, 1, 100)[:, None]
    data[9] = np.hstack([apart, apart + np.random.default_rng(2).normal(0, 0.1, (100, 1))]), apart[:, 0] > 0.001
    moments = {k: moments_of(x, y) for k, (x, y) in data.items()}
    columns = {k: [f"c{place}" for place in range(x.shape[1])] for k, (x, _) in data.items()}
    passes: list[list[int]] = []

    def at(k: int, beta: np.ndarray):
        return add_sums([logit_sums(*data[k], beta=beta, moments=moments[k])])

    def sums_at(asked):
        passes.append(sorted(asked))
        return {k: at(k, beta) for k, beta in asked.items()}

    found = run_together({k: or_fault(climb_logit(moments[k], columns[k])) for k in moments}, sums_at)
    assert isinstance(found[9], GuardError) and "separates the arms" in found[9].what
    alone, calls = {}, 0
    for k in range(4):
        one = []
        alone[k] = fit_logit(lambda beta, k=k, one=one: one.append(0) or at(k, beta), moments[k], columns[k])
        calls = max(calls, len(one))
        assert isinstance(found[k], LogitFit)
        assert np.array_equal(found[k].params, alone[k].params)
        assert np.array_equal(found[k].covariance, alone[k].covariance)
    assert len(passes) == calls
    assert passes[0] == [0, 1, 2, 3]


def test_an_error_of_the_pass_ends_every_fit_and_comes_out() -> None:
    data = designs(3)
    moments = {k: moments_of(x, y) for k, (x, y) in data.items()}
    columns = {k: ["c"] * x.shape[1] for k, (x, _) in data.items()}

    def broken(asked):
        raise OSError("the cluster is gone")

    with pytest.raises(OSError, match="gone"):
        run_together({k: climb_logit(moments[k], columns[k]) for k in moments}, broken)
    assert run_together({}, broken) == {}


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[dict]:
    """Rows of a grid whose matched people are made up: 400 pairs, 395, 200, the study's own again, and nobody."""
    sizes = {0: 400, 1: 395, 2: 200, 3: 400}
    parts = [compact_rows(size).append_column("number", pa.array([k] * 2 * size)) for k, size in sizes.items()]
    monkeypatch.setattr(rows_of_grid, "check_certificates", lambda grid: None)
    monkeypatch.setattr(rows_of_grid, "collect_counted", lambda *_: pa.concat_tables(parts))
    plan = plan_grid(PROTOCOL)
    main = estimate(matched_rows(compact_rows(400), PROTOCOL), plan.variants[0], 11).effects
    grid = SimpleNamespace(plan=plan, failed={4: "columns 'sex' together separate the arms"})
    return rows_of_grid.grid_rows(None, grid, PROTOCOL, main, 400, (11, 1000))


def test_the_study_comes_first_and_a_variant_that_changes_nothing_is_it(told) -> None:
    assert [row["variant"] for row in told[:6]] == ["main", "same", "washout_90", "wide", "later", "sex_only"]
    main, same, *_ = told
    assert {k: v for k, v in main.items() if k != "variant"} == {k: v for k, v in same.items() if k != "variant"}
    assert (main["measure"], main["adjusted"], main["errors"]) == ("odds_ratio", True, "cluster_pair")
    assert main["against_main"] == 1.0
    assert told[6]["measure"] == "difference_per_scale" and told[7]["against_main"] == 0.0


def test_how_far_a_variant_lies_is_a_ratio_or_a_difference(told) -> None:
    assert told[3]["against_main"] == pytest.approx(told[3]["estimate"] / told[0]["estimate"])
    assert told[9]["against_main"] == pytest.approx(told[9]["estimate"] - told[6]["estimate"])


def test_pairs_that_differ_from_the_study_s_by_few_are_withheld(told) -> None:
    assert [row["pairs"] for row in told[:5]] == [400, 400, None, 200, 400]


def test_a_variant_that_cannot_be_matched_says_why_and_has_no_number(told) -> None:
    row = told[5]
    assert row["note"] == "columns 'sex' together separate the arms"
    assert [row[name] for name in ("estimate", "low", "high", "p_value", "against_main")] == [None] * 5


def test_the_report_the_plot_and_the_file_tell_them(told) -> None:
    results = full_results()
    plain = render_report(results, manifest())
    assert (
        grid_tables(results) == [] and grid_plot(results, "any_opioid") == b"" and "grid.csv" not in csv_tables(results)
    )
    results["sensitivity"]["grid"] = told
    results["protocol"]["sensitivity"] = {"grid": GRID}
    one, other = grid_tables(results)
    assert [row[0] for row in one.rows] == ["This study", "Same", "Washout 90", "A wide caliper", "Later", "Sex only"]
    assert one.rows[2][1] == "washout.days 90"
    assert one.rows[5][4].startswith("not estimable: columns")
    assert len(other.rows) == 6
    page = render_report(results, manifest())
    assert page.count("<img") == plain.count("<img") + 2
    assert b"A wide caliper" in grid_plot(results, "any_opioid")
    assert len(csv_tables(results)["grid.csv"].splitlines()) == 13
