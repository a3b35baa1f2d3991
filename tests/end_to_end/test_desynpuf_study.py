"""The CMS DE-SynPUF sample: our study against counting by hand."""

import pytest
from claimtwin.config.load import load_configuration
from claimtwin.study.pipeline import run_study
from claimtwin.study.progress import say_nothing

from tests.support.shared import shared_data


@pytest.fixture(scope="module")
def results(desynpuf):
    changes = [
        f"env.tables={desynpuf.tables}",
        f"env.output={desynpuf.folder}/results",
        f"env.code_lists.opioid.path={shared_data('cdc-mme')}/opioids_2018.csv",
        "env.code_lists.opioid.use=any",  # the count by hand took the whole list, use disorder and all
    ]
    protocol, env = load_configuration("desynpuf_pt_vs_chiropractic", "desynpuf", changes)
    return run_study(desynpuf.spark, protocol, env, say_nothing).results


@pytest.mark.parametrize(
    ("arm", "indexed", "naive", "starting", "fills"), [("treated", 85, 73, 12, 14), ("comparator", 63, 57, 9, 14)]
)
def test_arms_kept_apart_show_the_counts_made_by_hand(results, arm, indexed, naive, starting, fills):
    """Index: the first such claim in all the data, when in July to December 2008; washout of 90 days; days 1 to 180."""
    left = {row["criterion"]: row["remaining"] for row in results["attrition"] if row["arm"] == arm}
    assert (left["index_in_window"], left["washout"]) == (indexed, naive)
    before = {row["outcome"]: row for row in results["outcomes"] if row["scope"] == "candidates" and row["arm"] == arm}
    assert (before["any_opioid"]["n"], before["any_opioid"]["people"]) == (naive, starting)
    assert before["opioid_fills"]["total"] == fills


def test_the_matched_study_goes_on_with_the_first_arm_entered(results):
    left = {row["criterion"]: row["remaining"] for row in results["attrition"] if row["arm"] == "treated"}
    assert 0 < results["matching"]["pairs"] <= left["one_arm"] < left["washout"]
    assert set(results["matching"]["invariants"].values()) == {0}
