"""``claimtwin synth``: every fault of a specification is told before Spark starts, and a folder in use is refused."""

from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from claimtwin.app import running
from claimtwin.app.synth_command import Asked, checked
from claimtwin.errors import ConfigError
from claimtwin.study import synthesise as room
from claimtwin.synth import SynthSpec, truth_of
from claimtwin.synth.calibration import calibrated
from claimtwin.synth.spec import NO_DIRT, Cause, Dip, Dirt, Fills, Targets, checked_spec

from tests.house.rules import ROOT
from tests.unit.test_cli import end_of

PRESETS = sorted(path.stem for path in (ROOT / "conf" / "synth").glob("*.yaml"))


@pytest.fixture
def no_spark(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(settings: dict[str, str], say: object) -> None:
        raise AssertionError("Spark was started")

    monkeypatch.setattr(running, "start", refuse)


def write(folder: Path, text: str) -> str:
    (folder / "synth.yaml").write_text(text)
    return str(folder / "synth.yaml")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("pool: 1.5", "pool: Input should be less than or equal to 1"),
        ("dirt: {bad_ndk: 0.1}", "dirt.bad_ndk: unknown key (did you mean 'bad_ndc'?)"),
        ("index_months: [9, 3]", "index_months: the first month lies after the last"),
        ("dip: {first: 2020-05-01, last: 2020-04-01}", "dip: first lies after last"),
        ("dip: {first: 2016-05-01, last: 2016-06-01}", "dip: must lie in 2019 to 2021"),
        ("dip: {first: 2020-01-01, last: 2020-12-31}", "longer than 180 days"),
        ("index_year: 2021", "index_year: Input should be"),
        ("targets: {risk_treated: 0.99, risk_comparator: 0.1}", "targets.risk_treated: cannot be met"),
        ("targets: {risk_treated: 0.1, risk_comparator: 0.999}", "targets.risk_comparator: cannot be met"),
        (
            "targets: {risk_treated: 0.08, risk_comparator: 0.14, crude_odds_ratio: 5}",
            "targets.crude_odds_ratio: cannot be met",
        ),
        (
            "targets: {risk_treated: 1.2, risk_comparator: -1}",
            "targets.risk_comparator: Input should be greater than 0",
        ),
    ],
)
def test_what_cannot_be_is_refused_by_name_before_spark(
    tmp_path: Path, no_spark: None, capsys: pytest.CaptureFixture[str], text: str, told: str
) -> None:
    assert end_of(["synth", "--out", str(tmp_path / "out"), "--spec", write(tmp_path, text)]) == 2
    assert told in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_all_faults_come_at_once_and_options_are_checked_as_keys(
    tmp_path: Path, no_spark: None, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = write(tmp_path, "memberz: 5\npool: 2\ncause: {severity: -1}")
    words = ["synth", "--out", str(tmp_path / "out"), "--spec", spec, "--members", "0.5", "--employers", "many"]
    assert end_of(words) == 2
    shown = capsys.readouterr().err
    assert all(name in shown for name in ("memberz", "pool", "cause.severity", "members", "employers"))


@pytest.mark.parametrize("words", [["--format", "omop"], ["--as", "xlsx"]])
def test_an_unknown_form_is_refused(
    tmp_path: Path, no_spark: None, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    assert end_of(["synth", "--out", str(tmp_path), *words]) == 2
    assert f"{words[0]} {words[1]}: one of" in capsys.readouterr().err


def test_a_folder_in_use_is_refused_unless_overwriting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    written = []
    monkeypatch.setattr(running, "start", lambda settings, say: SimpleNamespace(name="spark"))
    monkeypatch.setattr(room, "synthesise", lambda spark, spec, folder, how, say: written.append((spec, how)))
    (tmp_path / "feed").mkdir()
    (tmp_path / "feed" / "old").write_text("old")
    assert end_of(["synth", "--out", str(tmp_path)]) == 2
    assert "--overwrite" in capsys.readouterr().err and not written
    words = ["synth", "--out", str(tmp_path), "--overwrite", "--members", "1e3", "--seed", "11", "--as", "csv"]
    assert end_of(words) == 0
    assert [(spec.members, spec.seed, how.files) for spec, how in written] == [(1000, 11, "csv")]
    assert not (tmp_path / "feed").exists()


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_can_be_made(preset: str) -> None:
    spec = checked(Asked(preset, {"members": None, "seed": "3"}))
    assert spec.seed == 3 and spec.targets is None
    assert SynthSpec.model_validate(yaml.safe_load(yaml.safe_dump(spec.model_dump(mode="json")))) == spec


def test_the_layout_of_desynpuf_has_its_own_years_and_no_dirt() -> None:
    spec = checked(Asked("dirty", {}, form="desynpuf"))
    assert spec.index_year == 2008 and spec.dirt == NO_DIRT


def test_targets_are_met_in_a_population_of_another_seed() -> None:
    asked = {"risk_treated": 0.05, "risk_comparator": 0.10, "crude_odds_ratio": 0.3}
    spec = calibrated(checked_spec({"members": 60_000, "seed": 12, "targets": asked}))
    truth = truth_of(spec.model_copy(update={"dirt": NO_DIRT}))
    assert truth.risk_treated == pytest.approx(5, abs=0.3)
    assert truth.risk_comparator == pytest.approx(10, abs=0.5)
    assert truth.crude_odds_ratio == pytest.approx(0.3, abs=0.025)


def test_equal_targets_give_equal_populations_whatever_their_size() -> None:
    asked = {"risk_treated": 0.05, "risk_comparator": 0.10}
    small, large = (calibrated(checked_spec({"members": n, "seed": n, "targets": asked})) for n in (10, 10**8))
    assert small.cause == large.cause


def test_the_null_preset_has_no_effect_on_any_scale() -> None:
    truth = truth_of(checked(Asked("null", {"members": "3000"})))
    for scales in (truth.scales["treated"], truth.scales["population"]):
        assert (scales.odds_ratio, scales.risk_ratio) == (1, 1)
        assert (scales.risk_difference, scales.relative_reduction, scales.difference_per_100) == (0, 0, 0)
    assert truth.scales["crude"].odds_ratio < 0.9


def test_without_targets_nothing_is_changed() -> None:
    assert calibrated(SynthSpec()) == SynthSpec()


def test_a_file_is_not_a_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="not a folder"):
        room.check_folder(tmp_path / "file", overwrite=True)


def test_every_key_of_a_specification_is_documented() -> None:
    page = (ROOT / "docs" / "synthetic-data.md").read_text()
    nested = {key: model for key, model in (("dip", Dip), ("targets", Targets), ("cause", Cause), ("fills", Fills))}
    keys = [*SynthSpec.model_fields, *Dirt.model_fields, *(key for m in nested.values() for key in m.model_fields)]
    assert [key for key in keys if f"`{key}`" not in page] == []
