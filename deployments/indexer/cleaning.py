"""What a store and a model can take of a text and its metadata, and what names a source."""

import hashlib
import math
import re
from collections.abc import Mapping
from datetime import date

from deployments.contracts.documents import Scalar

RESERVED_KEYS = frozenset(
    (
        *("chunk_count", "created_at", "document_id", "fingerprint", "heading", "ordinal"),
        *("page", "path", "sequence", "text", "title"),
    )
)
"""What the index itself keeps beside a chunk. A file's key of that name gets the prefix `meta_`."""

MAX_TITLE_CHARS = 300
MAX_METADATA_KEYS = 64
MAX_METADATA_KEY_CHARS = 200
MAX_METADATA_CHARS = 1000
"""Metadata is stored with every chunk; keys and characters beyond the bound are dropped from it."""

_UNCLEAN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_LINE_END = re.compile(r"\r\n?|[\x0b\x0c\x85]")
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")


def document_id(path: str) -> str:
    """Returns the id of the source at `path`: "doc_" and 96 bits of its SHA-256."""
    return "doc_" + hashlib.sha256(path.encode("utf-8", "replace")).hexdigest()[:24]


def clean_text(text: str) -> str:
    """Returns the text with "\\n" as its only line end, and without what no store or model takes.

    Control characters go; a lone surrogate, which UTF-8 cannot encode, becomes U+FFFD.
    """
    if _UNCLEAN.search(text) is None:
        return text
    return _SURROGATE.sub("\ufffd", _CONTROL.sub("", _LINE_END.sub("\n", text)))


def clean_title(title: str) -> str:
    """Returns the title as one clean line."""
    return " ".join(clean_text(title).split())


def clean_metadata(fields: Mapping[str, object]) -> dict[str, Scalar]:
    """Returns the fields that can be stored and filtered by, in the form that can.

    Dates become ISO text and integers beyond 64 bits decimal text. Nested values, nulls, blank
    strings, NaN and infinities go. Keys that the index needs, or that its filter language would
    take for an operator, get the prefix `meta_`.
    """
    metadata: dict[str, Scalar] = {}
    for raw_key, raw_value in fields.items():
        key = " ".join(clean_text(str(raw_key)).split())[:MAX_METADATA_KEY_CHARS]
        value: object = raw_value.isoformat() if isinstance(raw_value, date) else raw_value
        if isinstance(value, int) and not isinstance(value, bool) and not -(2**63) <= value < 2**63:
            value = str(value)
        if isinstance(value, str):
            value = clean_text(value).strip()[:MAX_METADATA_CHARS]
        is_storable = isinstance(value, bool | int | float) and math.isfinite(value)
        if key and (is_storable or (isinstance(value, str) and value)):
            is_reserved = key in RESERVED_KEYS or key.startswith(("$", "#", "chroma:"))
            metadata[f"meta_{key}" if is_reserved else key] = value  # type: ignore[assignment]
        if len(metadata) == MAX_METADATA_KEYS:
            break
    return metadata
