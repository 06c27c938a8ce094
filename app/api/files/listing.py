"""Pages of documents as OpenAI's clients ask for them: after the last one that they have seen."""

from collections.abc import Sequence
from typing import Annotated, Literal, Protocol

from fastapi import Depends, Query

from app.request.scope import RequestScope
from deployments.contracts.documents import DocumentPage
from deployments.contracts.errors import UnsupportedField
from deployments.contracts.stages import RetrieverStage

MAX_PAGE = 1000
"""Files of one page; whoever asks for more gets the first ones, and hears that there are more."""


class Place:
    """Where a page begins.

    Args:
        after: The last file before the page, None for the first page.
    """

    def __init__(self, after: str | None) -> None:
        self.after = after


async def place(
    after: Annotated[
        str | None, Query(max_length=256, description="The last file of the page before.")
    ] = None,
    before: Annotated[str | None, Query(max_length=256, include_in_schema=False)] = None,
    order: Annotated[
        Literal["asc", "desc"], Query(description="`desc` is refused: files come in their order.")
    ] = "asc",
) -> Place:
    """Returns where the page begins.

    Raises:
        UnsupportedField: the list is wanted backwards.
    """
    for name, is_asked in (("order", order == "desc"), ("before", before is not None)):
        if is_asked:
            reason = "files are listed in order of arrival, oldest first"
            raise refused_parameter(name, reason)
    return Place(after)


PlaceIn = Annotated[Place, Depends(place)]


async def page_after(
    place: Place, limit: int, retriever: RetrieverStage, scope: RequestScope
) -> DocumentPage:
    """Returns the documents after a place, up to `limit` and to the bound of a page.

    Raises:
        NotFound: the document that the page should follow is gone.
    """
    sequence = 0
    if place.after is not None:
        sequence = (await retriever.document(place.after, call=scope.call())).sequence
    limit = min(limit, MAX_PAGE)
    return await retriever.documents(after=sequence, limit=limit, call=scope.call())


class Named(Protocol):
    """What a list has: it is known by an id."""

    @property
    def id(self) -> str:
        """Names it."""
        ...


def ends_of(records: Sequence[Named]) -> tuple[str | None, str | None]:
    """Returns the ids of the first and the last file of a page, as OpenAI's lists have them."""
    return (records[0].id, records[-1].id) if records else (None, None)


def refused_parameter(name: str, reason: str) -> UnsupportedField:
    """Returns the error of a parameter that is refused for this reason."""
    detail = {"field": f"query.{name}", "message": reason, "type": UnsupportedField.code}
    return UnsupportedField(f"Not supported here: {name} ({reason}).", errors=(detail,))
