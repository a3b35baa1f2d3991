"""What the histories are made from, and what is refused before Spark starts."""

import pytest
import yaml
from claimtwin.config.load import load_configuration
from claimtwin.errors import ConfigError
from claimtwin.study.files import check_files
from claimtwin.study.histories import plan_histories

HEADER = "NDC,PRODNME,GENNME,Master_Form,Drug,LongShortActing,Strength_Per_Unit,UOM\n"
FILLS = "study.histories.fills.products=opioid"


def configured(tmp_path, *changes, rows="00000000001,P,Oxycodone,Tablet,Oxycodone SA,SA,5,MG\n"):
    (tmp_path / "list.csv").write_text(HEADER + rows)
    env = {"tables": str(tmp_path), "output": str(tmp_path), "code_lists": {"opioid": {"path": f"{tmp_path}/list.csv"}}}
    (tmp_path / "env.yaml").write_text(yaml.safe_dump(env))
    return load_configuration("jpr_s412081", str(tmp_path / "env.yaml"), list(changes))


def test_each_table_is_made_from_what_it_reads_and_nothing_else(tmp_path):
    changes = [FILLS, "study.histories.supply.gap_days=7", "study.histories.episodes.gap_days=60"]
    plan = plan_histories(*configured(tmp_path, *changes))
    assert {name: set(made_from) for name, (made_from, _) in plan.items()} == {
        "opioid_fills": {"fills", "products"},
        "supply_runs": {"fills", "products", "supply"},
        "msk_episodes": {"episodes"},
        "therapy_courses": {"episodes"},
    }


def test_another_strength_is_another_list(tmp_path):
    one = plan_histories(*configured(tmp_path, FILLS))["opioid_fills"][0]
    other = "00000000001,P,Oxycodone,Tablet,Oxycodone SA,SA,10,MG\n"
    assert plan_histories(*configured(tmp_path, FILLS, rows=other))["opioid_fills"][0] != one


def test_a_protocol_without_histories_is_told_so(tmp_path):
    with pytest.raises(ConfigError, match="asks for no history"):
        plan_histories(*configured(tmp_path))


def test_runs_without_fills_and_an_unnamed_list_are_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"histories\.fills is not set"):
        configured(tmp_path, "study.histories.supply.gap_days=7")
    with pytest.raises(ConfigError, match=r"code_lists\.other"):
        configured(tmp_path, "study.histories.fills.products=other")


def test_a_list_that_cannot_be_read_is_found_before_spark_starts(tmp_path):
    with pytest.raises(ConfigError, match="not 11 digits"):
        check_files(*configured(tmp_path, FILLS, rows="1,P,Oxycodone,Tablet,Oxycodone SA,SA,5,MG\n"))
