"""The Serve config of a stack that generates: the gateway as it is shipped, generators, and a
retrieval side that does no work, because a release must have one."""

from collections.abc import Mapping, Sequence
from typing import Any

_RETRIEVAL = "retrieval-noop"
_LIGHT: Mapping[str, Any] = {"max_ongoing_requests": 64, "ray_actor_options": {"num_cpus": 0.1}}


def serve_config(generators: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Returns a config whose releases are one per generator application.

    Args:
        generators: Applications, as `vllm_application` and `noop_application` give them.
    """
    names = [str(generator["name"]) for generator in generators]
    return {
        "proxy_location": "HeadOnly",
        "http_options": {"host": "127.0.0.1", "port": 8000},
        "logging_config": {"encoding": "JSON", "enable_access_log": False},
        "applications": [_gateway(names), _retrieval(), *generators],
    }


def vllm_application(name: str, *, model: str, engine_args: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the application that `ragserve up --engine vllm` deploys, with arguments for vLLM.

    Args:
        name: Of the application, and what requests call the model.
        model: A folder.
        engine_args: As in a generator's settings.
    """
    vllm = {"model": model, "engine_args": dict(engine_args)}
    return {
        "name": name,
        "route_prefix": None,
        "import_path": "app.builder:build_generator",
        "args": {"engine": "vllm", "name": name, "vllm": vllm},
        "deployments": [
            {
                "name": "Generator",
                "num_replicas": 1,
                "max_ongoing_requests": 64,
                "max_queued_requests": 64,
                "health_check_period_s": 2,
                "ray_actor_options": {"num_cpus": 1},
            }
        ],
    }


def noop_application(name: str, *, delta_window_ms: float) -> dict[str, Any]:
    """Returns an application of `noop_generator`.

    Args:
        name: Of the application, and what requests call the model.
        delta_window_ms: As in a generator's settings.
    """
    return {
        "name": name,
        "route_prefix": None,
        "import_path": "benchmarks.generation_study.noop_generator:build_generator",
        "args": {"name": name, "delta_window_ms": delta_window_ms},
        "deployments": [{"name": "Generator", **_LIGHT}],
    }


def _gateway(generators: Sequence[str]) -> dict[str, Any]:
    releases = {name: {"retrieval": _RETRIEVAL, "generator": name} for name in generators}
    return {
        "name": "gateway",
        "route_prefix": "/",
        "import_path": "app.builder:build_gateway",
        "deployments": [
            {
                "name": "Ingress",
                "max_ongoing_requests": 512,
                "max_queued_requests": 512,
                "ray_actor_options": {"num_cpus": 0.2},
                "user_config": {"releases": releases, "traffic": {generators[0]: 1.0}},
            }
        ],
    }


def _retrieval() -> dict[str, Any]:
    stages = ("Embedder", "Retriever", "Reranker", "Indexer")
    return {
        "name": _RETRIEVAL,
        "route_prefix": None,
        "import_path": "benchmarks.noop.stages:build_retrieval",
        "deployments": [{"name": stage, **_LIGHT} for stage in stages],
    }
