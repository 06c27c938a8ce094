"""Files and texts on their way into the index, in requests of a good size."""

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Required, TypedDict

from app.client import calls
from app.client.calls import Call
from app.schemas.documents import DocumentsResponse

_BATCH_FILES = 64
_BATCH_BYTES = 8 * 2**20
_BATCH_TEXTS = 64
_BATCH_CHARS = 128_000

Scalar = str | int | float | bool
File = str | os.PathLike[str] | tuple[str, bytes]
"""A path, or a name with the bytes that go by it."""


class TextDocument(TypedDict, total=False):
    """A document as text; the fields of `deployments.indexer.json_documents.DocumentInput`."""

    text: Required[str]
    id: str
    path: str
    title: str
    markup: Literal["markdown", "plain"]
    metadata: Mapping[str, Scalar]
    acl: Sequence[str] | None


@dataclass(frozen=True, slots=True)
class UploadProgress:
    """How far an upload is.

    Attributes:
        files: How many files the service has answered for.
        files_total: How many there are.
        bytes: Size of those that it has answered for.
        bytes_total: Size of all.
    """

    files: int
    files_total: int
    bytes: int
    bytes_total: int


OnProgress = Callable[[UploadProgress], None]


@dataclass(slots=True)
class Upload:
    """Files that are being sent, one request after the other.

    Args:
        files: What to send.
        metadata: Key-values of every file.
        acl: Groups that may read every file; None for what a document had, and all at first.
        on_progress: Told after each request.

    Raises:
        OSError: a file is not there.
    """

    files: Sequence[File]
    metadata: Mapping[str, Scalar] | None
    acl: Sequence[str] | None
    on_progress: OnProgress | None
    _sizes: list[int] = field(init=False)
    _answers: list[DocumentsResponse] = field(init=False, default_factory=list)
    _sent: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        self._sizes = [
            len(file[1]) if isinstance(file, tuple) else os.path.getsize(file)
            for file in self.files
        ]

    def calls(self) -> Iterator[Call[DocumentsResponse]]:
        """Yields the requests; files are read as they are needed."""
        given = {"metadata": self.metadata, "acl": self.acl}
        form = {name: json.dumps(value) for name, value in given.items() if value is not None}
        batch: list[tuple[str, bytes]] = []
        held_bytes = 0
        for file, size in zip(self.files, self._sizes, strict=True):
            if batch and (len(batch) == _BATCH_FILES or held_bytes + size > _BATCH_BYTES):
                yield calls.add_files(batch, form)
                batch, held_bytes = [], 0
            batch.append(content_of(file))
            held_bytes += size
        if batch:
            yield calls.add_files(batch, form)

    def note(self, call: Call[DocumentsResponse], answer: DocumentsResponse) -> None:
        """Takes the answer to a request, and tells how far the upload is."""
        self._answers.append(answer)
        self._sent += len(call.files)
        if self.on_progress is not None:
            done_bytes = sum(self._sizes[: self._sent])
            self.on_progress(
                UploadProgress(self._sent, len(self.files), done_bytes, sum(self._sizes))
            )

    def answer(self) -> DocumentsResponse:
        """Returns the answers as one."""
        return merged(self._answers)


def text_calls(documents: Iterable[str | TextDocument]) -> Iterator[Call[DocumentsResponse]]:
    """Yields the requests that write texts."""
    batch: list[Mapping[str, Any]] = []
    chars = 0
    for document in documents:
        batch.append({"text": document} if isinstance(document, str) else document)
        chars += len(batch[-1]["text"])
        if len(batch) == _BATCH_TEXTS or chars >= _BATCH_CHARS:
            yield calls.add_documents(batch)
            batch, chars = [], 0
    if batch:
        yield calls.add_documents(batch)


def merged(answers: Sequence[DocumentsResponse]) -> DocumentsResponse:
    """Returns several answers as one."""
    return DocumentsResponse(
        outcomes=[outcome for answer in answers for outcome in answer.outcomes],
        added=sum(answer.added for answer in answers),
        updated=sum(answer.updated for answer in answers),
        unchanged=sum(answer.unchanged for answer in answers),
        failed=sum(answer.failed for answer in answers),
    )


def content_of(file: File) -> tuple[str, bytes]:
    """Returns the name and the bytes of a file; raises OSError where it cannot be read."""
    if isinstance(file, tuple):
        return file
    return Path(file).as_posix(), Path(file).read_bytes()
