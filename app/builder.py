"""The applications that `serve_config.yaml` names; the only file that knows all deployments.

Builders take a mapping and validate it themselves: Serve's own conversion is skipped in silence
where annotations are postponed.
"""

from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from ray import serve
from ray.serve import Application, Deployment

from app.config import GatewayArgs, RetrievalArgs
from app.ingress import Ingress
from deployments.embedder.deployment import Embedder
from deployments.errors import ConfigError
from deployments.generator.config import GeneratorArgs
from deployments.generator.deployment import Generator
from deployments.indexer.deployment import Indexer
from deployments.reranker.deployment import Reranker
from deployments.retriever.deployment import Retriever

Args = TypeVar("Args", bound=BaseModel)


def build_gateway(args: dict[str, Any]) -> Application:
    """Returns the application `gateway`: the HTTP edge alone."""
    settings = _validate(GatewayArgs, args)
    return _deployment(serve.ingress()(Ingress), "Ingress").bind(settings.model_dump())


def build_retrieval(args: dict[str, Any]) -> Application:
    """Returns one version of the retrieval side: embedder, retriever, reranker and indexer.

    Serve wants one deployment at the root; the indexer is it, because it holds the handles of two
    others.
    """
    settings = _validate(RetrievalArgs, args)
    embedder = _deployment(Embedder, "Embedder").bind(settings.embedder.model_dump())
    retriever = _deployment(Retriever, "Retriever").bind({"store": settings.store.model_dump()})
    reranker = _deployment(Reranker, "Reranker").bind(settings.reranker.model_dump())
    return _deployment(Indexer, "Indexer").bind(
        settings.indexer().model_dump(), embedder, retriever, reranker
    )


def build_generator(args: dict[str, Any]) -> Application:
    """Returns one version of the generator."""
    settings = _validate(GeneratorArgs, args)
    return _deployment(Generator, "Generator").bind(settings.model_dump())


def _deployment(cls: type, name: str) -> Deployment:
    return serve.deployment(name=name)(cls)


def _validate(model: type[Args], args: dict[str, Any]) -> Args:
    try:
        return model.model_validate(args)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise ConfigError(f"args.{place}: {first['msg']}") from error
