"""The check of a whole Serve config file: every part of it that is ours, before it is deployed."""

import sys
from ipaddress import ip_address
from pathlib import Path
from typing import Any, cast

import yaml
from pydantic import BaseModel

from app.settings.checks.grpc import check_grpc
from app.settings.checks.shards import check_shards
from app.settings.cold.gateway import GatewayArgs
from app.settings.live.gateway import GatewayLive
from app.settings.live.moderation import LocalClassifierArgs
from app.settings.live.release import Release, as_tuple
from app.settings.retrieval import RetrievalArgs
from deployments.contracts.errors import ConfigError
from deployments.control.config import ControlArgs
from deployments.generator.config import GeneratorArgs
from deployments.retriever.config import StoreArgs
from deployments.settings import parse_settings

ARGS_OF_BUILDER: dict[str, type[BaseModel]] = {
    "app.builder:build_gateway": GatewayArgs,
    "app.builder:build_retrieval": RetrievalArgs,
    "app.builder:build_generator": GeneratorArgs,
    "app.builder:build_control": ControlArgs,
}


def check_serve_config(path: str | Path) -> dict[str, Any]:
    """Returns the content of a Serve config file after checking every part of it that is ours.

    Raises:
        ConfigError: names the file, the place in it and what is wrong there.
    """
    try:
        content = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}).") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: is not UTF-8 text.") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: is not YAML: {error}") from error
    check_content(content, path)
    return cast(dict[str, Any], content)


def check_content(content: Any, path: str | Path) -> None:
    """Checks what a config file holds; raises as `check_serve_config`.

    Args:
        content: What was read, or made from what was read.
        path: The file that errors name.
    """
    if not isinstance(content, dict) or not content.get("applications"):
        raise ConfigError(f"{path}: has no `applications`.")
    applications = _mappings(path, "applications", content["applications"])
    names = {application.get("name") for application in applications}
    for application in applications:
        _check_application(path, application, names)
    _check_tls(path, content)
    _check_access(path, content, applications)
    check_grpc(path, content, applications)
    for application in applications:
        _check_release_targets(path, application, names)
        _check_searchers(path, application, applications)
        _check_control(path, application, names)


def _check_tls(path: str | Path, content: dict[str, Any]) -> None:
    """Checks that nobody relies on encryption that there is not."""
    for name, value in (content.get("http_options") or {}).items():
        if name.startswith("ssl_") and value:
            raise ConfigError(
                f"{path}: http_options.{name} has no effect: HAProxy takes the requests, and Ray"
                " has it speak plain HTTP. Leave it out, and let a proxy in front end TLS:"
                " docs/kubernetes.md has one, for machines without Kubernetes, too."
            )


def _check_access(
    path: str | Path, content: dict[str, Any], applications: list[dict[str, Any]]
) -> None:
    """Checks that a service which asks for no keys listens on this machine alone."""
    # Serve's own default in a config file is every interface.
    host = str((content.get("http_options") or {}).get("host", "0.0.0.0"))
    if is_loopback(host):
        return
    for application in applications:
        if application.get("import_path") != "app.builder:build_gateway":
            continue
        if (application.get("args") or {}).get("auth", "open") == "open":
            raise ConfigError(
                f"{path}: {application.get('name')}.args.auth is `open`, and the service listens on"
                f" {host}: anybody who reaches it could read and delete every document. Set"
                " `auth: required` and make keys, or `http_options.host` to 127.0.0.1."
            )


def is_loopback(host: str) -> bool:
    """Returns whether a server that is bound to a host can be reached from this machine alone.

    >>> is_loopback("127.0.0.1"), is_loopback("localhost"), is_loopback("0.0.0.0")
    (True, True, False)
    """
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _check_application(
    path: str | Path, application: dict[str, Any], names: set[str | None]
) -> None:
    name = application.get("name", "?")
    model = ARGS_OF_BUILDER.get(application.get("import_path", ""))
    if model is None:
        return
    args = parse_settings(model, application.get("args") or {}, place=f"{path}: {name}.args")
    deployments = _mappings(path, f"{name}.deployments", application.get("deployments"))
    if isinstance(args, RetrievalArgs):
        check_shards(f"{path}: {name}", args.shards, deployments)
    for deployment in deployments:
        place = f"{name}.{deployment.get('name')}"
        if deployment.get("name") == "Ingress" and isinstance(args, GatewayArgs):
            place = f"{path}: {place}.user_config"
            live = parse_settings(GatewayLive, deployment.get("user_config"), place=place)
            _check_embedders(place, live, names)
            _check_admission(path, args, deployment)
            for release_name, release in live.releases.items():
                _check_time_limits(f"{place}.releases.{release_name}", release, args)
        if deployment.get("name") == "Retriever" and isinstance(args, RetrievalArgs):
            _check_embedded_store(path, place, args.store, deployment)


