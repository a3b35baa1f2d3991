"""Landmarks, moved indices and events that do not count: what a protocol may ask, how it is told, what it finds."""

from math import exp

import pytest
from claimtwin.config.load import fingerprint
from claimtwin.config.protocol import Protocol
from claimtwin.kernel.eligibility import criteria_of
from claimtwin.report.timing_words import around_words, landmark_of, moved_words
from claimtwin.spark.outcomes import payloads_read_by
from claimtwin.study.grid_plan import plan_grid
from claimtwin.study.local import run_local, synth_protocol
from claimtwin.study.words import criterion_texts
from claimtwin.synth.spec import NO_DIRT, SynthSpec
from pydantic import ValidationError

from tests.support.rows import protocol_of

OPIOID = {"name": "any_opioid", "title": "Any opioid", "kind": "binary", "drug": "opioid", "window": [1, 365]}
NEAR_SURGERY = {"care": "surgery", "window": [0, 14]}
OVERDOSE = {**OPIOID, "name": "overdose", "drug": None, "diagnosis": "conditions.opioid_overdose"}


def test_a_study_that_uses_none_of_it_keeps_its_fingerprint() -> None:
    plain = protocol_of()
    assert fingerprint(plain) == fingerprint(protocol_of(landmark=None, placebo=None))
    assert not {"landmark", "placebo"} & set(plain.model_dump(mode="json"))
    assert "except_around" not in plain.model_dump(mode="json")["outcomes"][0]
    assert plain.followed() == plain.outcomes and plain.free_of() == []


@pytest.mark.parametrize(
    ("parts", "why"),
    [
        ({"landmark": {"days": 365}}, "ends by day 365"),
        ({"landmark": {"days": 0}}, "greater than or equal to 1"),
        ({"landmark": {"days": 30, "free_of": ["opioid_fills"]}}, "no yes-no outcome and no time"),
        ({"landmark": {"days": 3}, "outcomes": [{**OPIOID, "drug": None, "measure": "mme", "kind": "count"}],
          "histories": {"fills": {}}}, "windows are its own"),
        ({"placebo": {"days_earlier": 365}}, "reaches the real index"),
        ({"outcomes": [{**OPIOID, "except_around": {"care": "surgery", "window": [3, 1]}}]}, "after its last day"),
        ({"outcomes": [{**OPIOID, "except_around": {"window": [0, 1]}}]}, "exactly one"),
        ({"outcomes": [{**OPIOID, "except_around": {"diagnosis": "body_regions.of_index", "window": [0, 1]}}]},
         "criteria only"),
        ({"outcomes": [{**OPIOID, "kind": "days_supply", "except_around": NEAR_SURGERY}]}, "not of measures"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(parts: dict, why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        protocol_of(**parts)


def test_windows_begin_after_the_landmark_and_negative_controls_may_have_happened() -> None:
    got = protocol_of(landmark={"days": 30}, outcomes=[OPIOID, {**OVERDOSE, "window": [60, 90]}],
                      sensitivity={"negative_controls": ["overdose"]})  # fmt: skip
    assert [o.window for o in got.followed()] == [(31, 365), (60, 90)]
    assert [o.name for o in got.free_of()] == ["any_opioid"]
    assert criteria_of(got)[-3:] == ("landmark", "demographics_known", "one_arm")
    text = criterion_texts(got, got.arms.treated)["landmark"]
    assert text == "Enrolled to day 30 after index, by then without “Any opioid”"
    named = protocol_of(landmark={"days": 30, "free_of": []})
    assert criterion_texts(named, named.arms.treated)["landmark"] == "Enrolled to day 30 after index"


def test_a_placebo_says_so_wherever_people_come_in() -> None:
    got = protocol_of(placebo={"days_earlier": 400})
    for arm in got.arm_list():
        texts = criterion_texts(got, arm)
        assert texts["candidates"].endswith("index moved 400 days earlier (placebo)")
        assert texts["index_in_window"].endswith("before it was moved")
    values = got.model_dump(mode="json")
    assert "placebo study" in moved_words(values)[0] and "400 days earlier" in moved_words(values)[0]
    assert landmark_of({"protocol": values}) == -1
    assert "day 30" in moved_words(protocol_of(landmark={"days": 30}).model_dump(mode="json"))[0]


def test_medical_lines_are_read_for_what_does_not_count_beside_a_drug() -> None:
    plain, asked = (protocol_of(outcomes=[{**OPIOID, **more}]) for more in ({}, {"except_around": NEAR_SURGERY}))
    assert payloads_read_by(plain) == ["pharmacy_claim"]
    assert payloads_read_by(asked) == ["pharmacy_claim", "medical_claim"]
    rule = asked.model_dump(mode="json")["outcomes"][0]
    assert around_words(rule) == ", except 0 to 14 days after a day with care of “surgery”"


def test_they_are_variants_of_a_grid_and_share_what_they_can() -> None:
    changes = [{"landmark.days": 30}, {"landmark.days": 30, "landmark.free_of": []}, {"placebo.days_earlier": 400},
               {"outcomes.any_opioid.except_around": NEAR_SURGERY}, {"matching.ratio": 2}]  # fmt: skip
    grid = [{"name": f"v{k}", "change": change} for k, change in enumerate(changes)]
    plan = plan_grid(protocol_of(sensitivity={"grid": grid}))
    assert plan.study == (0, 1, 2, 3, 3) and plan.match == (0, 1, 2, 3, 4) and plan.count == (0, 1, 2, 3, 4)
    with pytest.raises(ValidationError, match="ends by day 400"):
        protocol_of(sensitivity={"grid": [{"name": "v", "change": {"landmark.days": 400}}]})


def test_a_planted_effect_is_found_after_a_landmark_and_none_before_the_real_index() -> None:
    spec = SynthSpec(members=8_000, dirt=NO_DIRT)
    values = synth_protocol(spec.index_year, main_only=True).model_dump(mode="json")
    landmark = {"landmark": {"days": 30, "free_of": ["any_opioid"]}}
    parts = {"landmark": landmark, "placebo": {"placebo": {"days_earlier": 400}}}
    found = {}
    for name, more in parts.items():
        study = run_local(spec, Protocol.model_validate(values | more))
        assert study.pairs.num_rows > 800
        found[name] = next(
            e for e in study.effects
            if e["measure"] == "odds_ratio" and not e["adjusted"] and e["errors"] == "cluster_pair"
        )  # fmt: skip
    assert found["landmark"]["low"] < exp(spec.cause.effect) < found["landmark"]["high"] < 0.9
    assert found["placebo"]["low"] < 1.0 < found["placebo"]["high"]
