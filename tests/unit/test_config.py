"""Configuration: presets load, and every fault is told at once."""

import pytest
from claimtwin.config.load import fingerprint, load_configuration
from claimtwin.errors import ConfigError


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
