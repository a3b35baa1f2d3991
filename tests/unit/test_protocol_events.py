"""What a protocol may ask of events, criteria, exposures and follow-up, and what it is refused."""

import re
from pathlib import Path

import pytest
import yaml
from claimtwin.codes.rules import own_diagnoses
from claimtwin.config.events import Event
from claimtwin.config.load import fingerprint, load_configuration
from claimtwin.errors import ConfigError
from claimtwin.study.codebook import read_code_book
from claimtwin.study.words import criterion_texts
from pydantic import ValidationError

from tests.support.rows import protocol_of

FIRST_FILL = {"name": "first", "title": "First fill", "kind": "time", "drug": "opioid", "window": [1, 365]}
CLAIMS = {"name": "b", "title": "B", "source": "claims", "procedures": "physical_therapy"}
PROGRAM = {"name": "a", "title": "A", "source": "program"}
ASSIGNED = {"name": "b", "title": "B", "source": "assigned", "require_region": False}
CENSOR = {"enrollment": {"post_mode": "censor"}, "outcomes": [FIRST_FILL]}


def arms(treated=PROGRAM, comparator=CLAIMS, overlap="exclude_roster"):
    return {"treated": treated, "comparator": comparator, "overlap": overlap}


def test_a_study_that_uses_none_of_it_keeps_its_fingerprint():
    plain = protocol_of()
    said = protocol_of(
        criteria=[], enrollment={"post_mode": "require"}, arms=arms(comparator={**CLAIMS, "together": "claim"})
    )
    assert fingerprint(plain) == fingerprint(said)
    assert "criteria" not in plain.model_dump(mode="json")
    assert fingerprint(protocol_of(**CENSOR)) != fingerprint(protocol_of(outcomes=[FIRST_FILL]))


@pytest.mark.parametrize(
    ("parts", "why"),
    [
        ({"enrollment": {"post_mode": "censor"}}, "takes everybody for followed to the end"),
        ({"outcomes": [FIRST_FILL, {**FIRST_FILL, "name": "first_days", "kind": "rate"}]}, "name of the days"),
        ({"outcomes": [{**FIRST_FILL, "kind": "days_supply", "drug": None, "care": "office"}]}, "needs a drug list"),
        ({"outcomes": [{**FIRST_FILL, "drug": None}]}, "exactly one"),
        ({"outcomes": [{**FIRST_FILL, "drug": None, "measure": "mme"}], "histories": {"fills": {}}}, "a measure is"),
        ({"outcomes": [{**FIRST_FILL, "drug": None, "diagnosis": "body_regions.of_index"}]}, "criteria only"),
        ({"outcomes": [{**FIRST_FILL, "drug": None, "diagnosis": ["M54!"]}]}, "pattern"),
        ({"criteria": [{"name": "c", "drug": "opioid", "window": [-30, 5]}]}, "past the index day"),
        ({"criteria": [{"name": "c", "drug": "opioid", "window": [-1, -30]}]}, "after its last day"),
        ({"criteria": [{"name": "c", "window": [-30, 0]}]}, "exactly one"),
        ({"criteria": [{"name": "age", "drug": "opioid", "window": [-30, 0]}]}, "criterion of every study"),
        ({"criteria": [{"name": "c", "drug": "opioid", "window": [-30, 0]}] * 2}, "named twice"),
        ({"criteria": [{"name": "c", "drug": "opioid", "window": [-400, 0]}]}, "longest look-back .400 days"),
        ({"criteria": [{"name": "c", "drug": "o", "window": [-9, 0], "least": 3, "most": 2}]}, "least is above most"),
        ({"criteria": [{"name": "c", "drug": "o", "window": [-9, 0], "apart_days": 3}]}, "needs 'least'"),
        ({"arms": arms(comparator={**CLAIMS, "procedures": None})}, "needs a code list"),
        ({"arms": arms(treated={**PROGRAM, "diagnosis": ["M54"]})}, "takes none"),
        ({"arms": arms(comparator={**CLAIMS, "together": "day"})}, "needs both"),
        ({"arms": arms(comparator={**CLAIMS, "source": "assigned", "procedures": None})}, "no body region"),
        ({"arms": arms(comparator={**ASSIGNED, "nth": 2})}, "follows no event"),
        ({"arms": arms({**ASSIGNED, "name": "a"})}, "only comparators"),
    ],
)  # fmt: skip
def test_contradictions_are_refused(parts, why):
    with pytest.raises(ValidationError, match=why):
        protocol_of(**parts)


