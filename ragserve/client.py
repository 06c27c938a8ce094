"""A client of ragserve: `Client` blocks, `AsyncClient` does not, and both say the same.

>>> from ragserve.client import Client
>>> Client("http://127.0.0.1:8000").close()
"""

from app.client.api_errors import (
    ApiConnectionError,
    ApiError,
    ApiStatusError,
    ApiTimeoutError,
    AuthenticationError,
    BadRequestError,
    ConflictError,
    DeadlineError,
    NotFoundError,
    NotOverGrpcError,
    OverloadedError,
    PermissionDeniedError,
    RateLimitError,
    Refusal,
    RequestTooLargeError,
    ServerError,
    UnavailableError,
    UnexpectedResponseError,
    UnprocessableError,
)
from app.client.async_client import AsyncClient
from app.client.calls import (
    BatchQuestion,
    FeedbackOptions,
    QueryOptions,
    SearchOptions,
    TurnOptions,
    UsageOptions,
)
from app.client.client import Client
from app.client.retries import Retries, RetryBudget
from app.client.stream_events import StreamEvent
from app.client.uploads import TextDocument, UploadProgress
from app.schemas.answers import (
    BatchItem,
    BatchResponse,
    Citation,
    DeltaEvent,
    QueryResponse,
    SearchResponse,
    Source,
    SourcesEvent,
    Timings,
    Usage,
)
from app.schemas.batches import BatchLine, BatchObject
from app.schemas.documents import DeletedDocument, DocumentInfo, DocumentsResponse, Outcome
from app.schemas.feedback import FeedbackInfo
from app.schemas.health import Dependency, Liveness, Readiness
from app.schemas.models import (
    EmbeddedText,
    EmbeddingsResponse,
    Model,
    RerankResponse,
    RerankResult,
)
from app.schemas.usage import UsageFigures, UsageGroup, UsageReport
from app.schemas.wire import FieldProblem, Problem

__all__ = [
    "ApiConnectionError",
    "ApiError",
    "ApiStatusError",
    "ApiTimeoutError",
    "AsyncClient",
    "AuthenticationError",
    "BadRequestError",
    "BatchItem",
    "BatchLine",
    "BatchObject",
    "BatchQuestion",
    "BatchResponse",
    "Citation",
    "Client",
    "ConflictError",
    "DeadlineError",
    "DeletedDocument",
    "DeltaEvent",
    "Dependency",
    "DocumentInfo",
    "DocumentsResponse",
    "EmbeddedText",
    "EmbeddingsResponse",
    "FeedbackInfo",
    "FeedbackOptions",
    "FieldProblem",
    "Liveness",
    "Model",
    "NotFoundError",
    "NotOverGrpcError",
    "Outcome",
    "OverloadedError",
    "PermissionDeniedError",
    "Problem",
    "QueryOptions",
    "QueryResponse",
    "RateLimitError",
    "Readiness",
    "Refusal",
    "RequestTooLargeError",
    "RerankResponse",
    "RerankResult",
    "Retries",
    "RetryBudget",
    "SearchOptions",
    "SearchResponse",
    "ServerError",
    "Source",
    "SourcesEvent",
    "StreamEvent",
    "TextDocument",
    "Timings",
    "TurnOptions",
    "UnavailableError",
    "UnexpectedResponseError",
    "UnprocessableError",
    "UploadProgress",
    "Usage",
    "UsageFigures",
    "UsageGroup",
    "UsageOptions",
    "UsageReport",
]
