"""What every body from a client is made of: models of which a wrong body gives few errors.

How many errors there can be must not grow with the body, as each of them takes time and memory.
"""

from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

_MAX_UNKNOWN = 40

T = TypeVar("T")
Items = Annotated[list[T], Field(fail_fast=True)]
"""A list of which the first bad item ends the check."""


class InputModel(BaseModel):
    """A value from a client: an unknown field is an error by name, never ignored in silence.
    Lists in it are `Items`, mappings `bounded`."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=False)

    @model_validator(mode="before")
    @classmethod
    def _has_few_unknown_fields(cls, value: Any) -> Any:
        if isinstance(value, Mapping) and cls.has_too_many_fields(value):
            raise PydanticCustomError("too_many_fields", "There are too many fields")
        return value

    @classmethod
    def has_too_many_fields(cls, value: Mapping[str, Any]) -> bool:
        """Returns whether a value has more fields than anybody sends by mistake."""
        return len(value) > len(cls.model_fields) + _MAX_UNKNOWN


def bounded(max_items: int) -> BeforeValidator:
    """Returns the check that a mapping is small, before anything of it is looked at."""

    def check(value: Any) -> Any:
        if isinstance(value, Mapping) and len(value) > max_items:
            raise PydanticCustomError(
                "too_long",
                "There may be {max_items} entries at most",
                {"max_items": max_items},
            )
        return value

    return BeforeValidator(check)
