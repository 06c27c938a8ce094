"""What is wrong with the fields of a value that pydantic refused, without the values themselves:
they may be large, or secret, or not even text."""

from collections.abc import Mapping, Sequence
from typing import Any

from deployments.contracts.errors import InvalidRequest, UnsupportedField

MAX_FIELDS = 20
_MAX_ERRORS = 200
"""How many are looked at: each field may have several, one for each form that it may have."""
_MAX_REASONS = 3
_MAX_NAME_CHARS = 64
_OUTSIDE = ("query", "path", "header", "cookie")
"""Where a request has fields beside its body."""
_SAID_PLAINLY = {
    "extra_forbidden": "there is no such field",
    "missing": "it is missing",
}

Path = tuple[str | int, ...]


def field_errors(errors: Sequence[Any], body: object) -> tuple[Mapping[str, object], ...]:
    """Returns one entry per field, up to twenty, by the path that the client wrote.

    Where a value may have several forms, pydantic says of each what it lacks, and puts the form's
    name into the path: those names are left out, and so is what one form says of the whole value
    where another form got further into it.

    Args:
        errors: What pydantic says, as `ValidationError.errors()` returns it.
        body: The value that it refused.
    """
    found: dict[Path, Any] = {}
    for error in errors[:_MAX_ERRORS]:
        found.setdefault(_path(error, body), error)
    deepest = {path for path in found if not any(_is_below(other, path) for other in found)}
    return tuple(
        {
            "field": ".".join(str(part) for part in path) or "body",
            "message": _SAID_PLAINLY.get(error["type"], error["msg"]),
            "type": error["type"],
        }
        for path, error in found.items()
        if path in deepest
    )[:MAX_FIELDS]


def reasons_of(fields: Sequence[Mapping[str, object]]) -> str:
    """Returns the fields with what is wrong with each, for a sentence: many clients show nothing
    else."""
    said = [
        f"{str(field['field'])[:_MAX_NAME_CHARS]} ({_lowered(str(field['message']))})"
        for field in fields[:_MAX_REASONS]
    ]
    rest = len(fields) - len(said)
    return ", ".join([*said, f"and {rest} more"] if rest else said)


def unknown_field(path: str) -> Mapping[str, object]:
    """Returns the entry of a field that there is not."""
    kind = "extra_forbidden"
    return {"field": path, "message": _SAID_PLAINLY[kind], "type": kind}


def unsupported_fields(fields: Sequence[Mapping[str, object]]) -> UnsupportedField:
    """Returns the error that names fields which mean something that is not done here."""
    return UnsupportedField(f"Not supported here: {reasons_of(fields)}.", errors=tuple(fields))


def invalid_fields(errors: Sequence[Any], body: object) -> InvalidRequest:
    """Returns the error that names the fields."""
    fields = field_errors(errors, body)
    return InvalidRequest(f"The request is not valid: {reasons_of(fields)}.", errors=fields)


def _path(error: Mapping[str, Any], body: object) -> Path:
    """Returns where an error is: in a body, names of forms lead nowhere."""
    places = error["loc"]
    if places[:1] and places[0] in _OUTSIDE:
        return tuple(places)
    places = places[places[:1] == ("body",) :]
    value, path = body, []
    for place, part in enumerate(places):
        is_missing = error["type"] == "missing" and place == len(places) - 1
        if _leads_on(value, part):
            value = value[part]  # type: ignore[index]
        elif not is_missing:
            continue
        path.append(part)
    return tuple(path)


def _leads_on(value: object, part: str | int) -> bool:
    if isinstance(value, Mapping):
        return part in value
    return isinstance(value, list) and isinstance(part, int) and part < len(value)


def _is_below(path: Path, other: Path) -> bool:
    return len(path) > len(other) and path[: len(other)] == other


def _lowered(message: str) -> str:
    """Returns a message as a part of a sentence."""
    return message[:1].lower() + message[1:].rstrip(".")
