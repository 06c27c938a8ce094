"""What may go wrong between a program and the service, one class for each thing that it may do.

ApiError
├ UnexpectedResponseError     what answers is not ragserve, or speaks another version of its API
├ NotOverGrpcError            the call goes over HTTP alone, and the address is one of gRPC
├ ApiConnectionError          no connection, or the answer broke off
│ └ ApiTimeoutError           nothing came in time
└ ApiStatusError              the service refused, and said why
  ├ BadRequestError           400
  ├ AuthenticationError       401
  ├ PermissionDeniedError     403
  ├ NotFoundError             404
  ├ ConflictError             409
  ├ RequestTooLargeError      413
  ├ UnprocessableError        422
  ├ RateLimitError            429
  └ ServerError               500 and above
    ├ UnavailableError        502, 503: a stage is not there
    │ └ OverloadedError       503 with the code `overloaded`: a queue is full
    └ DeadlineError           504: the time of the request was used up
"""

from dataclasses import dataclass

from app.schemas.wire import FieldProblem


@dataclass(frozen=True, slots=True)
class Refusal:
    """What the service said when it refused.

    Attributes:
        status: The HTTP status.
        detail: What to do about it, a sentence for people.
        code: A stable word to branch on; empty where what answered is not ragserve.
        param: The first field that is wrong, None where no field is.
        fields: Every field that is wrong.
        request_id: To quote to the operators; empty where nothing is known.
        retry_after_s: Seconds after which a repetition is worth it, None where nothing is known.
    """

    status: int
    detail: str
    code: str = ""
    param: str | None = None
    fields: tuple[FieldProblem, ...] = ()
    request_id: str = ""
    retry_after_s: float | None = None


class ApiError(Exception):
    """A call that has no answer."""


class UnexpectedResponseError(ApiError):
    """An answer that cannot be read."""


class NotOverGrpcError(ApiError):
    """A call that goes over HTTP alone, of a client whose address is one of gRPC."""


class ApiConnectionError(ApiError):
    """The service could not be reached, or its answer broke off.

    Args:
        message: What happened.
        was_sent: Whether the service may have seen the request.
    """

    def __init__(self, message: str, was_sent: bool = True) -> None:
        super().__init__(message, was_sent)
        self.message = message
        self.was_sent = was_sent

    def __str__(self) -> str:
        return self.message


class ApiTimeoutError(ApiConnectionError):
    """The service did not answer in time."""


class ApiStatusError(ApiError):
    """An answer with the status of an error.

    Args:
        refusal: What the service said; its fields are attributes of this error as well.
    """

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal)
        self.refusal = refusal

    def __str__(self) -> str:
        request = f" (request {self.request_id})" if self.request_id else ""
        return f"{self.detail}{request}"

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self.refusal.status

    @property
    def detail(self) -> str:
        """What to do about it, a sentence for people."""
        return self.refusal.detail

    @property
    def code(self) -> str:
        """A stable word to branch on; empty where what answered is not ragserve."""
        return self.refusal.code

    @property
    def param(self) -> str | None:
        """The first field that is wrong, None where no field is."""
        return self.refusal.param

    @property
    def fields(self) -> tuple[FieldProblem, ...]:
        """Every field that is wrong."""
        return self.refusal.fields

    @property
    def request_id(self) -> str:
        """To quote to the operators; empty where nothing is known."""
        return self.refusal.request_id

    @property
    def retry_after_s(self) -> float | None:
        """Seconds after which a repetition is worth it, None where nothing is known."""
        return self.refusal.retry_after_s


class BadRequestError(ApiStatusError):
    """400: the body cannot be read, or asks for what the model cannot do."""


class AuthenticationError(ApiStatusError):
    """401: a key is needed."""


class PermissionDeniedError(ApiStatusError):
    """403: the key does not open this."""


class NotFoundError(ApiStatusError):
    """404: there is no such document, model or path."""


class ConflictError(ApiStatusError):
    """409: what is there already does not allow it."""


class RequestTooLargeError(ApiStatusError):
    """413: the body is over its bound."""


class UnprocessableError(ApiStatusError):
    """422: a field is against the schema."""


class RateLimitError(ApiStatusError):
    """429: a model server behind the service refused by its own limit."""


class ServerError(ApiStatusError):
    """500 and above: the service is at fault."""


class UnavailableError(ServerError):
    """502 or 503: a stage, or what stands behind it, does not answer at the moment."""


class OverloadedError(UnavailableError):
    """503: a queue is full; nothing was done."""


class DeadlineError(ServerError):
    """504: the time of the request was used up."""


_OF_STATUS: dict[int, type[ApiStatusError]] = {
    400: BadRequestError,
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
    409: ConflictError,
    413: RequestTooLargeError,
    422: UnprocessableError,
    429: RateLimitError,
    502: UnavailableError,
    503: UnavailableError,
    504: DeadlineError,
}


def status_error(refusal: Refusal) -> ApiStatusError:
    """Returns the error of a refusal, of the narrowest class."""
    if refusal.code == "overloaded":
        return OverloadedError(refusal)
    general = ServerError if refusal.status >= 500 else ApiStatusError
    return _OF_STATUS.get(refusal.status, general)(refusal)
