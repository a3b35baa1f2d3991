"""``claimtwin match UNITS`` from file to files: the same answer for every form of the units, and the kernel's own."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import claimtwin
import numpy as np
import pyarrow as pa
import pyarrow.csv as pc_csv
import pyarrow.parquet as pq
import pytest
from claimtwin.app import cli
from claimtwin.errors import ConfigError, InputError
from claimtwin.kernel.hashing import tie_key
from claimtwin.kernel.matching import Rules, Units, match_units
from claimtwin.kernel.matching.shape import pooled_whitening

from tests.house.rules import ROOT
from tests.support.units import made_units

COLUMNS = ["--id", "person", "--treated", "treat", "--score", "ps"]
NAMED = {"id": "person", "treated": "treat", "score": "ps"}
FORMS = {
    "plain": ([], {}),
    "blocks and calipers": (
        ["--link", "logit", "--exact", "region,month", "--caliper", "score=0.3sd", "--caliper", "age=12"],
        {"link": "logit", "exact": ["region", "month"], "caliper": {"score": "0.3sd", "age": 12}},
    ),
    "mahalanobis in a caliper": (
        ["--distance", "mahalanobis:age,cost", "--caliper", "score=0.2sd", "--anti-exact", "site", "--tie", "rank"],
        {"distance": "mahalanobis:age,cost", "caliper": "score=0.2sd", "anti_exact": "site", "tie": "rank"},
    ),
    "several, some again": (
        ["--ratio", "3", "--min-ratio", "2", "--replace", "--max-reuse", "2", "--caliper", "score=0.011"],
        {"ratio": 3, "floor": 2, "replace": True, "max_reuse": 2, "caliper": ["score=0.011"]},
    ),
    "within support, most pairs": (
        ["--discard", "both", "--order", "maximum", "--caliper", "score=0.02", "--seed", "7"],
        {"discard": "both", "order": "maximum", "caliper": {"score": 0.02}, "seed": 7},
    ),
    "capped": (["--cap", "40", "--caliper", "score=0.05"], {"cap": 40, "caliper": "score=0.05"}),
}


def end_of(words: list[object]) -> int:
    with pytest.raises(SystemExit) as ended:
        cli.main([str(word) for word in words])
    return int(ended.value.code or 0)


def write(table: pa.Table, path: Path) -> Path:
    (pc_csv.write_csv if path.suffix == ".csv" else pq.write_table)(table, path)
    return path


def match_file(units: Path, *words: object) -> Path:
    out = units.with_name(f"{units.stem}-{units.suffix[1:]}-pairs.csv")
    assert end_of(["match", units, *COLUMNS, *words, "--out", out, "--overwrite"]) == 0
    return out


def triples(table: pa.Table) -> list[tuple[object, ...]]:
    return list(zip(*(table[name].to_pylist() for name in table.column_names), strict=True))


@pytest.mark.parametrize("form", FORMS)
def test_files_and_frames_give_the_same_bytes_in_any_order_of_rows(form: str, tmp_path: Path) -> None:
    words, options = FORMS[form]
    table = made_units()
    mixed = table.take(pa.array(np.random.default_rng(2).permutation(table.num_rows)))
    from_csv = match_file(write(table, tmp_path / "units.csv"), *words).read_bytes()
    from_parquet = match_file(write(mixed, tmp_path / "units.parquet"), *words).read_bytes()
    found = claimtwin.match(mixed, **NAMED, **options)
    assert from_csv == from_parquet == write(found.pairs, tmp_path / "arrow.csv").read_bytes()
    assert triples(pa.table(claimtwin.match(table.to_pandas(), **NAMED, **options).pairs)) == triples(found.pairs)
    assert found.pairs.num_rows > 20
    assert found.pairs.column_names == ["treated_id", "control_id", "rank", "distance", "block"]


def kernel_pairs(units: Units, rules: Rules, ids: list[str]) -> set[tuple[object, ...]]:
    found = match_units(units, rules)
    rows = zip(found.treated.tolist(), found.control.tolist(), found.rank, found.distance, strict=True)
    return {(ids[t], ids[c], int(rank), float(distance)) for t, c, rank, distance in rows}


def test_the_pairs_are_those_of_the_kernel() -> None:
    table = made_units()
    treated, ps, age, ids = table["treat"].to_numpy() == 1, table["ps"].to_numpy(), table["age"], table["person"]
    logit = np.log(ps) - np.log1p(-ps)
    names = [f"{r} / {m}" for r, m in zip(table["region"].to_pylist(), table["month"].to_pylist(), strict=True)]
    block = np.unique(names, return_inverse=True)[1]
    units = Units.of(treated, logit, tie_key(0, ids.to_pylist()), block, near=age.to_numpy()[:, None])
    rules = Rules(caliper=0.3 * float(np.std(logit, ddof=1)), widths=(12.0,))
    found = claimtwin.match(table, **NAMED, **FORMS["blocks and calipers"][1]).pairs
    assert {row[:4] for row in triples(found)} == kernel_pairs(units, rules, ids.to_pylist())
    name_of = dict(zip(ids.to_pylist(), names, strict=True))
    assert all(name_of[row[0]] == name_of[row[1]] == row[4] for row in triples(found))


def test_mahalanobis_looks_inside_the_caliper_on_the_score() -> None:
    """Rows in the order of the tie, as they are read: it decides the last digit of the covariance."""
    table = made_units().sort_by("rank")
    treated, ps = table["treat"].to_numpy() == 1, table["ps"].to_numpy()
    x = np.column_stack([table["age"].to_numpy(), table["cost"].to_numpy()])
    site = np.array([[ord(site)] for site in table["site"].to_pylist()])
    space = x @ pooled_whitening(x, treated)
    units = Units.of(treated, ps, table["rank"].to_numpy(), differ=site, space=space)
    rules = Rules(caliper=0.2 * float(np.std(ps, ddof=1)))
    found = claimtwin.match(table, **NAMED, **FORMS["mahalanobis in a caliper"][1]).pairs
    assert {row[:4] for row in triples(found)} == kernel_pairs(units, rules, table["person"].to_pylist())


def test_ratio_floor_and_reuse_are_those_of_the_kernel() -> None:
    table = made_units()
    treated, ps, ids = table["treat"].to_numpy() == 1, table["ps"].to_numpy(), table["person"].to_pylist()
    units = Units.of(treated, ps, tie_key(0, ids))
    rules = Rules(ratio=3, floor=2, replace=True, max_reuse=2, caliper=0.011)
    found = claimtwin.match(table, **NAMED, **FORMS["several, some again"][1]).pairs
    assert {row[:4] for row in triples(found)} == kernel_pairs(units, rules, ids)
    assert kernel_pairs(units, replace(rules, floor=1), ids) != kernel_pairs(units, rules, ids)


def test_who_lies_outside_the_other_arms_scores_is_left_out_and_named() -> None:
    table = made_units()
    far = np.where(table["treat"].to_numpy() == 1, table["ps"].to_numpy() + 0.2, table["ps"].to_numpy())
    table = table.set_column(table.column_names.index("ps"), "ps", pa.array(far))
    score = dict(zip(table["person"].to_pylist(), far.tolist(), strict=True))
    arm = dict(zip(table["person"].to_pylist(), table["treat"].to_pylist(), strict=True))
    sides = [[score[p] for p in score if arm[p] == side] for side in (0, 1)]
    inside = [p for p in table["person"].to_pylist() if min(sides[1 - arm[p]]) <= score[p] <= max(sides[1 - arm[p]])]
    units = Units.of([arm[p] for p in inside], [score[p] for p in inside], tie_key(0, inside))
    found = claimtwin.match(table, **NAMED, discard="both", caliper="score=0.02")
    assert {row[:4] for row in triples(found.pairs)} == kernel_pairs(units, Rules(caliper=0.02), inside)
    reasons = dict(triples(found.unmatched.select(["treated_id", "reason"])))
    left_out = {p for p, side in arm.items() if side and p not in inside}
    assert {p for p, reason in reasons.items() if reason == "outside support"} == left_out and left_out


PER_BLOCK = {"exact": "region", "caliper": {"score": "0.1sd", "age": "1sd"}, "caliper_sd": "per_block"}


def test_calipers_per_block_are_those_of_a_match_of_each_block_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The north's scores are made to lie close together, so that its caliper is another than that of all."""
    table = made_units()
    is_north = np.array(table["region"].to_pylist()) == "north"
    score = np.where(is_north, 0.3 + table["ps"].to_numpy() / 20, table["ps"].to_numpy())
    table = table.set_column(table.column_names.index("ps"), "ps", pa.array(score))
    with pytest.warns(UserWarning, match="blocks of small spread get narrow calipers"):
        found = claimtwin.match(table, **NAMED, **PER_BLOCK)
    one_by_one = []
    for region in ("east", "north", "south"):
        own = table.filter(pa.array(np.array(table["region"].to_pylist()) == region))
        widths = {name: k * float(np.std(own[col].to_numpy(), ddof=1)) for name, col, k in
                  (("score", "ps", 0.1), ("age", "age", 1))}  # fmt: skip
        one_by_one += triples(claimtwin.match(own, **NAMED, exact="region", caliper=widths).pairs)
    assert triples(found.pairs) == one_by_one and found.certified
    assert triples(found.pairs) != triples(claimtwin.match(table, **NAMED, **{**PER_BLOCK, "caliper_sd": "all"}).pairs)
    assert sum(found.blocks["matched"].to_pylist()) == found.counts["matched"] > 30
    assert found.unmatched.num_rows == found.counts["treated"] - found.counts["matched"]
    words = ["--exact", "region", "--caliper", "score=0.1sd", "--caliper", "age=1sd", "--caliper-sd", "per_block"]
    out = match_file(write(table, tmp_path / "units.csv"), *words)
    assert out.read_bytes() == write(found.pairs, tmp_path / "arrow.csv").read_bytes()
    assert "warning: calipers are in standard deviations of each block" in capsys.readouterr().err


