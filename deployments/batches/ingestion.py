"""Ingestions: documents that are read after the request that brought them was answered.

An ingestion is a batch whose lines are documents. Their bytes stand in one file of the batch, one
after the other, and go as soon as their document was read; what a line says is where they are.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from deployments.batches.contract import Submitter
from deployments.contracts.errors import InvalidRequest, MalformedRequest

INGEST_PATH = "/v1/documents"
"""What the lines of an ingestion ask, and those of no other batch."""
INGESTION_PREFIX = "ingest_"
"""What the ids of ingestions begin with."""
_OVER = "The ingestion's time was over before this was read."
SourceState = Literal["waiting", "reading", "added", "updated", "unchanged", "failed", "cancelled"]
"""What becomes of one document. One that is `waiting` may have been tried before."""


@dataclass(frozen=True, slots=True)
class Source:
    """A document as it came: a file, or the JSON of one.

    Attributes:
        name: What people know it by.
        form: Fields of a form that belong to a file.
    """

    name: str
    content: bytes
    kind: Literal["file", "json"] = "file"
    form: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class IngestionRequest:
    """An ingestion to begin: of files, or of a JSON body with documents.

    Attributes:
        window_s: Time after which what was not read is given up.
    """

    submitter: Submitter
    window_s: float
    files: Sequence[Source] = ()
    json_body: bytes = b""


@dataclass(frozen=True, slots=True)
class SourceLine:
    """What a line of an ingestion says: which bytes of which file are the document."""

    file_id: str
    offset: int
    size_bytes: int
    kind: Literal["file", "json"]
    form: dict[str, str]

    def written(self) -> str:
        """Returns the body of the line."""
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def of(cls, body: str) -> "SourceLine":
        """Returns what the body of a line says."""
        return cls(**json.loads(body))


@dataclass(frozen=True, slots=True)
class SourceResult:
    """What came of a document that was read, or could not be."""

    status: Literal["added", "updated", "unchanged", "failed"]
    document_id: str = ""
    chunk_count: int = 0
    message: str = ""
    warnings: Sequence[str] = ()

    def written(self) -> str:
        """Returns the content of the line's result."""
        return json.dumps(asdict(self), ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class SourceStatus:
    """Where one document of an ingestion is.

    Attributes:
        place: Its number, from 0.
        tries: How often it was put off, because a part of the service was away or busy.
    """

    place: int
    name: str
    size_bytes: int
    state: SourceState
    tries: int = 0
    document_id: str = ""
    chunk_count: int = 0
    message: str = ""
    warnings: Sequence[str] = ()

    @property
    def has_ended(self) -> bool:
        """Whether something has come of it, or nothing will."""
        return self.state not in ("waiting", "reading")

    def with_result(self, content: str) -> "SourceStatus":
        """Returns the same with what came of it."""
        told: dict[str, Any] = json.loads(content)
        return replace(self, state=told.pop("status"), **told)


def given_up() -> str:
    """Returns the content of the result of a line for which there was no time left."""
    return SourceResult("failed", message=_OVER).written()


def sources_of(request: IngestionRequest, *, max_sources: int) -> list[Source]:
    """Returns the documents of an ingestion, one by one. What is wrong inside one is not looked at
    here: that is its result.

    Raises:
        MalformedRequest, InvalidRequest: the body has no documents, or there are too many.
    """
    sources = list(request.files) or _read_body(request.json_body)
    if len(sources) > max_sources:
        raise InvalidRequest(f"{len(sources)} documents are too many; {max_sources} is the most.")
    return sources


def _read_body(body: bytes) -> list[Source]:
    try:
        content = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise MalformedRequest("The body is not valid JSON.") from error
    documents = content.get("documents") if isinstance(content, dict) else None
    if not isinstance(documents, list) or not documents:
        raise InvalidRequest("The body has no `documents`.")
    # What stands beside them stays with each, and is refused with it where it is not known.
    beside = {name: value for name, value in content.items() if name != "documents"}
    return [
        Source(_name_of(document, place), _json({**beside, "documents": [document]}), "json")
        for place, document in enumerate(documents)
    ]


def _json(value: object) -> bytes:
    # Half a character in JSON, which no UTF-8 has, travels as it came.
    return json.dumps(value, separators=(",", ":")).encode()


def _name_of(document: object, place: int) -> str:
    if isinstance(document, dict):
        for key in ("path", "id", "title"):
            if isinstance(named := document.get(key), str) and named:
                return named
    return f"documents[{place}]"
