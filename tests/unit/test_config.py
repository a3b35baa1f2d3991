"""Configuration: presets load, and every fault is told at once."""

from typing import get_args

import pytest
from claimtwin.config.load import fingerprint, load_configuration
from claimtwin.config.matching import Matching, Order
from claimtwin.errors import ConfigError
from claimtwin.report.methods import ORDERS


def test_presets_load():
    protocol, env = load_configuration("jpr_s412081", "local")
    assert protocol.drug_lists() == ["opioid"]
    assert env.disclosure.min_cell == 11
    assert load_configuration("desynpuf_pt_vs_chiropractic", "desynpuf")[0].regions == []


def test_all_faults_of_both_files_are_told_at_once():
    changes = ["study.washout.dys=3", "env.tabels=x", "env.pack.payload_mib=-1"]
    with pytest.raises(ConfigError) as caught:
        load_configuration("jpr_s412081", "local", changes)
    text = str(caught.value)
    assert "did you mean 'days'" in text and "did you mean 'tables'" in text and "payload_mib" in text
    assert caught.value.exit_code == 2


def test_an_outcome_window_longer_than_the_enrolment_is_refused():
    with pytest.raises(ConfigError, match="shorter than the longest outcome window"):
        load_configuration("jpr_s412081", "local", ["study.enrollment.post_days=30"])


def test_a_fingerprint_follows_the_values():
    same = load_configuration("jpr_s412081", "local", ["study.washout.days=365"])[0]
    other = load_configuration("jpr_s412081", "local", ["study.washout.days=180"])[0]
    base = load_configuration("jpr_s412081", "local")[0]
    assert fingerprint(base) == fingerprint(same) != fingerprint(other)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("floor=2", "floor: above ratio"),
        ("max_reuse=3", "max_reuse: only with replace"),
        ("distance=mahalanobis", "distance_covariates: mahalanobis needs at least one"),
        ("distance_covariates=[age]", "distance_covariates: only with distance mahalanobis"),
        ("caliper_sd_of=block,caliper_sd=null", "caliper_sd_of: block needs a caliper_sd and block_keys"),
        ("caliper_sd_of=block,block_keys=[]", "caliper_sd_of: block needs a caliper_sd and block_keys"),
        ("order=maximum,caliper_sd=null", "order: maximum needs a caliper_sd"),
        ("order=maximum,covariate_calipers={age: 5}", "order: maximum is 1:1"),
        ("covariate_calipers={sex: 1}", "matching.covariate_calipers.sex"),
        ("covariate_calipers={age: .inf}", "matching.covariate_calipers.age"),
        ("replace=true", "matching.replace: a study is without replacement"),
    ],
)
def test_choices_of_a_match_that_contradict_each_other_are_refused(change, words):
    changes = [f"study.matching.{part}" for part in change.split(",")]
    with pytest.raises(ConfigError) as caught:
        load_configuration("jpr_s412081", "local", changes)
    assert words in str(caught.value)


def test_a_match_may_be_asked_for_in_other_ways_and_by_itself_k_to_1():
    changes = ["order=closest", "distance=mahalanobis", "distance_covariates=[age, log_allowed]"]
    changes = [f"study.matching.{change}" for change in [*changes, "covariate_calipers={age: -2.5}"]]
    asked = load_configuration("jpr_s412081", "local", changes)[0].matching
    assert (asked.order, asked.covariate_calipers) == ("closest", {"age": -2.5})
    assert Matching(ratio=3, floor=2, replace=True, max_reuse=4).ratio == 3


def test_the_report_has_words_for_each_order():
    assert get_args(Order) == tuple(ORDERS)


def test_whose_standard_deviation_a_caliper_is_in_is_written_only_where_it_is_not_that_of_all():
    """So the results and stamps of every protocol that does not ask for it are what they were."""
    said = {
        value: load_configuration("jpr_s412081", "local", [f"study.matching.caliper_sd_of={value}"])[0].matching
        for value in ("all", "block")
    }
    assert "caliper_sd_of" not in said["all"].model_dump(mode="json")
    assert said["block"].model_dump(mode="json") == {**said["all"].model_dump(mode="json"), "caliper_sd_of": "block"}
    assert Matching.model_validate(said["block"].model_dump(mode="json")) == said["block"]
