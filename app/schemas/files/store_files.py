"""Wire forms of the files of a vector store, one by one and in batches."""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, JsonValue, model_validator

from app.schemas.attribute_filters import AttributeKey
from app.schemas.files.files import FILE_ID
from app.schemas.files.stores import STORE, FileCounts
from app.schemas.wire import RequestModel, ResponseModel, refused
from deployments.contracts.inputs import Items, bounded
from deployments.indexer.cleaning import taken_keys

MAX_BATCH_FILES = 2000
"""OpenAI's own bound."""


def _is_free(
    attributes: dict[str, str | bool | int | float],
) -> dict[str, str | bool | int | float]:
    if taken := taken_keys(attributes):
        raise ValueError(f"has keys that the index itself uses: {', '.join(taken)}")
    return attributes


FileId = Annotated[str, Field(min_length=1, max_length=256, examples=[FILE_ID])]
Attributes = Annotated[
    dict[
        Annotated[AttributeKey, Field(max_length=64)],
        Annotated[str, Field(max_length=512)] | bool | int | float,
    ],
    bounded(16),
    AfterValidator(_is_free),
]


class AttachedFile(RequestModel):
    """A file to attach. All files are in the store from their upload on; this gives one its
    attributes."""

    neutral = {"chunking_strategy": [{"type": "auto"}]}

    file_id: FileId
    attributes: Attributes | None = Field(
        default=None, description="Beside what the file says of itself.", examples=[{"team": "hr"}]
    )
    chunking_strategy: Annotated[
        JsonValue, refused("all documents are split as the index is set up")
    ] = Field(default=None, description="Refused unless it is `auto`.")


class FileBatchRequest(RequestModel):
    """Files to attach, as ids or each with its own attributes."""

    neutral = {"chunking_strategy": [{"type": "auto"}], "files": [[]], "file_ids": [[]]}

    file_ids: Items[FileId] = Field(default_factory=list, max_length=MAX_BATCH_FILES)
    files: Items[AttachedFile] = Field(default_factory=list, max_length=MAX_BATCH_FILES)
    attributes: Attributes | None = Field(default=None, description="Of all `file_ids`.")
    chunking_strategy: Annotated[
        JsonValue, refused("all documents are split as the index is set up")
    ] = Field(default=None, description="Refused unless it is `auto`.")

    @model_validator(mode="after")
    def _has_one_list(self) -> Self:
        if bool(self.file_ids) == bool(self.files):
            raise ValueError("give either `file_ids` or `files`")
        return self

    def attached(self) -> list[AttachedFile]:
        """Returns the files with their attributes, each once: the last mention counts."""
        listed = [AttachedFile(file_id=id, attributes=self.attributes) for id in self.file_ids]
        return list({file.file_id: file for file in (*listed, *self.files)}.values())


class AttributesChange(RequestModel):
    """Attributes in place of all that a file has."""

    attributes: Attributes | None = Field(examples=[{"team": "hr"}])


class ChunkingStrategy(ResponseModel):
    """How the index splits documents is its own business."""

    type: Literal["other"] = "other"


class StoreFile(ResponseModel):
    """A file of the store."""

    id: str = Field(examples=[FILE_ID])
    object: Literal["vector_store.file"] = "vector_store.file"
    created_at: int = Field(examples=[1767225600])
    vector_store_id: str = Field(examples=[STORE])
    status: Literal["completed"] = "completed"
    last_error: dict[str, str] | None = None
    usage_bytes: int = Field(description="As `bytes` of the file.", examples=[12_345])
    attributes: dict[str, str | int | float | bool] = Field(examples=[{"team": "hr"}])
    chunking_strategy: ChunkingStrategy = ChunkingStrategy()


class StoreFileList(ResponseModel):
    """A page of files, in order of arrival."""

    object: Literal["list"] = "list"
    data: list[StoreFile]
    first_id: str | None = Field(examples=[FILE_ID])
    last_id: str | None = Field(description="`after` of the next page.", examples=[FILE_ID])
    has_more: bool = Field(examples=[False])


class DeletedStoreFile(ResponseModel):
    """What a deletion removed."""

    id: str = Field(examples=[FILE_ID])
    object: Literal["vector_store.file.deleted"] = "vector_store.file.deleted"
    deleted: Literal[True] = True


class FileText(ResponseModel):
    """A part of a file's text, such as a page."""

    type: Literal["text"] = "text"
    text: str


class FileContent(ResponseModel):
    """The text of a file as it was read."""

    object: Literal["vector_store.file_content.page"] = "vector_store.file_content.page"
    data: list[FileText]
    has_more: Literal[False] = False
    next_page: str | None = None


class FileBatch(ResponseModel):
    """A batch that has ended: its files were attached before the answer."""

    id: str = Field(description="Says all that is known of it.", examples=["vsfb_6955b900-3-0"])
    object: Literal["vector_store.files_batch"] = "vector_store.files_batch"
    created_at: int = Field(examples=[1767225600])
    vector_store_id: str = Field(examples=[STORE])
    status: Literal["completed"] = "completed"
    file_counts: FileCounts
