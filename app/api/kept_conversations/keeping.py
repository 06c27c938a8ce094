"""What routes need that have to do with kept conversations: who keeps them, and whose they are."""

from typing import Annotated

from fastapi import Depends, Query, Request

from app.api.requests.dependencies import gateway_of, scope_of
from app.conversations.conversations import Conversations
from app.conversations.eraser import Eraser
from app.request.scope import RequestScope
from deployments.contracts.errors import InvalidRequest, NotFound
from deployments.conversations.records import Owner

OFF = "conversations are not kept here: the setting `conversations.enabled` is off"
User = Annotated[
    str | None,
    Query(max_length=256, description="Whose the conversation is, as its creator named them."),
]


def owner_of(scope: RequestScope, user: str | None) -> Owner:
    """Returns whose conversations a request finds.

    Raises:
        InvalidRequest: the user's name cannot be kept.
    """
    if user and not user.isprintable():
        raise InvalidRequest(
            "The name of a user has no control characters.",
            errors=({"field": "user", "message": "has control characters", "type": "value"},),
        )
    principal = scope.principal
    return Owner(principal.tenant, principal.key_id, user or "")


async def kept(request: Request) -> Conversations:
    """Returns what keeps conversations.

    Raises:
        NotFound: nothing does.
    """
    found = gateway_of(request).conversations
    if found is None or not found.is_on:
        raise NotFound(f"There are none: {OFF}.")
    return found


async def eraser(request: Request) -> Eraser:
    """Returns what erases.

    Raises:
        NotFound: nothing is kept in a database here.
    """
    found = gateway_of(request).eraser
    if found is None:
        raise NotFound("This service has no database that could keep deletions.")
    return found


async def owner(request: Request, user: User = None) -> Owner:
    """Returns whose conversations the caller finds; see `owner_of`."""
    return owner_of(scope_of(request), user)


ConversationsIn = Annotated[Conversations, Depends(kept)]
EraserIn = Annotated[Eraser, Depends(eraser)]
OwnerIn = Annotated[Owner, Depends(owner)]
