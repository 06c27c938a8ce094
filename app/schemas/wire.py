"""The base of all wire models, and the problem body that every error has."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from deployments.contracts.inputs import InputModel

UNSUPPORTED = "unsupported_field"
"""The type of an error about a field that means something which is not done here."""


RELEASE_HEADER = "X-Ragserve-Release"
"""Says in an answer who gave it; an operator may also ask for a release by it."""


class RequestModel(InputModel):
    """A body from a client. A field that may be left out may be null, too: typed clients write so
    what they do not set."""

    without_effect: ClassVar[frozenset[str]] = frozenset()
    """Fields that clients send for their own books: accepted, and nothing is left undone."""

    neutral: ClassVar[Mapping[str, Sequence[Any]]] = {}
    """Fields that are accepted where they ask for nothing, and with which values they do."""

    @model_validator(mode="before")
    @classmethod
    def _asks_for_what_it_sets(cls, value: Any) -> Any:
        if not isinstance(value, Mapping) or cls.has_too_many_fields(value):
            return value
        return {name: item for name, item in value.items() if cls._is_set(name, item)}

    @classmethod
    def _is_set(cls, name: str, item: Any) -> bool:
        """Returns whether a field asks for anything."""
        if name in cls.without_effect or item in cls.neutral.get(name, ()):
            return False
        field = cls.model_fields.get(name)
        return item is not None or (field is not None and field.is_required())


class TolerantModel(RequestModel):
    """A body in a form that many clients write: fields that nothing here knows are kept aside, for
    `unknown_fields`."""

    model_config = ConfigDict(extra="allow")


def unsupported(reason: str) -> PydanticCustomError:
    """Returns the error of a field that means something which is not done here, by its reason."""
    return PydanticCustomError(UNSUPPORTED, "{reason}", {"reason": reason})


def refused(reason: str) -> BeforeValidator:
    """Returns the check of a field that would change what is answered, and is not honoured."""

    def check(value: Any) -> Any:
        raise unsupported(reason)

    return BeforeValidator(check)


def unknown_fields(body: BaseModel) -> list[str]:
    """Returns the paths of all fields in a body that its form does not have, in their order."""
    return list(_unknown_in(body, ""))


def _unknown_in(value: object, path: str) -> Iterator[str]:
    if isinstance(value, BaseModel):
        for name, field in type(value).model_fields.items():
            yield from _unknown_in(getattr(value, name), f"{path}{field.alias or name}.")
        for name in value.model_extra or ():
            yield f"{path}{name}"
    elif isinstance(value, list):
        for place, item in enumerate(value):
            if not isinstance(item, str):
                yield from _unknown_in(item, f"{path}{place}.")


class ResponseModel(BaseModel):
    """A body to a client; can be read off a value of the pipeline that has the same fields."""

    model_config = ConfigDict(frozen=True, from_attributes=True)


class FieldProblem(ResponseModel):
    """What is wrong with one field."""

    field: str = Field(description="Where, as a path with dots.", examples=["top_k"])
    message: str = Field(examples=["Input should be greater than or equal to 1"])
    type: str = Field(
        description="A stable word for the kind of error.", examples=["greater_than_equal"]
    )


class OpenAIError(ResponseModel):
    """The same error in the form that OpenAI's clients read."""

    message: str = Field(
        examples=["The request is not valid: top_k (input should be greater than or equal to 1)."]
    )
    type: str = Field(examples=["invalid_request_error"])
    param: str | None = Field(default=None, examples=["top_k"])
    code: str = Field(examples=["invalid_request"])


class Problem(ResponseModel):
    """Every error of the service (RFC 9457), with the same error in OpenAI's form."""

    type: str = Field(
        description="Identifies the kind of problem.",
        examples=["urn:ragserve:problem:invalid_request"],
    )
    title: str = Field(examples=["Invalid request"])
    status: int = Field(examples=[422])
    detail: str = Field(
        description="What to do about it.",
        examples=["The request is not valid: top_k (input should be greater than or equal to 1)."],
    )
    instance: str = Field(description="The path that was asked.", examples=["/v1/query"])
    code: str = Field(description="A stable word to branch on.", examples=["invalid_request"])
    request_id: str = Field(
        description="Quote it when you report the problem.", examples=["3f2a9c"]
    )
    errors: list[FieldProblem] = Field(default_factory=list)
    error: OpenAIError


COST_USD: Any = Field(
    default=None,
    description="US dollars; null where nobody has said what the model costs.",
    examples=[0.000142],
)
"""What an answer cost, in every form of it."""


def problem_responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Returns the OpenAPI entries of those statuses that an endpoint can answer with."""
    return {
        status: {
            "description": _DESCRIPTIONS[status],
            # Not `model`: it would stand under application/json, which no error has.
            "content": {
                "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
            },
        }
        for status in sorted({400, 404, 405, 422, 429, 500, 503, 504, *statuses})
    }


_DESCRIPTIONS = {
    400: "The body cannot be read",
    401: "A key is needed",
    403: "The key does not open this",
    404: "There is no such thing",
    405: "The method is not allowed here",
    409: "What is there already does not allow it",
    413: "The body is too large",
    415: "The media type is not one that is read here",
    422: "The request is against the schema",
    429: "More than the key may ask or spend, or a server behind the service refused",
    500: "A stage failed",
    502: "A server behind the service broke",
    503: "Overloaded or not there at the moment; `Retry-After` says when to come back",
    504: "The time for the request was used up",
}
