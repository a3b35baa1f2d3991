"""What every part of a configuration is: unknown keys are errors, values never change."""

from pydantic import BaseModel, ConfigDict


class Strict(BaseModel):
    """Base of every part of a configuration."""

    model_config = ConfigDict(extra="forbid", frozen=True)
