"""What every part of a configuration is: unknown keys are errors, values never change."""

from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, SerializerFunctionWrapHandler, model_serializer

Days = Annotated[int, Field(ge=0, le=36_525)]


class Strict(BaseModel):
    """Base of every part of a configuration.

    ``LATER`` names keys that came after studies had been run: at its default such a key is not written out, so that
    a study that does not use it keeps its fingerprint and its results.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    LATER: ClassVar[tuple[str, ...]] = ()

    @model_serializer(mode="wrap")
    def _written(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        told: dict[str, Any] = write(self)
        for name in self.LATER:
            if getattr(self, name) == type(self).model_fields[name].get_default(call_default_factory=True):
                told.pop(name, None)
        return told
