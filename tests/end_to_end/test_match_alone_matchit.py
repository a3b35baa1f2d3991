"""The recorded studies of MatchIt through the words of the command line: pairs, ranks and balance."""

import csv
from pathlib import Path

import claimtwin
import pyarrow as pa
import pyarrow.csv as pc_csv
import pytest
from claimtwin.app import cli

from tests.support.matchit import Study, studies

SAMPLE = 20
FIGURES = ("mean_treated", "mean_control", "smd", "variance_ratio", "ecdf_mean", "ecdf_max")
COVARIATES = ("score", "x1", "x2", "x3", "g1", "g2", "g3")
DISTANCE = {"score": "score", "mahvars": "mahalanobis:x1,x2,x3", "mahalanobis": "mahalanobis:x1,x2,x3"}


def words_of(study: Study) -> list[str]:
    """The options that a user of MatchIt would give for this study."""
    config = study.config
    words = ["--id", "id", "--treated", "treat", "--score", "score", "--tie", "id", "--ratio", config["ratio"]]
    words += ["--distance", DISTANCE[config["distance"]], "--covariates", ",".join(COVARIATES)]
    words += ["--order", config["order"]] if config["order"] else ["--replace", "--order", "data"]
    for option, key in (("--exact", "exact"), ("--anti-exact", "antiexact")):
        words += [option, config[key].replace("+", ",")] if config[key] else []
    for column in ("score", "x1"):
        if width := config[f"caliper_{column}"]:
            words += ["--caliper", f"{column}={width}{'sd' if config[f'caliper_{column}_unit'] == 'sd' else ''}"]
    return words


def keyword(words: list[str]) -> dict[str, object]:
    """The same options as keywords of ``claimtwin.match``."""
    options: dict[str, object] = {}
    places = [k for k, word in enumerate(words) if word.startswith("--")]
    for at, until in zip(places, [*places[1:], len(words)], strict=True):
        name = words[at].removeprefix("--").replace("-", "_")
        value: object = words[at + 1] if until - at > 1 else True
        options[name] = [*options.get(name, []), value] if name == "caliper" else value  # type: ignore[misc]
    return options


def sample() -> list[Study]:
    """Every eighth study that leaves no choice, from all distances, orders and options."""
    clear = [study for study in studies() if not study.has_choice]
    chosen = clear[:: len(clear) // SAMPLE][:SAMPLE]
    assert {s.config["distance"] for s in chosen} == set(DISTANCE) and len({s.config["order"] for s in chosen}) >= 5
    return chosen


def level(covariate: str) -> str:
    """MatchIt's name of a balance row as ours."""
    if covariate == "distance":
        return "score"
    return f"{covariate[:2]}={covariate[2:].lstrip('_')}" if covariate[:2] in ("g1", "g2") else covariate


def check_balance(ours: list[dict[str, str]], study: Study) -> int:
    found = {(row["covariate"], row["when"]): row for row in ours}
    for row in study.balance:
        own = found[level(row["covariate"]), row["when"]]
        for name in FIGURES:
            if not row[name]:
                assert own[name] == "", (name, row)
            else:
                assert float(own[name]) == pytest.approx(float(row[name]), abs=1e-8, rel=1e-8), (name, row)
    return len(study.balance)


def test_command_and_python_give_the_pairs_and_the_balance_of_matchit(tmp_path: Path) -> None:
    rows = 0
    for study in sample():
        units, pairs, balance = (tmp_path / f"{name}.csv" for name in ("units", "pairs", "balance"))
        table = pa.table({name: [row[name] for row in study.rows] for name in study.rows[0]})
        pc_csv.write_csv(table, units)
        words = words_of(study)
        with pytest.raises(SystemExit) as ended:
            cli.main(["match", str(units), *words, "--out", str(pairs), "--balance", str(balance), "--overwrite"])
        assert ended.value.code == 0
        with pairs.open(newline="") as lines:
            got = {(int(r["treated_id"]), int(r["control_id"]), int(r["rank"])) for r in csv.DictReader(lines)}
        assert got == study.pairs, study.config
        with balance.open(newline="") as lines:
            rows += check_balance(list(csv.DictReader(lines)), study)
        found = claimtwin.match(table, **keyword(words)).pairs  # type: ignore[arg-type]
        in_python = zip(*(map(int, found[c].to_pylist()) for c in ("treated_id", "control_id", "rank")), strict=True)
        assert set(in_python) == got
    assert rows > 200
