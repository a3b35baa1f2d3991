"""Every kind of arm and outcome has its words in the methods of a report."""

from typing import get_args

import pytest
from claimtwin.config.arms import Arm
from claimtwin.config.events import Criterion
from claimtwin.report.methods import _counted, _own, _way_in

SOURCES = {
    "program": ({}, "began the programme"),
    "claims": ({"procedures": "physical_therapy"}, "a service of the list “physical_therapy”"),
    "drug": ({"drug": "drug_a", "require_region": False}, "a fill of the list “drug_a”"),
    "assigned": ({"require_region": False}, "on a day drawn, by a hash of the seed and the person"),
}


def test_a_diagnosis_beside_a_service_and_an_exposure_are_told():
    exposure = {"care": "therapy", "least": 1, "window": [0, 90]}
    arm = Arm(name="a", title="A", source="claims", procedures=["97110"], diagnosis="body_regions.back",
              together="day", landmark_days=90, exposure=exposure)  # fmt: skip
    words = _way_in(arm.model_dump(mode="json"))
    assert "a service of 97110 and, on the same day, a diagnosis of the list “body_regions.back”" in words
    assert "the index is 90 days after the event; of these, people with at least 1 days with therapy care" in words


def test_a_criterion_is_told():
    rule = Criterion(name="clean", title="No cancer", diagnosis=["C", "D0"], window=(-180, -1))
    assert _own(rule.model_dump(mode="json")) == (
        "Criterion “clean” (No cancer): no days with a diagnosis of “C, D0” on days -180 to -1 about index."
    )


@pytest.mark.parametrize("source", get_args(Arm.model_fields["source"].annotation))
def test_each_way_in_is_told(source):
    keys, words = SOURCES[source]
    arm = Arm(name="a", title="A", source=source, **keys)
    assert words in _way_in(arm.model_dump(mode="json"))
    if source == "assigned":
        return
    late = Arm(name="a", title="A", source=source, nth=2, landmark_days=30, **keys)
    assert "first 1 days with one do not count; the index is 30 days after" in _way_in(late.model_dump(mode="json"))


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ({"drug": "opioid"}, "dispensings of the list “opioid”"),
        ({"care": "imaging"}, "days with imaging care"),
        ({"measure": "new_use"}, "the measure of opioid use “new_use”"),
        ({"diagnosis": "conditions.cancer"}, "days with a diagnosis of “conditions.cancer”"),
        ({"procedures": ["72148"]}, "days with a service of “72148”"),
        ({}, "all care and drugs"),
    ],
)
def test_each_event_is_told(rule, words):
    every = dict.fromkeys(("drug", "care", "measure", "diagnosis", "procedures"))
    assert _counted(every | rule) == words