def test_a_cap_keeps_the_smallest_tie_keys_within_support_of_each_arm_and_names_the_others() -> None:
    table = made_units()
    arm = table["treat"].to_numpy()
    score, rank = np.where(arm == 1, table["ps"].to_numpy() + 0.2, table["ps"].to_numpy()), table["rank"].to_numpy()
    table = table.set_column(table.column_names.index("ps"), "ps", pa.array(score))
    options = {"tie": "rank", "caliper": "score=0.05", "discard": "both"}
    found = claimtwin.match(table, **NAMED, **options, cap=40)
    inside = [k for k, s in enumerate(score) if min(score[arm != arm[k]]) <= s <= max(score[arm != arm[k]])]
    kept = [k for side in (0, 1) for k in sorted((k for k in inside if arm[k] == side), key=lambda k: rank[k])[:40]]
    assert triples(found.pairs) == triples(
        claimtwin.match(table.take(pa.array(kept)), **NAMED, tie="rank", caliper="score=0.05").pairs
    )
    ids = table["person"].to_pylist()
    cut = {ids[k] for k in inside if arm[k] == 1 and k not in kept}
    named = {row[0] for row in triples(found.unmatched.select(["treated_id", "reason"])) if row[1] == "above the cap"}
    assert named == cut and found.counts["above the cap"] == len(cut) > 5
    assert triples(claimtwin.match(table, **NAMED, **options, cap=300).pairs) == triples(
        claimtwin.match(table, **NAMED, **options).pairs
    )


