"""What a client may write as `model`: the service, one of its releases, `auto`, or the model
inside a stage."""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from app.releases.assignment import Assignment
from app.releases.failover import GeneratorChain
from app.releases.releases import Releases
from app.request.scope import RequestScope
from deployments.contracts.errors import ModelNotFound, StageError, Unavailable
from deployments.contracts.stages import Stage
from deployments.serving.concurrently import gather_or_cancel

SERVICE = "ragserve"
STARTED_S = int(time.time())


def is_service(asked: str, release: str) -> bool:
    """Returns whether a name means the service itself, or this release of it."""
    return asked in (SERVICE, f"{SERVICE}:{release}")


def no_such_model(asked: str, purpose: str) -> ModelNotFound:
    """Returns the error for a name that nothing has which is for this purpose."""
    return ModelNotFound(
        f"There is no model '{asked}' for {purpose} here; GET /v1/models says what each name is "
        f"for, and '{SERVICE}' is for all.",
        errors=({"field": "model", "message": f"no model for {purpose}", "type": "not_found"},),
    )


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
    """Returns who answers a conversation under this name, or under what it is an alias of; `assign`
    says who does under that of the service.

    Raises:
        ModelNotFound: neither the service, nor a release, nor a generator is called so.
        Unavailable: the generator that may be called so does not answer.
    """
    name = releases.settings().named(asked)
    if name == SERVICE:
        return assign()
    principal = scope.principal
    release = name.removeprefix(f"{SERVICE}:")
    if release != name and release in releases.names() and principal.may_ask(release):
        return Assignment(release)
    generators = list(releases.generators().values())
    models = await gather_or_cancel(*(model_of(generator, scope) for generator in generators))
    for generator, model in zip(generators, models, strict=True):
        if model == name and principal.may_ask(model):
            return Direct(generator)
    if "" in models:  # it may be the one that does not answer
        raise Unavailable(f"No generator that answers is called '{asked}'.", "generator", 1.0)
    raise no_such_model(asked, "chat")


async def facts_of(
    stage: Stage, scope: RequestScope, *, within_s: float = math.inf
) -> Mapping[str, object]:
    """Returns what a stage says of itself, nothing where it does not answer in time."""
    call = scope.call()
    try:
        return await stage.description(call=replace(call, timeout_s=min(call.timeout_s, within_s)))
    except StageError:
        return {}


async def model_of(stage: Stage, scope: RequestScope, *, within_s: float = math.inf) -> str:
    """Returns the name of a stage's model, empty where it does not answer in time."""
    return str((await facts_of(stage, scope, within_s=within_s)).get("model", ""))
