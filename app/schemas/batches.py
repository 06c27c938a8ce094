"""Wire forms of `/v1/batches`, in OpenAI's form."""

from typing import Annotated, Any, Literal

from pydantic import Field, JsonValue

from app.schemas.wire import RequestModel, ResponseModel, refused
from deployments.contracts.inputs import bounded

BatchEndpoint = Literal[
    "/v1/chat/completions",
    "/v1/completions",
    "/v1/embeddings",
    "/v1/responses",
    "/v1/query",
    "/v1/search",
    "/v1/rerank",
]
WINDOW = r"^[1-9][0-9]{0,2}[mhd]$"
BATCH_ID = "batch_5d1f0c2a9b7e4c3d8f6a1b2c"
BATCH_FILE_ID = "file-batch-1b2c3d4e5f60718293a4b5c6"
_OUTPUT_ID = "file-batch-output-5d1f0c2a9b7e4c3d8f6a1b2c"
_MetadataValue = Annotated[str, Field(max_length=512)]
BatchMetadata = Annotated[dict[Annotated[str, Field(max_length=64)], _MetadataValue], bounded(16)]


class CreateBatch(RequestModel):
    """A batch of the lines of a file that was uploaded with the purpose `batch`."""

    input_file_id: str = Field(min_length=1, max_length=256, examples=[BATCH_FILE_ID])
    endpoint: BatchEndpoint = Field(description="The path that every line names.")
    completion_window: str = Field(
        pattern=WINDOW,
        description="Time in which lines are answered; those that are not by then are `expired`.",
        examples=["24h"],
    )
    metadata: BatchMetadata | None = Field(default=None, examples=[{"team": "hr"}])
    output_expires_after: Annotated[
        JsonValue, refused("how long results stay is a setting of the service")
    ] = Field(default=None, description="Refused.")


class BatchErrorEntry(ResponseModel):
    """What is wrong with one line of a file that is no batch."""

    code: str = Field(examples=["duplicate_custom_id"])
    message: str
    line: int | None = Field(description="Counted from 1.", examples=[3])
    param: str | None = Field(examples=["custom_id"])


class BatchErrors(ResponseModel):
    """Why a batch failed before its first line."""

    object: Literal["list"] = "list"
    data: list[BatchErrorEntry]


class BatchCounts(ResponseModel):
    """Lines by what became of them."""

    total: int = Field(examples=[3])
    completed: int = Field(examples=[2])
    failed: int = Field(examples=[1])


class BatchObject(ResponseModel):
    """A batch; times are in seconds since 1970."""

    id: str = Field(examples=[BATCH_ID])
    object: Literal["batch"] = "batch"
    endpoint: str = Field(examples=["/v1/query"])
    errors: BatchErrors | None
    input_file_id: str = Field(examples=[BATCH_FILE_ID])
    completion_window: str = Field(examples=["24h"])
    status: Literal[
        "failed", "in_progress", "finalizing", "completed", "expired", "cancelling", "cancelled"
    ]
    output_file_id: str | None = Field(examples=[_OUTPUT_ID])
    error_file_id: str | None
    created_at: int = Field(examples=[1767225600])
    in_progress_at: int | None
    expires_at: int | None
    finalizing_at: int | None
    completed_at: int | None
    failed_at: int | None
    expired_at: int | None
    cancelling_at: int | None
    cancelled_at: int | None
    request_counts: BatchCounts
    metadata: dict[str, str] | None


class LineResponse(ResponseModel):
    """The answer to a line."""

    status_code: int
    request_id: str
    body: dict[str, Any]


class LineFailure(ResponseModel):
    """Why a line has no answer."""

    code: str
    message: str


class BatchLine(ResponseModel):
    """A line of a batch's output: its answer or a problem, or why there is neither."""

    id: str
    custom_id: str
    response: LineResponse | None
    error: LineFailure | None

    @property
    def place(self) -> int:
        """Where its request stood in the input, from 0."""
        return int(self.id.rpartition("_")[2])

    @property
    def failed(self) -> bool:
        """Whether it has no answer."""
        return self.response is None or self.response.status_code >= 400


class BatchList(ResponseModel):
    """A page of batches, newest first."""

    object: Literal["list"] = "list"
    data: list[BatchObject]
    first_id: str | None = Field(examples=[BATCH_ID])
    last_id: str | None = Field(description="`after` of the next page.", examples=[BATCH_ID])
    has_more: bool = Field(examples=[False])
