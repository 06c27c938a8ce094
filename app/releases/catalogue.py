"""Every name that a request may give as its `model`, and what each is for."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from app.releases.model_names import SERVICE, facts_of
from app.releases.releases import Releases
from app.releases.route import Route
from app.request.scope import RequestScope
from app.settings.live.prices import Prices
from app.settings.live.routing import AUTO, DYNAMIC
from deployments.contracts.stages import Stage
from deployments.serving.concurrently import gather_or_cancel

Purpose = Literal["chat", "completions", "embeddings", "rerank"]
Facts = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """A name, and what is known of what answers to it.

    Attributes:
        name: What a request writes.
        purposes: What it may be asked for.
        engine: The model itself, by its own name; empty where that depends on the request.
        max_model_tokens: What it reads and writes at most together; None where it has no bound, or
            does not say.
        streams: Whether it writes piece by piece.
        prices: What its tokens cost; None where nobody said.
        alias_of: The name that it stands for; empty for one of its own.
    """

    name: str
    purposes: tuple[Purpose, ...]
    engine: str = ""
    max_model_tokens: int | None = None
    streams: bool = False
    prices: Prices | None = None
    alias_of: str = ""


async def catalogue(releases: Releases, scope: RequestScope) -> dict[str, ModelEntry]:
    """Returns every name with its entry, the service's first. A stage that does not answer has no
    name here, and a name that nothing accepts is none."""
    routes = [releases.route(name) for name in releases.names()]
    main = releases.main()
    generators = list(releases.generators().values())
    stages: list[Stage] = [main.retrieval.embedder, main.retrieval.reranker, *generators]
    stages += [route.generator for route in routes]
    facts = await gather_or_cancel(*(facts_of(stage, scope) for stage in stages))
    embedder, reranker, *rest = facts
    direct, of_routes = rest[: len(generators)], rest[len(generators) :]
    by_route = {route.name: found for route, found in zip(routes, of_routes, strict=True)}
    entries = [
        _of_release(SERVICE, main, by_route[main.name], releases, is_main=True),
        ModelEntry(AUTO, ("chat",)),
        ModelEntry(DYNAMIC, ("chat",), alias_of=AUTO),
        *(
            _of_release(
                f"{SERVICE}:{route.name}",
                route,
                by_route[route.name],
                releases,
                is_main=route.name == main.name,
            )
            for route in routes
        ),
        *(_of_generator(found, releases) for found in direct if found.get("language_model")),
        ModelEntry(_name(embedder), ("embeddings",), _name(embedder), _tokens(embedder)),
        ModelEntry(_name(reranker), ("rerank",), _name(reranker)),
    ]
    known = _by_name(entries)
    for alias, target in releases.settings().aliases.items():
        if target in known:
            known.setdefault(alias, replace(known[target], name=alias, alias_of=target))
    return known


def _by_name(entries: list[ModelEntry]) -> dict[str, ModelEntry]:
    """Returns the entries by name: one model may be in two stages."""
    known: dict[str, ModelEntry] = {}
    for entry in entries:
        first = known.get(entry.name)
        if first is not None:
            purposes = tuple(dict.fromkeys((*first.purposes, *entry.purposes)))
            known[entry.name] = replace(first, purposes=purposes)
        elif entry.name:
            known[entry.name] = entry
    return known


def _of_release(
    name: str, route: Route, generator: Facts, releases: Releases, *, is_main: bool
) -> ModelEntry:
    purposes: list[Purpose] = ["chat"]
    if generator.get("language_model"):
        purposes.append("completions")
    if is_main:  # vectors and scores of two models do not compare
        purposes += ("embeddings", "rerank")
    return replace(_of_generator(generator, releases), name=name, purposes=tuple(purposes))


def _of_generator(facts: Facts, releases: Releases) -> ModelEntry:
    name = _name(facts)
    return ModelEntry(
        name,
        ("chat", "completions"),
        engine=name,
        max_model_tokens=_tokens(facts),
        streams=bool(facts.get("language_model")),
        prices=releases.settings().prices.of(name),
    )


def _name(facts: Facts) -> str:
    return str(facts.get("model", ""))


def _tokens(facts: Facts) -> int | None:
    found = facts.get("max_model_tokens", facts.get("max_tokens"))
    return found if isinstance(found, int) else None
