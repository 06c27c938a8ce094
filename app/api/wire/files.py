"""Documents in the form of OpenAI's files.

What a file is beside a document, its size and its purpose, is metadata of the document, so that it
goes wherever the document goes.
"""

from collections.abc import Mapping
from datetime import datetime

from app.schemas.files.files import FileObject, Purpose
from app.schemas.files.store_files import StoreFile
from app.schemas.files.stores import STORE
from deployments.contracts.documents import DocumentRecord, Metadata, Scalar

_BYTES = "file_bytes"
_PURPOSE = "file_purpose"
_DEFAULT_PURPOSE: Purpose = "assistants"


def file_metadata(purpose: Purpose, size_bytes: int) -> Metadata:
    """Returns the metadata that keep what only a file has."""
    return {_PURPOSE: purpose, _BYTES: size_bytes}


def attributes_of(metadata: Metadata) -> dict[str, Scalar]:
    """Returns the metadata without those of the file itself."""
    return {key: value for key, value in metadata.items() if key not in (_BYTES, _PURPOSE)}


def with_attributes(metadata: Metadata, attributes: Mapping[str, Scalar]) -> dict[str, Scalar]:
    """Returns the metadata with these attributes in place of all others."""
    kept = {key: metadata[key] for key in (_PURPOSE, _BYTES) if key in metadata}
    return {**attributes_of(attributes), **kept}


def file_of(record: DocumentRecord) -> FileObject:
    """Returns a document as a file."""
    return FileObject(
        id=record.id,
        bytes=_size_bytes(record),
        created_at=created_at_s(record),
        filename=record.path,
        purpose=purpose_of(record),
    )


def store_file_of(record: DocumentRecord) -> StoreFile:
    """Returns a document as a file of the store."""
    return StoreFile(
        id=record.id,
        created_at=created_at_s(record),
        vector_store_id=STORE,
        usage_bytes=_size_bytes(record),
        attributes=attributes_of(record.metadata),
    )


def purpose_of(record: DocumentRecord) -> Purpose:
    """Returns what a file was uploaded for."""
    return "user_data" if record.metadata.get(_PURPOSE) == "user_data" else _DEFAULT_PURPOSE


def created_at_s(record: DocumentRecord) -> int:
    """Returns when a document first came, in seconds since 1970."""
    return int(datetime.fromisoformat(record.created_at).timestamp())


def _size_bytes(record: DocumentRecord) -> int:
    size = record.metadata.get(_BYTES)
    return size if isinstance(size, int) else 0
