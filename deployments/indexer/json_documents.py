"""Documents as a client writes them in a JSON body: their schema, and what they become.

They are read here and not in the gateway: a body of 40 MiB takes a second, and whoever asks a
question meanwhile must not wait for it.
"""

import hashlib
import json
from typing import Annotated, Self

from pydantic import Field, ValidationError, model_validator

from deployments.contracts.documents import MAX_TEXT_CHARS, Document, Markup, Part
from deployments.contracts.errors import MalformedRequest
from deployments.contracts.field_errors import invalid_fields
from deployments.contracts.inputs import InputModel, Items, bounded
from deployments.contracts.tenants import Acl, Kept
from deployments.indexer.cleaning import (
    clean_metadata,
    clean_text,
    document_id,
    taken_keys,
)
from deployments.indexer.markup import find_headings

MetadataKey = Annotated[str, Field(min_length=1, max_length=256, pattern=r"^[^$#]")]


MetadataText = Annotated[str, Field(max_length=4096)]


RequestMetadata = Annotated[
    dict[MetadataKey, MetadataText | bool | int | float], Field(max_length=64), bounded(64)
]


RequestAcl = Annotated[
    Items[Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f\x7f]+$")]],
    Field(min_length=1, max_length=32),
]
"""Groups that may read a document."""


class DocumentPart(InputModel):
    """A stretch of a document, such as a page."""

    text: str = Field(max_length=MAX_TEXT_CHARS, examples=["First page."])
    page: int | None = Field(default=None, ge=1, examples=[1])


class DocumentInput(InputModel):
    """A document as text, in Markdown or plain."""

    id: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$",
        description="Your own id. Without it, the path makes one, or else the text.",
        examples=["handbook-4"],
    )
    path: str | None = Field(
        default=None,
        min_length=1,
        max_length=1024,
        description="How people know it.",
        examples=["docs/api.md"],
    )
    title: str | None = Field(default=None, max_length=512, examples=["HTTP API"])
    text: str | None = Field(
        default=None, max_length=MAX_TEXT_CHARS, examples=["# HTTP API\n\nErrors are problems."]
    )
    parts: Items[DocumentPart] | None = Field(
        default=None,
        min_length=1,
        max_length=20_000,
        description="Instead of `text`, where pages matter.",
    )
    markup: Markup = Field(
        default="markdown",
        description="How the text is read: `plain` where `#` and backticks mean nothing.",
    )
    metadata: RequestMetadata = Field(
        default_factory=dict,
        description="Key-values to filter on.",
        examples=[{"team": "platform"}],
    )
    acl: RequestAcl | None = Field(
        default=None,
        description="Groups that may read it; null for all of the tenant. Without the field, a "
        "document that is sent again keeps what it has.",
        examples=[["legal"]],
    )

    @model_validator(mode="after")
    def _has_text_or_parts(self) -> Self:
        if (self.text is None) == (self.parts is None):
            raise ValueError("give either `text` or `parts`")
        if taken := taken_keys(self.metadata):
            raise ValueError(f"metadata keys that the index itself uses: {', '.join(taken)}")
        return self


class DocumentsRequest(InputModel):
    """Documents to index; one whose text and metadata are known already costs nothing."""

    documents: Items[DocumentInput] = Field(min_length=1, max_length=1000)


def read_json_documents(body: bytes) -> list[Document]:
    """Returns the documents of a body.

    Raises:
        MalformedRequest: it is not JSON.
        InvalidRequest: it is against the schema; names the fields.
    """
    try:
        content = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise MalformedRequest("The body is not valid JSON.") from error
    try:
        asked = DocumentsRequest.model_validate(content)
    except ValidationError as error:
        raise invalid_fields(error.errors(include_url=False), content) from error
    return [_document(document) for document in asked.documents]


def _document(given: DocumentInput) -> Document:
    parts = tuple(Part(clean_text(part.text), part.page) for part in given.parts or ())
    parts = parts or (Part(clean_text(given.text or "")),)
    key = given.path or hashlib.sha256("\f".join(part.text for part in parts).encode()).hexdigest()
    own_id = given.id or document_id(key)
    path = given.path or own_id
    is_markdown = given.markup == "markdown"
    headings = find_headings(parts[0].text) if given.title is None and is_markdown else []
    title = given.title
    if title is None:
        title = headings[0].title if headings else path.rsplit("/", 1)[-1]
    metadata = clean_metadata(given.metadata)
    return Document(
        own_id, path, clean_text(title), parts, metadata, given.markup, acl=_acl_of(given)
    )


def _acl_of(given: DocumentInput) -> Acl | Kept:
    if "acl" not in given.model_fields_set:
        return "kept"
    return None if given.acl is None else frozenset(given.acl)
