"""What the gateway asks of the keeper of batches, and what it is told: values that cross a process
border, without a framework.

A line is worked on under a lease. A lease has a number, `attempt`; what comes back under another
number than the latest one is not taken, so that a line that ran twice has one result.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

from deployments.contracts.calls import CallContext
from deployments.contracts.tenants import Erased

if TYPE_CHECKING:
    from deployments.batches.ingestion import IngestionRequest, SourceStatus

BatchStatus = Literal[
    "failed", "in_progress", "completed", "expired", "cancelling", "cancelled", "finalizing"
]
"""OpenAI's words. Nothing is `validating` here: a file is read before the batch is answered."""
BatchKind = Literal["requests", "ingestions"]
"""What the lines of a batch are; see `ingestion` for the second."""
FilePurpose = Literal["batch", "batch_output"]
FILE_PREFIX = "file-batch-"
"""What the ids of all files of batches begin with, and those of documents do not."""
ENDPOINTS = (
    "/v1/chat/completions",
    "/v1/completions",
    "/v1/embeddings",
    "/v1/responses",
    "/v1/query",
    "/v1/search",
    "/v1/rerank",
)
"""Paths that a line may name."""


@dataclass(frozen=True, slots=True)
class KeptFile:
    """A file of a batch.

    Attributes:
        owner: Whose it is; see `owners`.
    """

    id: str
    purpose: FilePurpose
    filename: str
    size_bytes: int
    created_s: float
    owner: str = ""


@dataclass(frozen=True, slots=True)
class FilePiece:
    """A part of a file's bytes, and where the next one begins; None after the last."""

    content: bytes
    next_place: int | None


