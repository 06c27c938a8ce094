"""The metadata filter of a request, bounded before any stage is asked."""

from typing import Annotated

from pydantic import AfterValidator, JsonValue

from deployments.contracts.errors import InvalidRequest
from deployments.contracts.filters import check_filter


def _bounded(where: dict[str, JsonValue]) -> dict[str, JsonValue]:
    try:
        check_filter(where)
    except InvalidRequest as error:
        raise ValueError(error.message) from error
    return where


MetadataFilter = Annotated[dict[str, JsonValue], AfterValidator(_bounded)]
"""Chroma's `where` language; what it means is decided where it is compiled."""