def test_every_result_is_written_and_they_agree(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    units, table = tmp_path / "units.csv", made_units()
    write(table, units)
    files = {name: tmp_path / f"{name}.parquet" for name in ("out", "balance", "unmatched", "blocks", "weights")}
    words = [word for name, path in files.items() for word in (f"--{name}", path)]
    words += ["--exact", "region", "--caliper", "score=0.02", "--ratio", 2, "--covariates", "all"]
    assert end_of(["match", units, *COLUMNS, *words]) == 0
    got = {name: pq.read_table(path) for name, path in files.items()}
    matched = set(got["out"]["treated_id"].to_pylist())
    treated = {p for p, t in zip(table["person"].to_pylist(), table["treat"].to_pylist(), strict=True) if t}
    assert matched | set(got["unmatched"]["treated_id"].to_pylist()) == treated
    assert not matched & set(got["unmatched"]["treated_id"].to_pylist()) and got["unmatched"].num_rows > 0
    assert sum(got["blocks"]["matched"].to_pylist()) == len(matched)
    assert sum(got["blocks"]["couples"].to_pylist()) == got["out"].num_rows
    weight = dict(triples(got["weights"].select(["id", "weight"])))
    controls = {person for person in weight if person not in treated}
    assert sum(weight[person] for person in controls) == pytest.approx(len(controls))
    assert set(got["balance"]["column"].to_pylist()) == {"ps", "age", "cost", "region", "month", "site", "rank"}
    shown = capsys.readouterr()
    assert f"{len(matched):,} treated, in {got['out'].num_rows:,} couples" in shown.err
    after = next(row for row in got["balance"].to_pylist() if (row["covariate"], row["when"]) == ("ps", "after"))
    own = [weight[person] for person in controls]
    assert after["effective_control"] == pytest.approx(sum(own) ** 2 / sum(w * w for w in own)) and len(set(own)) > 1
    told = f"effective sample size: {len(matched):.1f} treated, {after['effective_control']:.1f} controls"
    assert after["effective_treated"] == len(matched) and told in shown.err
    assert shown.out.splitlines()[0] == f"pairs: {files['out']}"
    assert not any(value in shown.err for value in (*treated, "region=north"))


def test_balance_of_the_command_is_that_of_its_pairs(tmp_path: Path) -> None:
    found = claimtwin.match(made_units(), **NAMED, ratio=2, replace=True, covariates="age,cost,region")
    again = claimtwin.balance(
        made_units(), found.pairs, id="person", treated="treat", covariates=["ps", "age", "cost", "region"]
    )
    assert again.equals(found.balance)
    mixed = made_units().take(pa.array(np.random.default_rng(3).permutation(300)))
    assert claimtwin.match(mixed, **NAMED, ratio=2, replace=True, covariates="age,cost,region").balance.equals(again)
    before = claimtwin.balance(made_units().to_pandas(), id="person", treated="treat")
    assert set(before["when"]) == {"before"} and set(before["column"]) > {"age", "site"}


def test_a_covariate_is_measured_on_those_who_have_it_and_its_gaps_are_a_covariate() -> None:
    columns = {"age": [10, 20, None, 30, None, 50], "site": ["x", None, "y", "x", "x", "y"]}
    pairs = pa.table({"treated_id": ["a", "b"], "control_id": ["c", "f"]})
    table = claimtwin.balance(changed(**columns), pairs, id="person", treated="treat", covariates="age,site")
    means = {(r["covariate"], r["when"]): (r["mean_treated"], r["mean_control"]) for r in table.to_pylist()}
    assert means == {
        ("age", "before"): (15, 40), ("age", "after"): (15, 50),
        ("age=(missing)", "before"): (0, 0.5), ("age=(missing)", "after"): (0, 0.5),
        ("site=x", "before"): (1, 0.5), ("site=x", "after"): (1, 0),
        ("site=y", "before"): (0, 0.5), ("site=y", "after"): (0, 1),
        ("site=(missing)", "before"): (0.5, 0), ("site=(missing)", "after"): (0.5, 0),
    }  # fmt: skip


def test_no_match_at_all_is_a_result(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = pa.table({"person": ["a", "b"], "treat": [1, 0], "ps": [0.1, 0.9]})
    out = match_file(write(table, tmp_path / "units.csv"), "--caliper", "score=0.1", "--balance", tmp_path / "b.csv")
    assert out.read_text() == '"treated_id","control_id","rank","distance","block"\n'
    assert "nobody was matched" in capsys.readouterr().err
    after = [line for line in (tmp_path / "b.csv").read_text().splitlines() if "after" in line]
    assert after == ['"ps","ps","after",,,,,,,0,0']


def changed(**columns: list[object]) -> pa.Table:
    table = pa.table({"person": list("abcdef"), "treat": [1, 1, 0, 0, 0, 0], "ps": [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]})
    for name, values in columns.items():
        table = table.drop_columns([name] if name in table.column_names else []).append_column(name, pa.array(values))
    return table


FAULTS = {
    "2 values of ps are missing": ({"ps": [None, float("nan"), 0.1, 0.2, 0.3, 0.4]}, []),
    "2 values of ps lie outside 0 to 1": ({"ps": [-0.1, 1.2, 0.1, 0.2, 0.3, 0.4]}, ["--link", "logit"]),
    "1 values of ps are 0 or 1 exactly": ({"ps": [1.0, 0.2, 0.1, 0.2, 0.3, 0.4]}, ["--link", "logit"]),
    "1 values of ps are infinite": ({"ps": [float("inf"), 0.2, 0.1, 0.2, 0.3, 0.4]}, []),
    "1 values of ps are no numbers": ({"ps": ["0.1", "SECRET", "1", "2", "3", "4"]}, []),
    "3 rows repeat an id": ({"person": ["a", "a", "a", "b", "b", "c"]}, []),
    "1 ids are missing": ({"person": ["a", None, "c", "d", "e", "f"]}, []),
    "2 values of treat are neither 0/1": ({"treat": [1, 0, 0, 0, 2, None]}, []),
    "There are 0 treated and 6 controls": ({"treat": [0] * 6}, []),
    "There are 6 treated and 0 controls": ({"treat": [True] * 6}, []),
    "2 values of site are missing": ({"site": ["x", None, None, "x", "x", "x"]}, ["--exact", "site"]),
    "1 values of age are missing": ({"age": [1, 2, 3, None, 5, 6]}, ["--caliper", "age=5"]),
    "1 values of cost are missing": ({"cost": [1, 2, 3, None, 5, 6]}, ["--distance", "euclidean:cost"]),
    "1 values of rank are missing": ({"rank": [1, 2, 3, None, 5, 6]}, ["--tie", "rank"]),
}


@pytest.mark.parametrize("ending", ["csv", "parquet"])
@pytest.mark.parametrize("told", FAULTS)
def test_bad_values_are_counted_by_name(
    told: str, ending: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    columns, words = FAULTS[told]
    units, out = write(changed(**columns), tmp_path / f"units.{ending}"), tmp_path / "pairs.csv"
    assert end_of(["match", units, *COLUMNS, *words, "--out", out]) == 3
    shown = capsys.readouterr().err
    assert told in shown and "SECRET" not in shown and not out.exists()


def test_missing_values_of_a_block_may_be_a_block_of_their_own() -> None:
    table = changed(site=["x", None, None, "x", "x", "x"])
    found = claimtwin.match(table, **NAMED, exact="site", null_block="own")
    assert {(row[0], row[4]) for row in triples(found.pairs)} == {("a", "x"), ("b", "(missing)")}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--caliper", "score=0"], "the caliper on score is no width"),
        (["--caliper", "ps=0.1", "--caliper", "score=0.2sd"], "a column has two calipers"),
        (["--caliper", "score=-0.1"], "above 0"),
        (["--caliper", "aeg=5"], "aeg (did you mean 'age'?)"),
        (["--exact", "agee,sitee"], "agee (did you mean 'age'"),
        (["--order", "biggest"], "order: Input should be 'largest'"),
        (["--order", "maximum"], "maximum is 1:1"),
        (["--floor", "2"], "floor: at most ratio"),
        (["--cap", "0"], "cap: Input should be greater than or equal to 1"),
        (["--caliper-sd", "per_block", "--caliper", "score=0.2sd"], "per_block needs a caliper in sd, and exact"),
        (["--caliper-sd", "per_block", "--caliper", "age=2", "--exact", "age"], "per_block needs a caliper in sd"),
        (["--caliper-sd", "own"], "caliper_sd: Input should be 'all' or 'per_block'"),
        (["--max-reuse", "2"], "only with replace"),
        (["--distance", "cosine:age"], "distance.kind"),
        (["--distance", "mahalanobis"], "mahalanobis:x1,x2"),
        (["--exact", "age", "--anti-exact", "age"], "both agree and differ in age"),
    ],
)
def test_bad_options_end_with_2_and_say_what_is_wrong(
    words: list[str], told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    units = write(changed(age=[1, 2, 3, 4, 5, 6]), tmp_path / "units.csv")
    assert end_of(["match", units, *COLUMNS, *words, "--out", tmp_path / "pairs.csv"]) == 2
    assert told in capsys.readouterr().err


def test_all_faults_of_the_options_are_told_at_once() -> None:
    with pytest.raises(ConfigError) as raised:
        claimtwin.match(changed(), **NAMED, oder="data", ratio=0, floor=2, caliper=["x", "score=nan"])  # type: ignore
    assert all(key in raised.value.what for key in ("oder", "ratio", "caliper.0", "caliper.1"))
    assert "did you mean 'order'" in raised.value.what


def test_results_are_not_written_over_anything(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    units, there = write(made_units(), tmp_path / "units.csv"), tmp_path / "there.csv"
    there.write_text("mine")
    words = ["--out", there, "--balance", units, "--blocks", tmp_path / "x.xlsx"]
    assert end_of(["match", units, *COLUMNS, *words, "--unmatched", there]) == 2
    shown = capsys.readouterr().err
    assert all(text in shown for text in ("--overwrite", "file of the units", "two outputs", "x.xlsx"))
    assert there.read_text() == "mine"


def test_a_file_that_is_not_what_it_says_shows_none_of_itself(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    torn, text = tmp_path / "torn.csv", tmp_path / "text.parquet"
    torn.write_text("person,treat,ps\nSECRET,1\n")
    text.write_text("SECRET")
    for units in (torn, text, tmp_path / "none.csv"):
        code = end_of(["match", units, *COLUMNS, "--out", tmp_path / "pairs.csv"])
        assert code == (3 if units.exists() else 2)
    assert "SECRET" not in capsys.readouterr().err


def test_python_refuses_what_it_cannot_read() -> None:
    with pytest.raises(ConfigError, match="type list"):
        claimtwin.match([1, 2], **NAMED)
    frame = changed().to_pandas().astype({"person": object})
    frame.loc[0, "person"] = 5
    with pytest.raises(InputError, match="several kinds"):
        claimtwin.match(frame, **NAMED)
    with pytest.raises(InputError, match="1 couples name nobody"):
        pairs = pa.table({"treated_id": ["a"], "control_id": ["z"]})
        claimtwin.balance(changed(), pairs, id="person", treated="treat")


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_neither_spark_nor_java_is_touched(ending: str, tmp_path: Path) -> None:
    units = write(made_units(), tmp_path / f"units.{ending}")
    words = ["match", str(units), *COLUMNS, "--out", str(tmp_path / "pairs.csv"), "--balance", str(tmp_path / "b.csv")]
    asked = (
        "import sys\nfrom claimtwin.app.cli import main\n"
        f"try: main({words!r})\nexcept SystemExit as end: code = end.code\n"
        "loaded = [name for name in ('pyspark', 'py4j', 'delta') if name in sys.modules]\n"
        "sys.exit(code or ('imported: ' + ', '.join(loaded) if loaded else 0))"
    )
    env = {**os.environ, "PYTHONPATH": str(ROOT / "lib"), "JAVA_HOME": str(tmp_path / "no-java")}
    done = subprocess.run([sys.executable, "-c", asked], env=env, capture_output=True, text=True)
    assert (done.returncode, (tmp_path / "pairs.csv").exists()) == (0, True), done.stderr


def test_importing_claimtwin_is_light() -> None:
    asked = (
        "import sys, claimtwin; sys.exit(any(m in sys.modules for m in ('numpy', 'pyarrow', 'pydantic', 'pyspark')))"
    )
    env = {**os.environ, "PYTHONPATH": str(ROOT / "lib")}
    assert subprocess.run([sys.executable, "-c", asked], env=env).returncode == 0


def test_types_of_columns_change_nothing() -> None:
    table = made_units()
    day = pa.array([18_000 + month for month in table["month"].to_pylist()], pa.int32()).cast(pa.date32())
    table = table.append_column("day", day)
    typed = {"treat": pa.bool_(), "region": pa.dictionary(pa.int32(), pa.string()), "site": pa.string_view()}
    typed |= {"ps": pa.string(), "age": pa.decimal128(20, 0), "month": pa.float64(), "day": pa.timestamp("ns")}
    other = pa.table({name: table[name].cast(typed.get(name, table[name].type)) for name in table.column_names})
    options = {"exact": "region,month,day", "caliper": "age=20", "anti_exact": "site", "covariates": "all"}
    one, two = claimtwin.match(table, **NAMED, **options), claimtwin.match(other, **NAMED, **options)
    assert one.pairs.equals(two.pairs) and one.balance.equals(two.balance) and one.pairs.num_rows > 5
    categories = claimtwin.match(table.to_pandas().astype({"person": "category"}), **NAMED, **options)
    assert triples(pa.table(categories.pairs)) == triples(one.pairs)


def test_a_header_without_units_and_a_column_of_lists_are_refused_by_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    units = write(changed().slice(0, 0), tmp_path / "units.csv")
    assert end_of(["match", units, *COLUMNS, "--out", tmp_path / "pairs.csv"]) == 3
    assert "There are 0 treated and 0 controls" in capsys.readouterr().err
    with pytest.raises(InputError, match="site holds lists"):
        claimtwin.match(changed(site=[[1]] * 6), **NAMED, exact="site")
    twice = pa.Table.from_arrays([*changed().columns, changed()["ps"]], names=[*changed().column_names, "ps"])
    with pytest.raises(InputError, match="same name"):
        claimtwin.match(twice, **NAMED)
