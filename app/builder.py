"""The applications that `serve_config.yaml` names; the only file that knows all deployments.

Builders take a mapping and validate it themselves: Serve's own conversion is skipped in silence
where annotations are postponed. Each imports what its application needs: Serve builds each in a
process of its own, which would spend more on importing the others than on all the rest.
"""

from typing import Any

from app.cluster.own_packages import require_own_deployments

require_own_deployments()

from ray import serve
from ray.serve import Application, Deployment

from deployments.settings import parse_settings


def build_gateway(args: dict[str, Any]) -> Application:
    """Returns the application `gateway`: the HTTP edge alone."""
    from app.ingress import Ingress
    from app.settings.cold.gateway import GatewayArgs

    settings = parse_settings(GatewayArgs, args, place="args")
    return _deployment(serve.ingress()(Ingress), "Ingress").bind(settings.model_dump())


def build_retrieval(args: dict[str, Any]) -> Application:
    """Returns one version of the retrieval side: embedder, retriever, reranker and indexer.

    Serve wants one deployment at the root; the indexer is it, because it holds the handles of two
    others.
    """
    from app.settings.retrieval import RetrievalArgs
    from deployments.embedder.deployment import Embedder
    from deployments.indexer.deployment import Indexer
    from deployments.reranker.deployment import Reranker
    from deployments.retriever.deployment import Retriever
    from deployments.retriever.shard import RetrieverShard
    from deployments.sharding.deal import deployment_names

    settings = parse_settings(RetrievalArgs, args, place="args")
    kept = settings.kept_token_vectors()
    token_vectors = None if kept is None else kept.model_dump()
    shared = token_vectors if settings.shares_token_vectors else None
    embedder = _deployment(Embedder, "Embedder").bind(settings.embedder.model_dump(), shared)
    names = deployment_names(settings.shards)
    retrievers = [
        _deployment(Retriever if len(names) == 1 else RetrieverShard, name).bind(
            settings.retriever(shard).model_dump()
        )
        for shard, name in enumerate(names, start=1)
    ]
    reranker = _deployment(Reranker, "Reranker").bind(settings.reranker.model_dump(), token_vectors)
    return _deployment(Indexer, "Indexer").bind(
        settings.indexer().model_dump(), embedder, retrievers, reranker
    )


def build_generator(args: dict[str, Any]) -> Application:
    """Returns one version of the generator.

    An engine on several GPUs gets a placement group of one bundle per GPU; its workers are Ray
    actors in it, on one machine where that has room for them.
    """
    from deployments.generator.config import GeneratorArgs
    from deployments.generator.deployment import Generator

    settings = parse_settings(GeneratorArgs, args, place="args")
    generator = _deployment(Generator, "Generator")
    if settings.engine == "vllm" and settings.vllm is not None and settings.vllm.gpus > 1:
        bundles = [{"CPU": 1.0, "GPU": 1.0}] * settings.vllm.gpus
        generator = generator.options(
            placement_group_bundles=bundles, placement_group_strategy="PACK"
        )
    return generator.bind(settings.model_dump())


def build_control(args: dict[str, Any]) -> Application:
    """Returns the application `control`: rollouts, what is written down of them, and batches.

    Serve wants one deployment at the root, which holds the handles of the others.
    """
    from deployments.batches.deployment import BatchKeeper
    from deployments.control.config import ControlArgs
    from deployments.control.deployment import RolloutController
    from deployments.tracking.deployment import Tracker

    settings = parse_settings(ControlArgs, args, place="args").model_dump(mode="json")
    tracker = _deployment(Tracker, "Tracker").bind(settings)
    batches = _deployment(BatchKeeper, "BatchKeeper")
    # What a file says of it counts; one of an older version says nothing.
    batches = batches.options(ray_actor_options={"num_cpus": 0.1}, max_ongoing_requests=100)
    return _deployment(RolloutController, "RolloutController").bind(
        settings, tracker, batches.bind(settings)
    )


def _deployment(cls: type, name: str) -> Deployment:
    return serve.deployment(name=name)(cls)
