"""What a client may write as `model`: the service, one of its releases, or the model inside a
stage."""

import asyncio
import time

from app.releases import Releases
from app.request_scope import RequestScope
from deployments.contracts import Stage
from deployments.errors import NotFound, StageError

SERVICE = "ragserve"
STARTED_S = int(time.time())
_STAGES_WITH_MODELS = ("embedder", "reranker", "generator")


def require_model(asked: str, release: str, model: str) -> None:
    """Raises NotFound when what was asked for is neither the service, nor the release, nor the
    model that ran."""
    if asked not in (SERVICE, f"{SERVICE}:{release}", model):
        raise NotFound(f"There is no model '{asked}' here; GET /v1/models lists what there is.")


async def model_names(releases: Releases, scope: RequestScope) -> list[str]:
    """Returns every name, the service first; stages that do not answer are left out."""
    routes = [releases.route(name) for name in releases.names()]
    stages = [route.stages()[stage] for route in routes for stage in _STAGES_WITH_MODELS]
    models = await asyncio.gather(*(_model(stage, scope) for stage in stages))
    names = [SERVICE, *(f"{SERVICE}:{route.name}" for route in routes), *filter(None, models)]
    return list(dict.fromkeys(names))


async def _model(stage: Stage, scope: RequestScope) -> str:
    try:
        return str((await stage.describe(call=scope.call())).get("model", ""))
    except StageError:
        return ""