@dataclass(frozen=True, slots=True)
class Submitter:
    """Whose batch it is: its lines run as if they were this caller's requests.

    Attributes:
        owner: Whose it is; see `owners`.
        release: The release that an operator asked for.
        groups: Groups whose documents it reads; None for all of its tenant.
        trace_wish: What the caller wants of traces, as `RequestNotes.trace_wish`.
    """

    owner: str = ""
    release: str | None = None
    trace_wish: str = ""
    groups: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class BatchRequest:
    """A batch to begin.

    Attributes:
        endpoint: The path that its lines name; empty for that of the first line.
        window: Time that it has, as the caller wrote it.
        window_s: The same in seconds.
    """

    input_file_id: str
    endpoint: str
    window: str
    window_s: float
    submitter: Submitter
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LineError:
    """Why a file is no batch; `line` counts from 1."""

    code: str
    message: str
    line: int | None = None
    param: str | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch as it is at this moment; times are in seconds since the epoch.

    Attributes:
        reached_s: When each status was reached.
        completed: Lines that were answered.
        failed: Lines that have a problem.
    """

    id: str
    status: BatchStatus
    endpoint: str
    input_file_id: str
    window: str
    created_s: float
    expires_s: float
    owner: str
    total: int
    completed: int
    failed: int
    output_file_id: str | None = None
    error_file_id: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    errors: tuple[LineError, ...] = ()
    reached_s: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LineKey:
    """A line and the number of the lease that it is worked on under; `place` counts from 0."""

    batch_id: str
    place: int
    attempt: int


@dataclass(frozen=True, slots=True)
class Line:
    """A line to work on.

    Attributes:
        body: JSON.
        tries: How often it was put off before.
    """

    key: LineKey
    custom_id: str
    url: str
    body: str
    submitter: Submitter
    tries: int = 0


@dataclass(frozen=True, slots=True)
class LineResult:
    """What came of a line: the text of its line in the output, without an end, and whether it is a
    problem."""

    key: LineKey
    content: str
    failed: bool


@dataclass(frozen=True, slots=True)
class PutOff:
    """A line that cannot be answered now: anybody may try it again after so many seconds."""

    key: LineKey
    after_s: float


@dataclass(frozen=True, slots=True)
class WorkReport:
    """What a runner tells about once a second while it has work: it may be sent again.

    Attributes:
        runner: Names the process.
        held: Lines that it has; those that it was given and does not name are free again.
        wants: How many more it can take.
    """

    runner: str
    held: Sequence[LineKey] = ()
    results: Sequence[LineResult] = ()
    put_off: Sequence[PutOff] = ()
    wants: int = 0


@dataclass(frozen=True, slots=True)
class Work:
    """What a runner is told: more lines, and which of those that it has are not its own any
    more."""

    lines: Sequence[Line] = ()
    lost: Sequence[LineKey] = ()


def line_id(batch_id: str, place: int) -> str:
    """Returns what a line is called in the output, and its request everywhere else.

    >>> line_id("batch_1f", 7)
    'batch_req_1f_7'
    """
    return f"batch_req_{batch_id.removeprefix('batch_')}_{place}"


class BatchStage(Protocol):
    """Keeps batches. `owner` is whose things are looked for, None for everybody's.

    All of it raises Unavailable where the database does not answer.
    """

    async def describe(self, *, call: CallContext) -> dict[str, object]:
        """Returns that the database answers."""
        ...

    async def keep_file(
        self, filename: str, content: bytes, *, owner: str, call: CallContext
    ) -> KeptFile:
        """Keeps a file of lines; the same bytes under the same name are the same file.

        Raises:
            RequestTooLarge, Conflict: it is over the bound of a file, or of all of them.
        """
        ...

    async def file(self, file_id: str, *, owner: str | None, call: CallContext) -> KeptFile:
        """Returns a file, or raises NotFound."""
        ...

    async def files(
        self,
        purpose: FilePurpose | None,
        *,
        after: str | None,
        limit: int,
        owner: str | None,
        call: CallContext,
    ) -> Sequence[KeptFile]:
        """Returns files after another one in order of arrival; raises NotFound where that is
        gone."""
        ...

    async def read_file(
        self, file_id: str, place: int, *, owner: str | None, call: CallContext
    ) -> FilePiece:
        """Returns the bytes from a place on, some at a time; raises NotFound."""
        ...

    async def delete_file(self, file_id: str, *, owner: str | None, call: CallContext) -> None:
        """Removes a file and what it holds, or raises NotFound."""
        ...

    async def create(self, request: BatchRequest, *, call: CallContext) -> Batch:
        """Begins a batch; one whose file is no batch has the status `failed`, and says why.

        Raises:
            NotFound, Conflict: there is no such file, or too many batches are open.
        """
        ...

    async def batch(self, batch_id: str, *, owner: str | None, call: CallContext) -> Batch:
        """Returns a batch, or raises NotFound."""
        ...

    async def batches(
        self,
        kind: BatchKind,
        *,
        after: str | None,
        limit: int,
        owner: str | None,
        call: CallContext,
    ) -> Sequence[Batch]:
        """Returns batches of a kind, newest first; raises NotFound where `after` is none."""
        ...

    async def begin_ingestion(self, request: "IngestionRequest", *, call: CallContext) -> Batch:
        """Begins an ingestion.

        Raises:
            MalformedRequest, InvalidRequest: its body has no documents, or there are too many.
            Conflict: too many batches are open, or there is no room for what it brings.
        """
        ...

    async def sources(
        self, ingestion_id: str, *, after: int, limit: int, owner: str | None, call: CallContext
    ) -> Sequence["SourceStatus"]:
        """Returns documents of an ingestion from the place after another one on, each as it is
        now; -1 is before the first. Raises NotFound."""
        ...

    async def cancel(self, batch_id: str, *, owner: str | None, call: CallContext) -> Batch:
        """Has no further line begun; raises NotFound, or Conflict where the batch has ended."""
        ...

    async def erase_tenant(self, tenant: str, *, call: CallContext) -> Erased:
        """Removes some of the files and batches of a tenant, with their lines and results; repeat
        it until it is done.

        Raises:
            Forbidden: the call does not reach all tenants.
        """
        ...

    async def exchange(self, report: WorkReport, *, call: CallContext) -> Work:
        """Takes what became of lines, each once, and gives out more."""
        ...
