"""What every part of a configuration is: unknown keys are errors, values never change."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Days = Annotated[int, Field(ge=0, le=36_525)]


class Strict(BaseModel):
    """Base of every part of a configuration."""

    model_config = ConfigDict(extra="forbid", frozen=True)
