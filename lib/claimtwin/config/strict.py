"""The base of every part of a configuration."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Days = Annotated[int, Field(ge=0, le=36_525)]


class Strict(BaseModel):
    """Base of every part of a protocol: unknown keys are errors, values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True)
