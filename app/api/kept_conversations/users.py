"""`DELETE /v1/users/{user}`, and the receipts of deletions."""

from typing import Annotated

from fastapi import APIRouter, Path

from app.access.route_scopes import needs
from app.api.access.keeping import audit
from app.api.kept_conversations.keeping import EraserIn
from app.api.requests.dependencies import GatewayIn, ScopeIn
from app.api.wire.conversations import deletion_info
from app.schemas.conversations import DeletionInfo
from app.schemas.wire import problem_responses
from deployments.contracts.erasure import ErasureScope
from deployments.contracts.errors import NotFound

router = APIRouter(tags=["conversations"], responses=problem_responses(401, 403, 429))


@router.delete("/v1/users/{user}", dependencies=[needs("admin")])
async def delete_user(
    user: Annotated[str, Path(min_length=1, max_length=256, description="As requests name them.")],
    eraser: EraserIn,
    gateway: GatewayIn,
    scope: ScopeIn,
) -> DeletionInfo:
    """Erases what there is of a user of the caller's tenant, whatever key it came by:
    conversations, kept answers, traces, sampled queries, and what they said of answers. Sums of
    usage and the audit log stay.

    What is away, and what requests under way may still leave, is erased later: the receipt is
    looked up under `/v1/deletions`.
    """
    what = ErasureScope(scope.principal.tenant, user=user)
    await audit(gateway, scope, "user.erase", what.user_mark)
    return deletion_info(await eraser.erase(what))


@router.get("/v1/deletions/{deletion_id}", dependencies=[needs("query", "admin")])
async def get_deletion(deletion_id: str, eraser: EraserIn, scope: ScopeIn) -> DeletionInfo:
    """Returns the receipt of a deletion as it is by now; for thirty days after it is done."""
    found = await eraser.find(scope.principal.tenant, deletion_id[:64])
    if found is None:
        raise NotFound(f"There is no deletion '{deletion_id[:64]}'.")
    return deletion_info(found)
