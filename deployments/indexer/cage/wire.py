"""What parent and child say to each other: a file in, its documents out.

JSON and not pickle, because whoever unpickles runs what the other side wrote, and the child is
where a hostile file would take over.
"""

from dataclasses import dataclass, replace
from typing import Literal

from pydantic import TypeAdapter

from deployments.contracts.documents import Document, Metadata, ReadFailure
from deployments.indexer.formats.converted import ReadingOptions


@dataclass(frozen=True, slots=True)
class FileHeader:
    """Goes before the content of a file.

    Args:
        name: The file's name; may hold lone surrogates, in the place of bytes that are no UTF-8.
        metadata: Key-values of its documents.
        cpu_s: Seconds of a processor that it may take.
        options: What of it is read that is not shown.
        document_id: As in `Upload`.
    """

    name: str
    metadata: Metadata
    cpu_s: float
    options: ReadingOptions = ReadingOptions()
    document_id: str = ""


@dataclass(frozen=True, slots=True)
class EndOfFile:
    """Follows the last document of a file. `memory_mib` is what the child holds now beside what it
    held at the start."""

    memory_mib: float
    kind: Literal["end"] = "end"


_HEADER = TypeAdapter(FileHeader)
_ANSWER: TypeAdapter[Document | ReadFailure | EndOfFile] = TypeAdapter(
    Document | ReadFailure | EndOfFile
)


def encode_header(header: FileHeader) -> bytes:
    """Returns a header as bytes. A name that is no Unicode goes as the bytes of the file system."""
    name = header.name.encode("utf-8", "surrogatepass").hex()
    return _HEADER.dump_json(replace(header, name=name))


def decode_header(data: bytes) -> FileHeader:
    """Returns what `encode_header` was given."""
    header = _HEADER.validate_json(data)
    name = bytes.fromhex(header.name).decode("utf-8", "surrogatepass")
    return replace(header, name=name)


def encode_answer(answer: Document | ReadFailure | EndOfFile) -> bytes:
    """Returns one answer as bytes."""
    return _ANSWER.dump_json(answer)


def decode_answer(data: bytes) -> Document | ReadFailure | EndOfFile:
    """Returns what `encode_answer` was given.

    Raises:
        ValueError: the bytes are something else.
    """
    return _ANSWER.validate_json(data)
