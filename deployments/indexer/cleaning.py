"""What a store and a model can take of a text and its metadata, and what names a source."""

import hashlib
import math
import re
from collections.abc import Iterable, Mapping
from datetime import date

from deployments.contracts.documents import Scalar
from deployments.contracts.filters import is_reserved_key
from deployments.indexer.formats.text.terminal import drop_sequences
from deployments.words.invisible import IGNORABLE, drop_invisible

RESERVED_KEYS = frozenset(
    (
        *("chunk_count", "created_at", "document_id", "fingerprint", "heading", "ordinal"),
        *("page", "path", "sequence", "text", "title"),
    )
)
"""What the index itself keeps beside a chunk. A file's key of that name gets the prefix `meta_`, as
does one that says whose a document is."""

MAX_TITLE_CHARS = 300
MAX_METADATA_KEYS = 64
MAX_METADATA_KEY_CHARS = 200
MAX_METADATA_CHARS = 1000
"""Metadata is stored with every chunk; keys and characters beyond the bound are dropped from it."""

_MAX_INTEGER_BITS = 512
"""A longer integer is no number that anybody wrote; Python refuses to print an endless one."""

_CONTROLS = r"\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff"
_UNCLEAN = re.compile(f"[{_CONTROLS}]")
_UNUSUAL = re.compile(rf"[{_CONTROLS}\ufb00-\ufb06{IGNORABLE}]")
_LINE_END = re.compile(r"\r\n?|[\x0b\x0c\x85]")
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_LIGATURES = dict(zip("ﬀﬁﬂﬃﬄﬅﬆ", ("ff", "fi", "fl", "ffi", "ffl", "st", "st"), strict=True))
_LIGATURE = re.compile(r"[\ufb00-\ufb06]")
_ESCAPE_SEQUENCE = re.compile(r"\\(?=x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8})")


def document_id(path: str) -> str:
    """Returns the id of the source at `path`: "doc_" and 96 bits of its SHA-256."""
    return "doc_" + hashlib.sha256(path.encode("utf-8", "surrogatepass")).hexdigest()[:24]


def clean_text(text: str) -> str:
    """Returns the text with "\\n" as its only line end, and without what nobody can see.

    Control characters, the sequences of terminals and invisible characters go; ligatures of
    typesetting become their letters; a lone surrogate, which UTF-8 cannot encode, becomes U+FFFD.
    """
    if _UNUSUAL.search(text) is None:
        return text
    if _UNCLEAN.search(text) is not None:
        text = _LINE_END.sub("\n", drop_sequences(text))
        text = _SURROGATE.sub("\ufffd", _CONTROL.sub("", text))
    return drop_invisible(_LIGATURE.sub(lambda match: _LIGATURES[match[0]], text))


def clean_path(name: str) -> str:
    r"""Returns a file's name as text that can be stored and seen; no two names give the same.

    A byte that is not UTF-8, which Python keeps as a surrogate, and whatever cannot be seen are
    written as escapes; a backslash that would be read as one is doubled.

    >>> clean_path("caf\udce9.md"), clean_path("caf\\xe9.md")
    ('caf\\xe9.md', 'caf\\\\xe9.md')
    """
    name = _ESCAPE_SEQUENCE.sub(r"\\\\", name)
    is_clean = clean_text(name) == name and "\n" not in name
    return name if is_clean else "".join(map(_escape, name))


def _escape(character: str) -> str:
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    is_seen = clean_text(character) == character and character != "\n"
    return character if is_seen else f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def clean_title(title: str) -> str:
    """Returns the title as one clean line."""
    return " ".join(clean_text(title).split())


def taken_keys(keys: Iterable[str]) -> list[str]:
    """Returns those keys that the index uses itself, in order."""
    return sorted(key for key in keys if key in RESERVED_KEYS or is_reserved_key(key))


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
            value = str(value) if value.bit_length() <= _MAX_INTEGER_BITS else None
        if isinstance(value, float):
            value = float(value)  # of whatever kind
        if isinstance(value, str):
            value = clean_text(value).strip()[:MAX_METADATA_CHARS]
        is_storable = isinstance(value, bool | int | float) and math.isfinite(value)
        if key and (is_storable or (isinstance(value, str) and value)):
            is_reserved = bool(taken_keys([key])) or key.startswith(("$", "#", "chroma:"))
            metadata[f"meta_{key}" if is_reserved else key] = value  # type: ignore[assignment]
        if len(metadata) == MAX_METADATA_KEYS:
            break
    return metadata
