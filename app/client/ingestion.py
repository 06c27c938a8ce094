"""Files of this machine into a running service: reads them and sends them in batches.

Reading happens here and not in the service, so that a broken file is named at once and costs the
service nothing; it happens in child processes, as in the service. Nothing is remembered between
runs: the service knows what it has, so a run that was cut off is resumed by running it again.
"""

import os
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import asdict, dataclass, field
from typing import Any

from app.client.files import SourceFile
from deployments.contracts.documents import MAX_TEXT_CHARS, Document, ReadFailure, Upload
from deployments.indexer.cage.limits import ReadingArgs
from deployments.indexer.cage.pool import ReaderPool

_BATCH_DOCUMENTS = 64
_BATCH_CHARS = 128_000
_REQUESTS_IN_FLIGHT = 3
"""Enough that the service always has the next batch; more would only queue there."""

_ONE_AT_A_TIME = ReadingArgs(processes=1)

Send = Callable[[dict[str, Any]], dict[str, Any]]


@dataclass(slots=True)
class Report:
    """What became of everything.

    Attributes:
        failures: Pairs of path and reason.
        warnings: Pairs of path and what of it was not read.
        paths: Those of all documents that were sent.
    """

    added: int = 0
    updated: int = 0
    unchanged: int = 0
    chunk_count: int = 0
    failures: list[tuple[str, str]] = field(default_factory=list)
    warnings: list[tuple[str, str]] = field(default_factory=list)
    paths: set[str] = field(default_factory=set)

    @property
    def documents(self) -> int:
        """Documents that the service has now because of this run or an earlier one."""
        return self.added + self.updated + self.unchanged


@dataclass(slots=True)
class _Batch:
    documents: list[Document] = field(default_factory=list)
    chars: int = 0
    bytes_done: int = 0


def ingest(
    files: Sequence[SourceFile],
    send: Send,
    *,
    metadata: dict[str, str],
    acl: Sequence[str] | None = None,
    on_progress: Callable[[int, Report], None],
    reading: ReadingArgs = _ONE_AT_A_TIME,
) -> Report:
    """Reads and sends files; several batches are on their way at once.

    Args:
        files: What to read, in this order.
        send: Posts a body to `/v1/documents` and returns the answer; called from several threads.
        metadata: Key-values for every document.
        acl: Groups that may read every document; None for what a document had, and all at first.
        reading: How files are read, and what one may cost.
        on_progress: Told how many bytes of the files are done, and what became of them.
    """
    report = Report()
    done_bytes = 0
    sending: dict[Future[dict[str, Any]], _Batch] = {}

    def settle(finished: Iterable[Future[dict[str, Any]]]) -> None:
        nonlocal done_bytes
        for future in finished:
            done_bytes += sending.pop(future).bytes_done
            _add(report, future.result())
            on_progress(done_bytes, report)

    pool = ThreadPoolExecutor(_REQUESTS_IN_FLIGHT, thread_name_prefix="ingest")
    readers = ReaderPool(reading)
    try:
        for batch in _batches(readers, files, metadata, report):
            if len(sending) == _REQUESTS_IN_FLIGHT:
                settle(wait(sending, return_when=FIRST_COMPLETED).done)
            sending[pool.submit(send, _body(batch.documents, acl))] = batch
        while sending:
            settle(wait(sending, return_when=FIRST_COMPLETED).done)
    finally:
        # Nothing is left to wait for, unless this ends in an error: then nobody wants the rest.
        pool.shutdown(wait=False, cancel_futures=True)
        readers.close()
    on_progress(sum(file.size_bytes for file in files), report)
    return report


def _batches(
    readers: ReaderPool, files: Sequence[SourceFile], metadata: dict[str, str], report: Report
) -> Iterator[_Batch]:
    """Yields batches of documents; what cannot be read goes into the report."""
    batch = _Batch()
    for file in files:
        told_bytes = 0
        for item in _read(readers, file, metadata):
            if isinstance(item, ReadFailure):
                report.failures.append((item.path, item.message))
                continue
            chars = sum(len(part.text) for part in item.parts)
            if chars > MAX_TEXT_CHARS:
                reason = f"Its text has {chars} characters; {MAX_TEXT_CHARS} is the most. Split it."
                report.failures.append((item.path, reason))
                continue
            report.paths.add(item.path)
            report.warnings += ((item.path, warning) for warning in item.warnings)
            batch.documents.append(item)
            batch.chars += chars
            # A file of many records advances with its records, by what they roughly weigh.
            share = min(chars, file.size_bytes - told_bytes)
            batch.bytes_done += share
            told_bytes += share
            if len(batch.documents) == _BATCH_DOCUMENTS or batch.chars >= _BATCH_CHARS:
                yield batch
                batch = _Batch()
        batch.bytes_done += file.size_bytes - told_bytes
    if batch.documents:
        yield batch


def _read(
    readers: ReaderPool, file: SourceFile, metadata: dict[str, str]
) -> Iterator[Document | ReadFailure]:
    try:
        content = _content(file)
    except OSError as error:
        yield ReadFailure(file.path, f"It cannot be opened: {error.strerror or error}.")
        return
    yield from readers.read(Upload(file.path, content, metadata))


def _content(file: SourceFile) -> bytes:
    """Returns the bytes of a file that is still a regular one: what has become a pipe since it was
    found would never end.

    Raises:
        OSError: it cannot be read.
    """
    descriptor = os.open(file.file, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as opened:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError("it is no file any more")
        return opened.read()


def _body(documents: Sequence[Document], acl: Sequence[str] | None) -> dict[str, Any]:
    return {"documents": [_input(document, acl) for document in documents]}


def _input(document: Document, acl: Sequence[str] | None) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "id": document.id,
        "path": document.path,
        "title": document.title,
        "parts": [asdict(part) for part in document.parts],
        "metadata": dict(document.metadata),
    }
    # A service that is older than this command knows no fields for what is not the usual.
    if document.markup != "markdown":
        fields["markup"] = document.markup
    if acl is not None:
        fields["acl"] = list(acl)
    return fields


def _add(report: Report, answer: dict[str, Any]) -> None:
    report.added += answer["added"]
    report.updated += answer["updated"]
    report.unchanged += answer["unchanged"]
    for outcome in answer["outcomes"]:
        if outcome["status"] == "failed":
            report.failures.append((outcome["path"], outcome["message"]))
        elif outcome["status"] != "unchanged":
            report.chunk_count += outcome["chunk_count"]
