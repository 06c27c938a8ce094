"""Wire forms of `/v1/files`."""

from typing import Literal

from pydantic import Field

from app.schemas.wire import ResponseModel

Purpose = Literal["assistants", "user_data"]
"""What documents are uploaded for."""
UploadPurpose = Literal["assistants", "user_data", "batch"]
UPLOADED: tuple[UploadPurpose, ...] = ("assistants", "user_data", "batch")
FILE_ID = "doc_1b2c3d4e5f60718293a4b5c6"


class FileObject(ResponseModel):
    """A document, or a file of a batch, as OpenAI's clients see files."""

    id: str = Field(examples=[FILE_ID])
    object: Literal["file"] = "file"
    bytes: int = Field(
        description="Size of the file; 0 of a document that did not come through `/v1/files`.",
        examples=[12_345],
    )
    created_at: int = Field(examples=[1767225600])
    filename: str = Field(examples=["handbook.pdf"])
    purpose: Literal["assistants", "user_data", "batch", "batch_output"] = Field(
        examples=["assistants"]
    )
    status: Literal["processed"] = "processed"


class FileList(ResponseModel):
    """A page of files, in order of arrival."""

    object: Literal["list"] = "list"
    data: list[FileObject]
    first_id: str | None = Field(examples=[FILE_ID])
    last_id: str | None = Field(description="`after` of the next page.", examples=[FILE_ID])
    has_more: bool = Field(examples=[False])


class DeletedFile(ResponseModel):
    """What a deletion removed."""

    id: str = Field(examples=[FILE_ID])
    object: Literal["file"] = "file"
    deleted: Literal[True] = True
