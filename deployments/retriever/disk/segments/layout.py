"""Which arrays a segment has: their types, and their shapes by its counts.

Rows are in the order of their numbers; those of a document stand together. A blob is a file of
records of any length, beside an array of the places where they end.
"""

import hashlib
from collections.abc import Mapping

from deployments.retriever.disk.manifest import SegmentFacts
from deployments.retriever.index.codes import code_words

BLOBS = ("ids", "rows", "fields", "documents", "headings")
NO_PAGE = -(2**31)
"""In place of a page that is none."""


def arrays(facts: SegmentFacts) -> Mapping[str, tuple[str, tuple[int, ...]]]:
    """Returns the type and the shape of each array."""
    rows, documents, dimension = facts.row_count, facts.document_count, facts.dimension
    return {
        "numbers": ("<i8", (rows,)),
        "ordinals": ("<i4", (rows,)),
        "pages": ("<i4", (rows,)),
        "row_headings": ("<i4", (rows,)),
        "row_fields": ("<i4", (rows,)),
        "partition_rows": ("<i4", (rows,)),
        "vectors": ("<f4", (rows, dimension)),
        "codes": ("<u8", (code_words(dimension), rows)),
        "field_partitions": ("<i4", (facts.field_count,)),
        "document_rows": ("<i4", (documents + 1,)),
        "hashes": ("<u8", (documents,)),
        "hash_documents": ("<i4", (documents,)),
        "ids_ends": ("<i8", (rows + 1,)),
        "rows_ends": ("<i8", (rows + 1,)),
        "fields_ends": ("<i8", (facts.field_count + 1,)),
        "documents_ends": ("<i8", (documents + 1,)),
        "headings_ends": ("<i8", (facts.heading_count + 1,)),
    }


def hash_of(document_id: str) -> int:
    """Returns the number by which a document is looked up; two may have the same."""
    content = document_id.encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(content, digest_size=8).digest())