@pytest.mark.parametrize(
    ("last", "landmark", "opens", "passes"),
    [
        (90, 0, 1, False),
        (90, 0, 90, False),
        (90, 0, 91, True),
        (90, 90, 0, False),
        (90, 90, 1, True),
        (90, 91, 0, True),
    ],
)
def test_an_outcome_that_begins_before_the_exposure_is_known_is_refused(last, landmark, opens, passes):
    """The exposure window must be over before the first day on which an outcome counts."""
    exposed = {**CLAIMS, "landmark_days": landmark, "exposure": {"care": "therapy", "least": 2, "window": [0, last]}}
    parts = {"arms": arms(comparator=exposed), "outcomes": [{**FIRST_FILL, "window": [opens, 365]}]}
    if passes:
        assert protocol_of(**parts).arms.comparator.exposure.window == (0, 90)
    else:
        with pytest.raises(ValidationError, match="immortal time"):
            protocol_of(**parts)


def test_absence_is_asked_of_observed_days_only_and_presence_of_any():
    rule = {"name": "c", "diagnosis": "conditions.cancer", "window": [-3000, -1], "least": 1}
    assert protocol_of(criteria=[rule]).criteria[0].bounds == (1, None)


def test_a_study_that_censors_must_know_where_its_data_end(tmp_path):
    changes = ["study.enrollment.post_mode=censor", "study.published=[]", "study.power.expected_risk={}",
               "study.outcomes=[{name: o, title: O, kind: time, care: imaging, window: [1, 365]}]"]  # fmt: skip
    with pytest.raises(ConfigError, match=r"ingest\.data_through: needed"):
        load_configuration("jpr_s412081", "local", [*changes, "env.ingest.data_through=null"])
    protocol, env = load_configuration("jpr_s412081", "local", [*changes, "env.ingest.data_through=2020-11-30"])
    assert protocol.censored
    assert env.ingest.data_through.isoformat() == "2020-11-30"


def test_lists_are_read_by_the_name_of_their_event(tmp_path):
    (tmp_path / "list.csv").write_text("NDC\n00000000001\n")
    protocol, env = load_configuration("jpr_s412081", "local", [
        f"env.code_lists.opioid.path={tmp_path}/list.csv",
        "study.criteria=[{name: c, diagnosis: body_regions.of_index, window: [-180, -1]}, "
        "{name: d, diagnosis: [M54, 'icd-9-cm:724'], window: [-90, 0], least: 1}, "
        "{name: e, procedures: ['72148-72149'], window: [-90, 0]}]",
        "study.arms.comparator.diagnosis=[M54]",
    ])  # fmt: skip
    book = read_code_book(protocol, env)
    regions = {f"body_regions.{name}" for name in ("back", "neck", "shoulder", "hip", "knee")}
    assert set(book.diagnoses) == regions | {"icd-10-cm:M54|icd-9-cm:724"}
    assert set(book.procedures) == {"72148-72149"}
    assert book.arm_diagnoses == (None, "icd-10-cm:M54")
    texts = criterion_texts(protocol, protocol.arms.comparator)
    assert texts["c"] == ("No day with a diagnosis of the body region of the index 180 to 1 days before index")
    assert texts["d"].startswith("At least 1 day with a diagnosis of icd-10-cm:M54, icd-9-cm:724 from 90 days")


def test_a_rule_that_cannot_be_read_is_refused():
    with pytest.raises(ConfigError, match="equal length"):
        own_diagnoses("icd-10-cm:M54-M5")
    assert Event(diagnosis=["m54.5"]).key.codes == "icd-10-cm:m54.5"
    assert own_diagnoses("icd-10-cm:m54.5")[0][1].low == "M545"


def test_every_design_of_the_page_is_a_protocol():
    page = (Path(__file__).resolve().parents[2] / "docs" / "designs.md").read_text(encoding="utf-8")
    designs = [yaml.safe_load(text) for text in re.findall(r"```yaml\n(.*?)```", page, flags=re.DOTALL)]
    assert len(designs) == 8
    for parts in designs:
        protocol_of(**{"adjust": [], **parts})
