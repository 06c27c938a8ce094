"""What is wrong with the fields of a value that pydantic refused, without the values themselves:
they may be large, or secret, or not even text."""

from collections.abc import Mapping, Sequence
from typing import Any

from deployments.contracts.errors import InvalidRequest

_MAX_FIELDS = 20
_MAX_NAME_CHARS = 64


def field_errors(errors: Sequence[Any]) -> tuple[Mapping[str, object], ...]:
    """Returns one entry per field, up to twenty; the first element of a place that is `body` is
    left out.

    Args:
        errors: What pydantic says, as `ValidationError.errors()` returns it.
    """
    return tuple(
        {
            "field": ".".join(str(part) for part in error["loc"] if part != "body") or "body",
            "message": error["msg"],
            "type": error["type"],
        }
        for error in errors[:_MAX_FIELDS]
    )


def names_of(fields: Sequence[Mapping[str, object]]) -> str:
    """Returns the names of the fields, each once, for a sentence."""
    return ", ".join(dict.fromkeys(str(field["field"])[:_MAX_NAME_CHARS] for field in fields))


def invalid_fields(errors: Sequence[Any]) -> InvalidRequest:
    """Returns the error that names the fields."""
    fields = field_errors(errors)
    return InvalidRequest(f"The request is not valid: {names_of(fields)}.", errors=fields)
