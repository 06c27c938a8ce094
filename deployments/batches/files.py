"""The files of batches in a database: those that were sent, and the results as files.

A file of results has no bytes of its own: it is read off the results, in the order of the lines.
"""

import hashlib
from collections.abc import Iterator
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from deployments.batches.contract import FILE_PREFIX, FilePiece, FilePurpose, KeptFile
from deployments.batches.owners import is_owned, owned_by
from deployments.batches.records import file_of
from deployments.batches.tables import BatchRow, FileRow, PieceRow, ResultRow
from deployments.contracts.errors import Conflict, NotFound, RequestTooLarge
from deployments.control.config import BatchArgs
from deployments.control.stored import Stored

_PIECE_BYTES = 2**20
_READ_BYTES = 2 * 2**20
"""Bytes that are read at once, where a single line is not more."""
_READ_LINES = 200
_ID_DIGITS = 24
_OF_INGESTION = "ingestion"
"""Purpose of a file that nobody but who reads its documents sees."""
_MAX_NAME_CHARS = 256


class FileStore(Stored):
    """Keeps files.

    Args:
        url: See `Stored`.
        args: The bounds.
    """

    def __init__(self, url: str, args: BatchArgs) -> None:
        super().__init__(url)
        self._args = args

    def keep(self, filename: str, content: bytes, *, owner: str, now_s: float) -> KeptFile:
        """See `BatchStage.keep_file`."""
        if len(content) > self._args.max_file_bytes:
            raise RequestTooLarge(
                f"The file has {len(content)} bytes; {self._args.max_file_bytes} is the most."
            )
        name = plain(filename, _MAX_NAME_CHARS) or "batch.jsonl"
        file_id = _file_id(name, content, owner)
        with self._writing() as session:
            known = session.scalar(select(FileRow).where(FileRow.id == file_id))
            if known is not None:
                return file_of(known)
            self._require_room(session, len(content))
            row = FileRow(
                id=file_id,
                purpose="batch",
                filename=name,
                size_bytes=len(content),
                created_s=now_s,
                owner=owner,
            )
            session.add(row)
            session.add_all(PieceRow(file_id=file_id, **piece) for piece in pieces_of(content))
            session.flush()
            return file_of(row)

    def file(self, file_id: str, *, owner: str | None) -> KeptFile:
        """See `BatchStage.file`."""
        with self._reading() as session:
            return file_of(existing_file(session, file_id, owner))

    def files(
        self, purpose: FilePurpose | None, *, after: str | None, limit: int, owner: str | None
    ) -> list[KeptFile]:
        """See `BatchStage.files`."""
        with self._reading() as session:
            wanted = select(FileRow).order_by(FileRow.number).limit(limit)
            wanted = wanted.where(FileRow.purpose != _OF_INGESTION)
            if after is not None:
                number = existing_file(session, after, owner).number
                wanted = wanted.where(FileRow.number > number)
            if purpose is not None:
                wanted = wanted.where(FileRow.purpose == purpose)
            if owner is not None:
                wanted = wanted.where(owned_by(FileRow.owner, owner))
            return [file_of(row) for row in session.scalars(wanted)]

    def read(self, file_id: str, place: int, *, owner: str | None) -> FilePiece:
        """See `BatchStage.read_file`."""
        with self._reading() as session:
            row = existing_file(session, file_id, owner)
            if row.purpose == "batch_output":
                return _results(session, row, place)
            found = session.get(PieceRow, (file_id, place))
            content = b"" if found is None else found.content
            end = place + len(content)
            return FilePiece(content, end if content and end < row.size_bytes else None)

    def content(self, file_id: str, *, owner: str | None) -> bytes:
        """Returns all bytes of a file that was sent, or raises NotFound."""
        with self._reading() as session:
            row = existing_file(session, file_id, owner)
            if row.purpose != "batch":
                raise NotFound(f"The file '{file_id}' holds results, and no lines to answer.")
            return b"".join(_pieces(session, file_id))

    def delete(self, file_id: str, *, owner: str | None) -> None:
        """See `BatchStage.delete_file`. The lines of a batch stay when their file goes."""
        with self._writing() as session:
            row = existing_file(session, file_id, owner)
            if row.purpose == "batch_output":
                own = (ResultRow.batch_id == row.batch_id) & (ResultRow.failed == row.failed)
                session.execute(delete(ResultRow).where(own))
            drop_file(session, file_id)

    def _require_room(self, session: Session, size_bytes: int) -> None:
        sent = FileRow.purpose.in_(("batch", _OF_INGESTION))
        held = session.scalar(select(func.sum(FileRow.size_bytes)).where(sent)) or 0
        if held + size_bytes > self._args.max_kept_bytes:
            raise Conflict("There is no room for another file; delete old ones of batches.")


