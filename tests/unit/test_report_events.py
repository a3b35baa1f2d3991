"""Every kind of arm and outcome has its words in the methods of a report."""

from typing import get_args

import pytest
from claimtwin.config.arms import Arm
from claimtwin.report.methods import _counted, _way_in

SOURCES = {
    "program": ({}, "began the programme"),
    "claims": ({"procedures": "physical_therapy"}, "a service of the list “physical_therapy”"),
    "drug": ({"drug": "drug_a", "require_region": False}, "a fill of the list “drug_a”"),
}


@pytest.mark.parametrize("source", get_args(Arm.model_fields["source"].annotation))
def test_each_way_in_is_told(source):
    keys, words = SOURCES[source]
    arm = Arm(name="a", title="A", source=source, **keys)
    assert words in _way_in(arm.model_dump(mode="json"))
    late = Arm(name="a", title="A", source=source, nth=2, landmark_days=30, **keys)
    assert "first 1 days with one do not count; the index is 30 days after" in _way_in(late.model_dump(mode="json"))


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ({"drug": "opioid"}, "dispensings of the list “opioid”"),
        ({"care": "imaging"}, "days with imaging care"),
        ({"measure": "new_use"}, "the measure of opioid use “new_use”"),
        ({"diagnosis": "conditions.cancer"}, "days with a diagnosis of “conditions.cancer”"),
    ],
)
def test_each_event_is_told(rule, words):
    every = dict.fromkeys(("drug", "care", "measure", "diagnosis"))
    assert _counted(every | rule) == words
