"""Messages of protobuf and the forms that the HTTP API has on the wire: fields of the same names.

What a client sends is checked by the same forms, so there is one set of bounds.
"""

from collections.abc import Mapping
from typing import Any, TypeVar

from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.message import Message
from pydantic import BaseModel, TypeAdapter, ValidationError

from app.rpc.timeouts import FIELD
from app.schemas.wire import UNSUPPORTED
from deployments.contracts.errors import RagError
from deployments.contracts.field_errors import field_errors, invalid_fields, unsupported_fields

F = TypeVar("F", bound=BaseModel)
M = TypeVar("M", bound=Message)
T = TypeVar("T")


def fields_of(message: Message) -> dict[str, Any]:
    """Returns what a message sets, as the JSON body of the HTTP API would say it."""
    fields: dict[str, Any] = MessageToDict(message, preserving_proto_field_name=True)
    return fields


def form_of(form: type[F], message: Message) -> F:
    """Returns a message as the form that the HTTP API takes.

    Raises:
        InvalidRequest, UnsupportedField: it is against the schema; names the fields.
    """
    fields = fields_of(message)
    fields.pop(FIELD, None)
    try:
        return form.model_validate(fields)
    except ValidationError as error:
        raise refusal_of(error, fields) from error


def value_of(adapter: TypeAdapter[T], value: object, *, field: str) -> T:
    """Returns a single field as the HTTP API takes it.

    Raises:
        InvalidRequest: it is against the schema.
    """
    try:
        return adapter.validate_python(value)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        raise invalid_fields([{**one, "loc": (field,)} for one in found], {field: ""}) from error


def refusal_of(error: ValidationError, fields: Mapping[str, Any]) -> RagError:
    """Returns the error that a form's refusal is told by."""
    found = field_errors(error.errors(include_url=False, include_input=False), dict(fields))
    if any(field["type"] == UNSUPPORTED for field in found):
        return unsupported_fields(found)
    return invalid_fields(error.errors(include_url=False, include_input=False), dict(fields))


def message_of(made: type[M], body: BaseModel) -> M:
    """Returns a form of the HTTP API as a message; what is null is not set."""
    return parsed(made, body.model_dump(mode="json", exclude_none=True))


def parsed(made: type[M], fields: Mapping[str, Any]) -> M:
    """Returns fields as a message."""
    message: M = ParseDict(fields, made())
    return message
