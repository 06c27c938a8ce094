"""What a Serve config file deploys, as far as it decides the quality of answers."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from app.settings.check import check_serve_config
from app.settings.live.gateway import GatewayLive
from app.settings.live.release import Release
from app.settings.retrieval import RetrievalArgs
from deployments.contracts.errors import ConfigError
from deployments.generator.config import GeneratorArgs
from deployments.settings import parse_settings

DEFAULT_CONFIG = Path(__file__).parents[2] / "serve_config.yaml"


@dataclass(frozen=True, slots=True)
class Deployed:
    """A release of a config file, the settings it is part of, and the arguments of its retrieval
    and generator applications, by their names."""

    name: str
    live: GatewayLive
    retrieval: Mapping[str, Any]
    generators: Mapping[str, Mapping[str, Any]]

    @property
    def release(self) -> Release:
        """Its parameters."""
        return self.live.releases[self.name]


def read_deployed(config: Path, release: str | None = None) -> Deployed:
    """Returns a release of a config file; without a name the one with the most traffic, ties by
    name.

    Raises:
        ConfigError: the file is not right, or has no such release.
    """
    content = check_serve_config(config)
    args = {one["name"]: one.get("args") or {} for one in content["applications"]}
    live = _live_settings(config, content)
    traffic = live.traffic
    name = release or min(traffic, key=lambda one: (-traffic[one], one))
    if name not in live.releases:
        known = ", ".join(sorted(live.releases))
        raise ConfigError(f"{config} has no release '{name}'. It has: {known}.")
    chosen = live.releases[name]
    generators = {application: args[application] for application in chosen.generator}
    return Deployed(name, live, args[chosen.retrieval], generators)


def with_settings(deployed: Deployed, changes: Mapping[str, Any]) -> Deployed:
    """Returns what a file would deploy that had other values at these places: `retrieval.` begins a
    place in the arguments of its retrieval application, `generator.` one in those of its
    generators, `release.` one of its own parameters.

    Raises:
        ConfigError: there is no such place, or the value is not right there.
    """
    sections: dict[str, dict[str, Any]] = {"retrieval": {}, "generator": {}, "release": {}}
    for place, value in changes.items():
        section, _, rest = place.partition(".")
        if section not in sections or not rest:
            raise ConfigError(f"'{place}' does not begin with one of: {', '.join(sections)}.")
        sections[section][rest] = value
    retrieval = with_changes(deployed.retrieval, sections["retrieval"])
    generators = {
        name: with_changes(args, sections["generator"])
        for name, args in deployed.generators.items()
    }
    parse_settings(RetrievalArgs, retrieval, place="retrieval")
    for args in generators.values():
        parse_settings(GeneratorArgs, args, place="generator")
    parameters = with_changes(deployed.release.model_dump(), sections["release"])
    release = parse_settings(Release, parameters, place="release")
    releases = {**deployed.live.releases, deployed.name: release}
    live = deployed.live.model_copy(update={"releases": releases})
    return Deployed(deployed.name, live, retrieval, generators)


def with_changes(args: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Returns arguments with other values at dotted places, such as `embedder.threads`.

    >>> with_changes({"a": {"b": 1}}, {"a.b": 2, "c": 3})
    {'a': {'b': 2}, 'c': 3}
    """
    changed = copy.deepcopy(dict(args))
    for place, value in changes.items():
        *parents, last = place.split(".")
        section = changed
        for parent in parents:
            section = section.setdefault(parent, {})
            if not isinstance(section, dict):
                raise ConfigError(f"'{place}' is no place in the settings.")
        section[last] = value
    return changed


def parse_change(text: str) -> tuple[str, Any]:
    """Returns place and value of `place=value`; the value is read as YAML.

    Raises:
        ConfigError: it is not of this form.
    """
    place, equals, value = text.partition("=")
    if not equals or not place:
        raise ConfigError(f"'{text}' is not PLACE=VALUE.")
    try:
        return place, yaml.safe_load(value)
    except yaml.YAMLError as error:
        raise ConfigError(f"'{text}': the value is not YAML.") from error


def _live_settings(config: Path, content: Mapping[str, Any]) -> GatewayLive:
    for application in content["applications"]:
        for deployment in application.get("deployments") or []:
            if deployment.get("name") == "Ingress":
                return GatewayLive.model_validate(deployment.get("user_config"))
    raise ConfigError(f"{config} has no gateway with releases.")
