"""What a client may write as `model`: the service, one of its releases, `auto`, or the model
inside a stage."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from app.releases.assignment import Assignment
from app.releases.failover import GeneratorChain
from app.releases.releases import Releases
from app.request.scope import RequestScope
from app.settings.routing import AUTO
from deployments.contracts.errors import NotFound, StageError, Unavailable
from deployments.contracts.stages import Stage
from deployments.serving.concurrently import gather_or_cancel

SERVICE = "ragserve"
STARTED_S = int(time.time())
_STAGES_WITH_MODELS = ("embedder", "reranker")


def is_service(asked: str, release: str) -> bool:
    """Returns whether a name means the service itself, or this release of it."""
    return asked in (SERVICE, f"{SERVICE}:{release}")


def require_model(asked: str, release: str, model: str) -> None:
    """Raises NotFound when what was asked for is neither the service, nor the release, nor the
    model that ran."""
    if not is_service(asked, release) and asked != model:
        raise no_such_model(asked)


def no_such_model(asked: str) -> NotFound:
    """Returns the error for a name that nothing has."""
    return NotFound(f"There is no model '{asked}' here; GET /v1/models lists what there is.")


@dataclass(frozen=True, slots=True)
class Direct:
    """A generator under its own name, of no release."""

    generator: GeneratorChain


async def resolve_model(
    asked: str,
    releases: Releases,
    scope: RequestScope,
    *,
    assign: Callable[[], Assignment],
) -> Assignment | Direct:
    """Returns who answers a conversation under this name; `assign` says who does under that of the
    service.

    Raises:
        NotFound: neither the service, nor a release, nor a generator is called so.
    """
    if asked == SERVICE:
        return assign()
    release = asked.removeprefix(f"{SERVICE}:")
    if release != asked and release in releases.names():
        return Assignment(release)
    generators = list(releases.generators().values())
    models = await gather_or_cancel(*(_model(generator, scope) for generator in generators))
    for generator, model in zip(generators, models, strict=True):
        if model == asked:
            return Direct(generator)
    if "" in models:  # it may be the one that does not answer
        raise Unavailable(f"No generator that answers is called '{asked}'.", "generator", 1.0)
    raise no_such_model(asked)


async def model_names(releases: Releases, scope: RequestScope) -> list[str]:
    """Returns every name, the service first; stages that do not answer are left out."""
    routes = [releases.route(name) for name in releases.names()]
    stages = [route.stages()[stage] for route in routes for stage in _STAGES_WITH_MODELS]
    stages.extend(releases.generators().values())
    models = await gather_or_cancel(*(_model(stage, scope) for stage in stages))
    names = [SERVICE, AUTO, *(f"{SERVICE}:{route.name}" for route in routes)]
    names += filter(None, models)
    return list(dict.fromkeys(names))


async def _model(stage: Stage, scope: RequestScope) -> str:
    try:
        return str((await stage.description(call=scope.call())).get("model", ""))
    except StageError:
        return ""
