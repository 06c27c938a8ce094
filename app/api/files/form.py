"""The form by which a file is uploaded."""

from collections.abc import Mapping
from dataclasses import dataclass

from fastapi import Request
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException

from app.api.requests.dependencies import media_type
from app.schemas.files.files import UPLOADED, UploadPurpose
from deployments.contracts.errors import (
    InvalidRequest,
    MalformedRequest,
    UnsupportedField,
    UnsupportedMedia,
)
from deployments.contracts.field_errors import unsupported_fields

BODY: Mapping[str, object] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "title": "FileUpload",
                    "type": "object",
                    "required": ["file", "purpose"],
                    "properties": {
                        "file": {
                            "type": "string",
                            "format": "binary",
                            "description": "The extension chooses the converter; JSONL of a batch.",
                        },
                        "purpose": {"type": "string", "enum": list(UPLOADED)},
                    },
                }
            }
        },
    }
}


@dataclass(frozen=True, slots=True)
class UploadForm:
    """A file as it was sent."""

    purpose: UploadPurpose
    name: str
    content: bytes


async def read_form(request: Request) -> UploadForm:
    """Returns the file in a form.

    Raises:
        UnsupportedMedia, MalformedRequest, InvalidRequest, UnsupportedField: there is none, or more
            than one, or it has a purpose that no file here has.
    """
    if media_type(request) != "multipart/form-data":
        raise UnsupportedMedia("Send the file as multipart/form-data.")
    try:
        async with request.form(max_files=1, max_fields=10) as form:
            purpose, file = _fields(form)
            return UploadForm(purpose, file.filename or "", await file.read())
    except HTTPException as error:
        raise MalformedRequest("The form cannot be read; it may have one file.") from error


def _fields(form: FormData) -> tuple[UploadPurpose, UploadFile]:
    stray = sorted(set(form) - {"file", "purpose"})
    if stray:
        reason = "a file is kept until somebody deletes it" if "expires" in stray[0] else "unknown"
        raise unsupported_fields([field_detail(stray[0], reason)])
    file, given = form.get("file"), form.get("purpose")
    if not isinstance(file, UploadFile):
        missing = field_detail("file", "it is missing")
        raise InvalidRequest("The form has no `file`.", errors=(missing,))
    for purpose in UPLOADED:
        if purpose == given:
            return purpose, file
    reason = f"files are here to be searched or answered, so it is one of {', '.join(UPLOADED)}"
    raise unsupported_fields([field_detail("purpose", reason)])


def field_detail(field: str, message: str) -> dict[str, object]:
    """Returns what an error says of a field of the form."""
    return {"field": field, "message": message, "type": UnsupportedField.code}
