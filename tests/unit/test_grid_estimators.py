"""Estimators as an axis of the grid: which row stands for a variant, held against the study that is asked for it."""

from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pyarrow.compute
import pytest
from claimtwin.config.estimators import Estimator
from claimtwin.config.grid import variant_of
from claimtwin.config.protocol import Protocol
from claimtwin.kernel.eligibility import criteria_of
from claimtwin.report.figures import grid_plot
from claimtwin.report.grid_tables import grid_tables
from claimtwin.report.tables import csv_tables
from claimtwin.report.words import DASH
from claimtwin.spark import grid as spark_grid
from claimtwin.spark.facts import DRAWN_FROM, candidates_of_block
from claimtwin.study import grid_rows as rows_of_grid
from claimtwin.study.designs import designs_of, eligible_rows
from claimtwin.study.effects import estimate
from claimtwin.study.grid_estimates import INFLUENCE, NO_DESIGN, estimate_by_design, estimate_for
from claimtwin.study.grid_plan import plan_grid
from claimtwin.study.local import block_of, synth_book, synth_protocol
from claimtwin.study.matched import matched_rows
from claimtwin.synth.feed import generate
from claimtwin.synth.spec import NO_DIRT, SynthSpec
from pydantic import ValidationError

from tests.support.results import full_results
from tests.support.rows import OUTCOMES, compact_rows, protocol_of

ROBUST = {"method": "doubly_robust", "estimand": "att"}
GRID = [
    {"name": "plain", "change": {"washout.days": 365}},
    {"name": "conditional", "estimator": {"binary": "conditional_logit", "count": "poisson"}},
    {"name": "risks", "estimator": {"binary": "standardised", "measure": "risk_ratio"}},
    {"name": "drawn", "estimator": {"binary": "standardised", "errors": "bootstrap_pair", "adjusted": False}},
    {"name": "robust", "title": "Doubly robust", "estimator": {"design": ROBUST}},
    {"name": "odd", "estimator": {"binary": "poisson", "measure": "odds_ratio"}},
]
ROWS = compact_rows(400, risk=0.4)
PROTOCOL = protocol_of(sensitivity={"grid": GRID}, models={"bootstrap_draws": 60})


