"""What is known at this moment of the models that rules name."""

from collections.abc import Iterable, Mapping

from app.releases.model_names import SERVICE, model_of
from app.releases.releases import Releases
from app.request.scope import RequestScope
from app.routing.choice import Candidate
from app.settings.cold.breaker import BreakerState
from app.settings.live.prices import PriceTable
from app.settings.live.routing import RequestFacts
from app.telemetry.pace import Pace, PaceFigures
from deployments.serving.concurrently import gather_or_cancel

_CHARS_PER_TOKEN = 4
_USUAL_ANSWER_TOKENS = 256
_DESCRIBED_WITHIN_S = 0.3
_GENERATOR = "Generator"
States = Mapping[tuple[str, str], BreakerState]


async def look_at(
    names: Iterable[str],
    facts: RequestFacts,
    releases: Releases,
    scope: RequestScope,
    *,
    pace: Pace,
    breakers: States,
) -> dict[str, Candidate]:
    """Returns the candidates by name. Generators are asked what they are called, which they are
    not again for some seconds; nobody waits for one that does not answer."""
    wanted = dict.fromkeys(names)
    if not wanted:
        return {}
    generators, named = releases.generators(), releases.settings().named
    described = await gather_or_cancel(
        *(
            model_of(generator, scope, within_s=_DESCRIBED_WITHIN_S)
            for generator in generators.values()
        )
    )
    models = dict(zip(generators, described, strict=True))
    return {
        name: _candidate(name, models, facts, releases, pace.of(named(name)), breakers)
        for name in wanted
    }


def _candidate(
    name: str,
    models: Mapping[str, str],
    facts: RequestFacts,
    releases: Releases,
    figures: PaceFigures | None,
    breakers: States,
) -> Candidate:
    applications = _applications(name, models, releases)
    model = models[applications[0]] or name if applications else name
    known = [breakers.get((application, _GENERATOR), "closed") for application in applications]
    left_alone = bool(known) and all(state == "open" for state in known)
    cost_usd = _cost_usd(model, facts, figures, releases.settings().prices)
    if figures is None:
        return Candidate(name, left_alone, cost_usd=cost_usd)
    return Candidate(name, left_alone, figures.p50_ms, figures.p95_ms, cost_usd, figures.idle_s)


def _applications(name: str, models: Mapping[str, str], releases: Releases) -> list[str]:
    """Returns the generators that would answer under a name, the preferred one first; none for the
    service itself, whose release is not drawn yet."""
    settings = releases.settings()
    name = settings.named(name)
    release = settings.releases.get(name.removeprefix(f"{SERVICE}:"))
    if name.startswith(f"{SERVICE}:") and release is not None:
        return list(release.generator)
    known = [application for application, model in models.items() if model == name]
    # A name that nobody has is that of one which does not say its own.
    return known or [application for application, model in models.items() if not model]


def _cost_usd(
    model: str, facts: RequestFacts, figures: PaceFigures | None, prices: PriceTable
) -> float | None:
    """Returns what an answer costs, by what its answers used lately or else by a rough guess."""
    found = prices.of(model)
    if found is None:
        return None
    if figures is None:
        prompt_tokens: float = facts.prompt_chars / _CHARS_PER_TOKEN
        completion_tokens: float = facts.max_tokens or _USUAL_ANSWER_TOKENS
    else:
        prompt_tokens, completion_tokens = figures.prompt_tokens, figures.completion_tokens
    return (
        prompt_tokens * found.prompt_usd_per_million_tokens
        + completion_tokens * found.completion_usd_per_million_tokens
    ) / 1e6
