"""Documents as the indexer gives them to the store."""

from itertools import count

import numpy as np

from deployments.contracts.documents import Chunk, DocumentRecord, IndexedDocument, chunk_id
from tests.doubles import vector_of

_NUMBERS = count()


def indexed(document_id: str, *texts: str, mark: str = "") -> IndexedDocument:
    """Returns a document with a chunk for each text; `mark` is its fingerprint, else the texts
    are. Each comes after those before it."""
    record = DocumentRecord(
        document_id,
        f"{document_id}.md",
        "",
        mark or "/".join(texts),
        len(texts),
        "2026-01-01T00:00:00+00:00",
        1_767_225_600_000_000_001 + next(_NUMBERS),
    )
    chunks = tuple(
        Chunk(chunk_id(document_id, ordinal), document_id, ordinal, text, record.path, "")
        for ordinal, text in enumerate(texts)
    )
    return IndexedDocument(record, chunks, np.stack([vector_of(text) for text in texts]))