def everybody(n: int = 900) -> pa.Table:
    rows = compact_rows(n // 2, seed=3).drop_columns(["block", "rank"])
    rng = np.random.default_rng(1)
    logit = -0.5 + 0.01 * (rows["age"].to_numpy() - 50) + rng.normal(0, 0.2, rows.num_rows)
    return rows.append_column("logit", pa.array(logit))


@pytest.fixture(scope="module")
def told() -> list[dict]:
    rows = ROWS.append_column("number", pa.array([0] * 800))
    whole = everybody()
    patched = pytest.MonkeyPatch()
    patched.setattr(rows_of_grid, "check_certificates", lambda grid: None)
    patched.setattr(rows_of_grid, "collect_counted", lambda *_: rows)
    patched.setattr(rows_of_grid, "collect_scored", lambda *_: whole)
    frame = SimpleNamespace(where=lambda _: frame, drop=lambda _: frame)
    plan = plan_grid(PROTOCOL)
    made = SimpleNamespace(frame=frame)
    grid = SimpleNamespace(plan=plan, failed={}, candidates=made, outcomes=made, people=lambda _: frame)
    patched.setattr(rows_of_grid, "F", SimpleNamespace(col=lambda _: 0))
    main = estimate(matched_rows(ROWS, PROTOCOL), plan.variants[0], 11).effects
    found = rows_of_grid.grid_rows(None, grid, PROTOCOL, main, 400, (11, 2000))
    patched.undo()
    return found


def of(told: list[dict], variant: str, outcome: str = "any_opioid") -> dict:
    return next(row for row in told if (row["variant"], row["outcome"]) == (variant, outcome))


def asked_in_a_study(model: str, kind: str, errors: str = "cluster_pair", draws: int = 0) -> list[dict]:
    protocol = protocol_of(models={kind: [model], "other_errors": [errors], "errors": [], "bootstrap_draws": draws})
    return estimate(matched_rows(ROWS, protocol), protocol, 11).models


def test_a_model_that_a_variant_asks_for_is_that_of_a_study_that_asks_for_it(told) -> None:
    for variant, outcome, rows, wanted in (
        ("conditional", "any_opioid", asked_in_a_study("conditional_logit", "binary"), {"adjusted": True}),
        ("conditional", "opioid_fills", asked_in_a_study("poisson", "count"), {"adjusted": True}),
        ("risks", "any_opioid", asked_in_a_study("standardised", "binary"),
         {"adjusted": True, "measure": "risk_ratio"}),
        ("drawn", "any_opioid", asked_in_a_study("standardised", "binary", draws=60),
         {"adjusted": False, "errors": "bootstrap_pair", "measure": "risk_difference"}),
    ):  # fmt: skip
        row = next(r for r in rows if r["outcome"] == outcome and all(r[k] == v for k, v in wanted.items()))
        got = of(told, variant, outcome)
        assert {key: got[key] for key in ("model", "measure", "adjusted", "errors", "estimate", "low", "high")} == {
            key: row[key] for key in ("model", "measure", "adjusted", "errors", "estimate", "low", "high")
        }
        assert got["estimate"] is not None


def test_an_outcome_of_a_kind_without_a_model_keeps_its_main_estimate(told) -> None:
    kept, main = of(told, "risks", "opioid_fills"), of(told, "main", "opioid_fills")
    assert (kept["estimate"], kept["model"], kept["against_main"]) == (main["estimate"], "ols", 0.0)
    assert "model" not in main and "model" not in of(told, "plain")


def test_a_design_takes_everybody_and_is_that_of_other_designs(told) -> None:
    protocol = protocol_of(designs=[ROBUST])
    effects = estimate(matched_rows(ROWS, protocol), protocol, 11).effects
    for outcome in ("any_opioid", "opioid_fills"):
        row = next(r for r in designs_of(eligible_rows(everybody(), protocol), protocol, effects, 11)
                   if r["outcome"] == outcome and r["method"] == "doubly_robust")  # fmt: skip
        got = of(told, "robust", outcome)
        assert [got[k] for k in ("estimate", "low", "high")] == [row[k] for k in ("estimate", "low", "high")]
        assert (got["pairs"], got["errors"], got["model"]) == (None, INFLUENCE, "doubly_robust_att")
    over_time = {"name": "t", "title": "T", "kind": "time", "drug": "opioid", "window": [1, 9]}
    timed = protocol_of(outcomes=[*OUTCOMES, over_time], designs=[ROBUST])
    row = estimate_by_design(timed.outcomes[-1], None, timed, 11)
    assert row["note"] == NO_DESIGN and row["estimate"] is None


def test_only_the_same_measure_is_held_against_the_study(told) -> None:
    main, conditional = of(told, "main"), of(told, "conditional")
    assert conditional["against_main"] == pytest.approx(conditional["estimate"] / main["estimate"])
    assert [of(told, name)["against_main"] for name in ("risks", "drawn", "robust", "odd")] == [None] * 4
    assert of(told, "odd")["note"] == "this model does not estimate odds_ratio"


def test_all_estimators_share_the_match_and_a_design_its_candidates() -> None:
    plan = plan_grid(PROTOCOL)
    assert {*plan.study} == {*plan.model} == {*plan.pack} == {*plan.match} == {0}
    assert plan.count == (0, 0, 0, 0, 1, 0)
    assert [plan.everybody(k) for k in range(6)] == [False] * 4 + [True, False]


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ({}, "name models"),
        ({"binary": "poisson", "design": ROBUST}, "name models"),
        ({"design": ROBUST, "measure": "odds_ratio"}, "a design tells differences"),
    ],
)
def test_an_estimator_is_models_or_a_design(asked: dict, why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        Estimator.model_validate(asked)
    with pytest.raises(ValidationError, match="or an estimator"):
        protocol_of(sensitivity={"grid": [{"name": "v"}]})


def test_a_variant_asks_for_its_estimator_alone() -> None:
    drawn, robust = (variant_of(PROTOCOL, PROTOCOL.sensitivity.grid[k]) for k in (3, 4))
    assert (drawn.models.binary, drawn.models.count, drawn.models.bootstrap_draws) == (["standardised"], [], 60)
    assert [design.method for design in robust.designs] == ["doubly_robust"] and robust.models.binary == []
    found = estimate(matched_rows(ROWS, drawn), drawn, 11)
    assert estimate_for(drawn.outcomes[0], found, None)["model"] == "logit"


def test_the_report_tells_the_estimator_and_plots_only_what_is_alike(told) -> None:
    results = full_results()
    results["sensitivity"]["grid"] = told
    results["protocol"]["sensitivity"] = PROTOCOL.model_dump(mode="json")["sensitivity"]
    table = grid_tables(results)[0]
    words = {row[0]: row for row in table.rows}
    assert words["Doubly robust"][1] == "another estimator" and words["Doubly robust"][2] == DASH
    assert words["Doubly robust"][3].startswith("Doubly robust: score and outcome model, the treated: risk diff")
    assert words["Conditional"][3].startswith("Conditional logi")
    plot = grid_plot(results, "any_opioid")
    assert b"Conditional" in plot and b"Doubly robust" not in plot
    lines = csv_tables(results)["grid.csv"].splitlines()
    assert lines[0].endswith(",model") and len(lines) == 15


def test_rows_of_all_studies_of_a_grid_stand_in_one_table() -> None:
    plain = protocol_of()
    more = protocol_of(score={"covariates": ["age", "office_lines"], "drug_classes": ["opioid"]})
    names = spark_grid.grid_layout([(plain, None), (more, None)]).names
    assert names[0] == "number" and names[-2:] == ["office_lines", "fills_of_opioid"]
    assert names[:-2] == spark_grid.grid_layout([(plain, None)]).names
    grid = [{"name": "plain", "change": {"washout.days": 365}},
            {"name": "ridge", "change": {"score.penalty": {"strength": 0.1, "l1_share": 0}}},
            {"name": "asked", "change": {"score.covariates": ["age", "office_lines"]}}]  # fmt: skip
    plan = plan_grid(protocol_of(sensitivity={"grid": grid}))
    assert plan.study == (0, 0, 1) and plan.model == (0, 1, 2)


def test_days_of_a_variant_that_assigns_them_are_drawn_from_its_own_treated() -> None:
    spec = SynthSpec(members=1500, dirt=NO_DIRT)
    plain = synth_protocol(2020)
    arms = plain.model_dump(mode="json")["arms"]
    drawn = {**arms, "comparator": {"name": "d", "title": "D", "source": "assigned", "require_region": False}}
    variants = [Protocol.model_validate({**plain.model_dump(mode="json"), "arms": drawn, "washout": {"days": days}})
                for days in (365, 180)]  # fmt: skip
    studies = tuple((protocol, synth_book(protocol)) for protocol in (variants[0], plain, variants[1]))
    block = block_of(generate(spec, 0, 1500))
    users = spark_grid._users_of_block(block, studies)
    assert sorted(set(users["number"].to_pylist())) == [0, 2]

    def days_of(number: int) -> list[dict]:
        own = users.filter(pa.compute.equal(users["number"], number))["index_date"]
        return sorted(({"index_date": d["values"], "people": d["counts"]} for d in own.value_counts().to_pylist()),
                      key=lambda day: day["index_date"])  # fmt: skip

    lists = {number: days_of(number) for number in (0, 2)}
    assert lists[0] != lists[2] and sum(day["people"] for day in lists[0]) > 20
    one = pa.array([[{"number": number, "days": days} for number, days in lists.items()]])
    found = spark_grid._eligible_of_block({**block, DRAWN_FROM: pa.table({DRAWN_FROM: one})}, studies)
    for number, (protocol, book) in enumerate(studies):
        table = {DRAWN_FROM: pa.table({DRAWN_FROM: pa.array([lists[number]])})} if number != 1 else {}
        alone = candidates_of_block({**block, **table}, protocol, book)
        met = pa.compute.equal(alone["met"], 2 ** len(criteria_of(protocol)) - 1)
        got = found.filter(pa.compute.equal(found["number"], number)).select(alone.column_names)
        assert (
            got.sort_by([("person_id", "ascending"), ("treated", "ascending")]).to_pylist()
            == alone.filter(met).sort_by([("person_id", "ascending"), ("treated", "ascending")]).to_pylist()
        )
        assert not all(got["treated"].to_pylist())