def _check_admission(path: str | Path, args: GatewayArgs, deployment: dict[str, Any]) -> None:
    ongoing = deployment.get("max_ongoing_requests")
    if isinstance(ongoing, int) and args.max_concurrent_requests >= ongoing:
        raise ConfigError(
            f"{path}: Ingress: max_concurrent_requests ({args.max_concurrent_requests}) must be "
            f"below max_ongoing_requests ({ongoing}), whose refusals have no problem body."
        )
    scaling = deployment.get("autoscaling_config") or {}
    replicas = scaling.get("max_replicas", deployment.get("num_replicas"))
    if isinstance(replicas, int) and replicas > args.limits.max_replicas:
        raise ConfigError(
            f"{path}: Ingress: there may be {replicas} replicas, and limits.max_replicas is "
            f"{args.limits.max_replicas}: without their store, they would let pass more than the "
            "limits say."
        )


def _check_time_limits(place: str, release: Release, args: GatewayArgs) -> None:
    """Checks what was written down: a default that is larger than a short time limit is no
    contradiction, since what is left of the request's time bounds it anyway."""
    several = len(release.generator) > 1
    for name, counts in (("first_token_timeout_s", several), ("rerank_timeout_s", release.rerank)):
        limit_s: float = getattr(release, name)
        if counts and name in release.model_fields_set and limit_s >= args.request_timeout_s:
            raise ConfigError(
                f"{place}: {name} ({limit_s:g}) must be below the gateway's request_timeout_s "
                f"({args.request_timeout_s:g}): nothing would be left for what follows."
            )


def _check_embedded_store(
    path: str | Path, place: str, store: StoreArgs, deployment: dict[str, Any]
) -> None:
    scaling = deployment.get("autoscaling_config") or {}
    asked = (scaling.get("max_replicas"), deployment.get("num_replicas"))  # a number, or "auto"
    more = [replicas for replicas in asked if replicas not in (None, 1)]
    if store.path is not None and more:
        raise ConfigError(
            f"{path}: {place}: an embedded store (`store.path`) can be opened by one replica, and "
            f"the file asks for {more[0]}. Set one replica, or give a server's `store.url`."
        )


def _check_release_targets(
    path: str | Path, application: dict[str, Any], names: set[str | None]
) -> None:
    for deployment in application.get("deployments") or []:
        releases = (deployment.get("user_config") or {}).get("releases") or {}
        for release, vector in releases.items():
            for kind in ("retrieval", "generator"):
                for name in as_tuple(vector.get(kind)):
                    if name not in names:
                        raise ConfigError(
                            f"{path}: release '{release}' names the {kind} application "
                            f"'{name}', which the file does not have."
                        )


def _check_embedders(place: str, live: GatewayLive, names: set[str | None]) -> None:
    """Checks that local classifiers of moderation have an embedder."""
    for name, classifier in live.moderation.classifiers.items():
        if isinstance(classifier, LocalClassifierArgs) and classifier.retrieval not in names:
            raise ConfigError(
                f"{place}.moderation.classifiers.{name}: names the retrieval application "
                f"'{classifier.retrieval}', which the file does not have."
            )


def _check_searchers(
    path: str | Path, application: dict[str, Any], applications: list[dict[str, Any]]
) -> None:
    """Checks that whoever is to search by itself can."""
    able = {
        other.get("name")
        for other in applications
        if other.get("import_path") == "app.builder:build_generator"
        and GeneratorArgs.model_validate(other.get("args") or {}).chooses_tools
    }
    for deployment in application.get("deployments") or []:
        releases = (deployment.get("user_config") or {}).get("releases") or {}
        for release, vector in releases.items():
            names = as_tuple(vector.get("generator"))
            if vector.get("search") == "tool" and not able.intersection(names):
                raise ConfigError(
                    f"{path}: release '{release}' has `search: tool`, and none of its generators "
                    "calls functions by its own choice: name one with the engine openai, or with "
                    "the engine vllm and a `tool_call_parser`."
                )


def _check_control(path: str | Path, application: dict[str, Any], names: set[str | None]) -> None:
    if application.get("import_path") != "app.builder:build_gateway":
        return
    control = (application.get("args") or {}).get("control")
    if control is not None and control not in names:
        raise ConfigError(
            f"{path}: {application.get('name')}.args.control names the application '{control}', "
            "which the file does not have."
        )


def _mappings(path: str | Path, place: str, value: Any) -> list[dict[str, Any]]:
    found = value or []
    if not isinstance(found, list) or not all(isinstance(entry, dict) for entry in found):
        raise ConfigError(f"{path}: {place}: must be a list of mappings.")
    return found


def main(paths: list[str]) -> int:
    """Checks config files, prints what is wrong, and returns the exit code."""
    failures = 0
    for path in paths:
        try:
            check_serve_config(path)
        except ConfigError as error:
            failures += 1
            sys.stderr.write(f"{error}\n")
        else:
            sys.stdout.write(f"{path}: ok\n")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