def add_results_files(session: Session, batch: BatchRow, *, now_s: float) -> None:
    """Gives a batch that ends its files: of what was answered, and of what has a problem."""
    sums = (
        select(ResultRow.failed, func.sum(ResultRow.size_bytes))
        .where(ResultRow.batch_id == batch.id)
        .group_by(ResultRow.failed)
    )
    for failed, size_bytes in sorted(tuple(row) for row in session.execute(sums)):
        kind = "errors" if failed else "output"
        file_id = f"{FILE_PREFIX}{kind}-{batch.id.removeprefix('batch_')}"
        session.add(
            FileRow(
                id=file_id,
                purpose="batch_output",
                filename=f"{batch.id}_{kind}.jsonl",
                size_bytes=int(size_bytes),
                created_s=now_s,
                owner=batch.owner,
                batch_id=batch.id,
                failed=failed,
            )
        )
        if failed:
            batch.error_file_id = file_id
        else:
            batch.output_file_id = file_id


def drop_file(session: Session, file_id: str) -> None:
    """Removes a file with its bytes."""
    session.execute(delete(PieceRow).where(PieceRow.file_id == file_id))
    session.execute(delete(FileRow).where(FileRow.id == file_id))


def drop_content(session: Session, file_id: str, *, start: int, end: int) -> None:
    """Removes the bytes of a file from one place to another, that one left out."""
    pieces = (PieceRow.file_id == file_id) & (PieceRow.place >= start) & (PieceRow.place < end)
    session.execute(delete(PieceRow).where(pieces))
    left_bytes = FileRow.size_bytes - (end - start)
    session.execute(update(FileRow).where(FileRow.id == file_id).values(size_bytes=left_bytes))


def existing_file(session: Session, file_id: str, owner: str | None) -> FileRow:
    """Returns the row of a file. What belongs to somebody else is as good as not there.

    Raises:
        NotFound: there is none.
    """
    row = session.scalar(select(FileRow).where(FileRow.id == file_id))
    if row is None or not is_owned(row.owner, owner):
        raise NotFound(f"There is no file '{file_id}'.")
    return row


def _results(session: Session, row: FileRow, place: int) -> FilePiece:
    wanted = (
        select(ResultRow.place, ResultRow.size_bytes, ResultRow.content)
        .where((ResultRow.batch_id == row.batch_id) & (ResultRow.place >= place))
        .where(ResultRow.failed == row.failed)
        .order_by(ResultRow.place)
        .limit(_READ_LINES)
    )
    read: list[str] = []
    room_bytes, next_place = _READ_BYTES, None
    found = session.execute(wanted).all()
    for at, size_bytes, content in found:
        if read and size_bytes > room_bytes:
            return FilePiece(_lines(read), at)
        room_bytes -= size_bytes
        read.append(content)
        next_place = at + 1
    return FilePiece(_lines(read), next_place if len(found) == _READ_LINES else None)


def _lines(read: list[str]) -> bytes:
    return "".join(f"{line}\n" for line in read).encode()


def _pieces(session: Session, file_id: str) -> Iterator[bytes]:
    pieces: Any = select(PieceRow.content).where(PieceRow.file_id == file_id)
    yield from session.scalars(pieces.order_by(PieceRow.place))


def _file_id(name: str, content: bytes, owner: str) -> str:
    """Returns the id of a file: the same for the same bytes of one owner under the same name, so
    that an upload may be repeated."""
    digest = hashlib.sha256(f"{owner}\0{name}\0".encode())
    digest.update(content)
    return f"{FILE_PREFIX}{digest.hexdigest()[:_ID_DIGITS]}"


def plain(name: str, max_chars: int) -> str:
    """Returns a name as every database can keep it."""
    kept = "".join(character for character in name if character.isprintable())
    return kept[:max_chars]


def pieces_of(content: bytes, *, start: int = 0) -> Iterator[dict[str, Any]]:
    """Yields the columns of the pieces that bytes are kept as.

    Args:
        start: Where in their file the bytes begin.
    """
    for place in range(0, len(content), _PIECE_BYTES):
        piece = content[place : place + _PIECE_BYTES]
        yield {"place": start + place, "content": piece}
