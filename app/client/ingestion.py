"""Files of this machine into a running service: finds them, reads them, sends them in batches.

Reading happens here and not in the service, so that a broken file is named at once and costs the
service nothing. Nothing is remembered between runs: the service knows what it has, so a run that
was cut off is resumed by running it again.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from deployments.contracts.documents import MAX_TEXT_CHARS, Document, ReadFailure, Upload
from deployments.indexer.documents import is_readable_name, read_documents

_BATCH_DOCUMENTS = 64
_BATCH_CHARS = 128_000
_REQUESTS_IN_FLIGHT = 3
"""Enough that the service always has the next batch; more would only queue there."""
_SKIPPED_FOLDERS = frozenset({"node_modules", "__pycache__"})

Send = Callable[[dict[str, Any]], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file to read, and the path under which the index will know it."""

    file: Path
    path: str
    size_bytes: int


@dataclass(slots=True)
class Report:
    """What became of everything; `failures` are pairs of path and reason."""

    added: int = 0
    updated: int = 0
    unchanged: int = 0
    chunk_count: int = 0
    failures: list[tuple[str, str]] = field(default_factory=list)

    @property
    def documents(self) -> int:
        """Documents that the service has now because of this run or an earlier one."""
        return self.added + self.updated + self.unchanged


@dataclass(slots=True)
class _Batch:
    documents: list[Document] = field(default_factory=list)
    chars: int = 0
    bytes_done: int = 0


def find_files(paths: Iterable[Path], *, root: Path | None) -> Iterator[SourceFile | ReadFailure]:
    """Yields the files below the given paths, each once and sorted; hidden files and folders are
    left out.

    In a folder, files that no converter reads are passed over; one that was named itself is a
    failure. A path is absolute, or relative to `root` when there is one: then another machine, with
    its files elsewhere, gives the same documents the same ids.
    """
    seen: set[str] = set()
    for given in paths:
        if not given.exists():
            yield ReadFailure(str(given), "There is no such file or folder.")
            continue
        for file in _files_below(given) if given.is_dir() else [given]:
            try:
                found = _source_file(file, root)
            except OSError as error:  # a link to nothing, or a file that went away meanwhile
                yield ReadFailure(str(file), f"It cannot be opened: {error.strerror}.")
                continue
            if found.path not in seen:
                seen.add(found.path)
                yield found


def ingest(
    files: Sequence[SourceFile],
    send: Send,
    *,
    metadata: dict[str, str],
    on_progress: Callable[[int, Report], None],
) -> Report:
    """Reads and sends files; several batches are on their way at once.

    Args:
        files: What to read, in this order.
        send: Posts a body to `/v1/documents` and returns the answer; called from several threads.
        metadata: Key-values for every document.
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
    try:
        for batch in _batches(files, metadata, report):
            if len(sending) == _REQUESTS_IN_FLIGHT:
                settle(wait(sending, return_when=FIRST_COMPLETED).done)
            sending[pool.submit(send, _body(batch.documents))] = batch
        while sending:
            settle(wait(sending, return_when=FIRST_COMPLETED).done)
    finally:
        # Nothing is left to wait for, unless this ends in an error: then nobody wants the rest.
        pool.shutdown(wait=False, cancel_futures=True)
    on_progress(sum(file.size_bytes for file in files), report)
    return report


def _files_below(given: Path) -> Iterator[Path]:
    for folder, folders, names in os.walk(given):
        folders[:] = sorted(
            name for name in folders if not name.startswith(".") and name not in _SKIPPED_FOLDERS
        )
        for name in sorted(names):
            if not name.startswith(".") and is_readable_name(name):
                yield Path(folder) / name


def _source_file(file: Path, root: Path | None) -> SourceFile:
    absolute = file.resolve()
    path = absolute.as_posix()
    if root is not None and absolute.is_relative_to(root.resolve()):
        path = absolute.relative_to(root.resolve()).as_posix()
    return SourceFile(absolute, path, absolute.stat().st_size)


def _batches(
    files: Sequence[SourceFile], metadata: dict[str, str], report: Report
) -> Iterator[_Batch]:
    """Yields batches of documents; what cannot be read goes into the report."""
    batch = _Batch()
    for file in files:
        told_bytes = 0
        for item in _read(file, metadata):
            if isinstance(item, ReadFailure):
                report.failures.append((item.path, item.message))
                continue
            chars = sum(len(part.text) for part in item.parts)
            if chars > MAX_TEXT_CHARS:
                reason = f"Its text has {chars} characters; {MAX_TEXT_CHARS} is the most. Split it."
                report.failures.append((item.path, reason))
                continue
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


def _read(file: SourceFile, metadata: dict[str, str]) -> Iterator[Document | ReadFailure]:
    try:
        content = file.file.read_bytes()
    except OSError as error:
        yield ReadFailure(file.path, f"It cannot be opened: {error.strerror}.")
        return
    yield from read_documents(Upload(file.path, content, metadata))


def _body(documents: Sequence[Document]) -> dict[str, Any]:
    return {"documents": [_input(document) for document in documents]}


def _input(document: Document) -> dict[str, Any]:
    fields = {
        "id": document.id,
        "path": document.path,
        "title": document.title,
        "parts": [asdict(part) for part in document.parts],
        "metadata": dict(document.metadata),
    }
    # A service that is older than this command knows no other, and no field for it.
    return fields if document.markup == "markdown" else fields | {"markup": document.markup}


def _add(report: Report, answer: dict[str, Any]) -> None:
    report.added += answer["added"]
    report.updated += answer["updated"]
    report.unchanged += answer["unchanged"]
    for outcome in answer["outcomes"]:
        if outcome["status"] == "failed":
            report.failures.append((outcome["path"], outcome["message"]))
        elif outcome["status"] != "unchanged":
            report.chunk_count += outcome["chunk_count"]
