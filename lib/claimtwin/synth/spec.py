"""What a planted-truth population is asked to be; checked before anything runs."""

from typing import Annotated, Any

from pydantic import Field, ValidationError

from claimtwin.config.load import config_error
from claimtwin.config.strict import Strict

Rate = Annotated[float, Field(ge=0, le=1)]


class Fills(Strict):
    """Dispensings of a person that begins opioids: 1 + a negative binomial (study of two parts).

    Defaults: abstract-calibrated reconstruction of J Pain Res 2023;16:2609, recovered from its means and spreads.
    """

    programme_mean: Annotated[float, Field(gt=0, le=5)] = 1.120
    programme_dispersion: Annotated[float, Field(gt=0, le=10)] = 3.41
    therapy_mean: Annotated[float, Field(gt=0, le=5)] = 0.640
    therapy_dispersion: Annotated[float, Field(gt=0, le=10)] = 3.75


class Cause(Strict):
    """Log-odds of the two decisions, on the person's own scale.

    Attributes:
        effect: What the programme adds to the log-odds of beginning opioids; 0 is no effect.
        risk: Level of those log-odds in a woman of 42 in the Midwest without care or comorbidity.
        choice: Level of the log-odds of taking the programme, for the same person.
        confounding: 1 as calibrated, 0 for a choice that has nothing to do with the risk.
        severity: What one standard deviation of a severity that no claim shows takes from the choice and adds
            to the risk; 0 for none.
    """

    effect: Annotated[float, Field(ge=-3, le=3)] = -0.626
    risk: Annotated[float, Field(ge=-6, le=1)] = -2.385
    choice: Annotated[float, Field(ge=-4, le=4)] = -0.77
    confounding: Annotated[float, Field(ge=0, le=2)] = 1.0
    severity: Annotated[float, Field(ge=0, le=2)] = 0.0


class Dirt(Strict):
    """Chance per member of one more row with a fault, by kind; 0 switches a kind off.

    Each kind adds its row to every table that can have the fault, so no good row is spoilt.
    """

    null_person: Rate = 0.002
    bad_date: Rate = 0.002
    text_amount: Rate = 0.002
    negative_quantity: Rate = 0.002
    swapped_span: Rate = 0.002
    after_extract: Rate = 0.002
    unknown_state: Rate = 0.002
    bad_ndc: Rate = 0.002
    duplicate: Rate = 0.002


NO_DIRT = Dirt(**dict.fromkeys(Dirt.model_fields, 0.0))


class SynthSpec(Strict):
    """A whole population. Members are numbered from 0; a member does not depend on how many there are.

    ``pool`` is the chance that somebody of 14 or more seeks help with a joint, by therapy or by the programme.
    """

    members: Annotated[int, Field(ge=1, le=10**9)] = 20_000
    employers: Annotated[int, Field(ge=1, le=999)] = 12
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 7
    pool: Rate = 0.57
    cause: Cause = Cause()
    fills: Fills = Fills()
    dirt: Dirt = Dirt()


def checked_spec(values: dict[str, Any]) -> SynthSpec:
    """Read a specification from plain values.

    Raises:
        ConfigError: Every unknown key and every value out of its range, each by its name.
    """
    try:
        return SynthSpec.model_validate(values)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_input=False)
        raise config_error([f"synth: {'.'.join(map(str, f['loc']))}: {f['msg']}" for f in faults]) from None
