"""OpenAI's form of a metadata filter: comparisons of attributes, joined with `and` and `or`."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from app.schemas.wire import RequestModel
from deployments.contracts.filters import MAX_CONDITIONS, MAX_DEPTH
from deployments.contracts.inputs import Items

AttributeKey = Annotated[str, Field(min_length=1, max_length=256, pattern=r"^[^$#]")]
AttributeText = Annotated[str, Field(max_length=4096)]
AttributeValue = AttributeText | bool | int | float


class Comparison(RequestModel):
    """One attribute, held against a value or a list of values."""

    type: Literal["eq", "ne", "gt", "gte", "lt", "lte", "in", "nin"] = Field(examples=["eq"])
    key: AttributeKey = Field(examples=["team"])
    value: AttributeValue | Items[AttributeValue] = Field(examples=["platform"])

    def where(self) -> dict[str, Any]:
        """Returns the filter in the store's language."""
        return {self.key: {f"${self.type}": self.value}}


class Compound(RequestModel):
    """Filters of which all must hold, or one."""

    type: Literal["and", "or"] = Field(examples=["and"])
    filters: "Annotated[Items[_Filter], Field(min_length=1)]"

    def where(self) -> dict[str, Any]:
        """Returns the filter in the store's language, in which one alone is not joined."""
        parts = [part.where() for part in self.filters]
        return parts[0] if len(parts) == 1 else {f"${self.type}": parts}


_Filter = Annotated[Comparison | Compound, Field(discriminator="type")]
Compound.model_rebuild()


def _is_small(value: Any) -> Any:
    """Walks level by level, and never further than the bounds: what is checked after it goes as
    deep as the filter."""
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [inner for part in level for inner in _parts_of(part)]
        if len(level) > MAX_CONDITIONS:
            raise ValueError(f"may have {MAX_CONDITIONS} conditions at most")
        if not level:
            return value
    raise ValueError(f"may be {MAX_DEPTH} levels deep at most")


def _parts_of(value: Any) -> list[Any]:
    parts = value.get("filters") if isinstance(value, Mapping) else None
    return parts if isinstance(parts, list) else []


AttributeFilter = Annotated[_Filter, BeforeValidator(_is_small)]
