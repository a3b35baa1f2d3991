"""What all parts of the two files have in common."""

from pydantic import BaseModel, ConfigDict


class Strict(BaseModel):
    """Base of every part of a protocol: unknown keys are errors, values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True)
