"""The check of a Serve config for a cluster of several machines: what would differ from one to the
other, or be reached on one alone."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from app.settings.check import is_loopback
from deployments.contracts.errors import ConfigError

_SQLITE = "sqlite:"


def check_for_several_nodes(content: Mapping[str, Any], path: str | Path) -> None:
    """Refuses what works on one machine only.

    Args:
        content: A config that has passed the other checks.
        path: The file that errors name.

    Raises:
        ConfigError: names each place and what to write there, one per line.
    """
    problems = list(problems_on_several_nodes(content))
    if problems:
        raise ConfigError(f"{path}: the cluster has several nodes.\n" + "\n".join(problems))


def problems_on_several_nodes(content: Mapping[str, Any]) -> Iterator[str]:
    """Yields each place that works on one machine only, and what to write there."""
    location = content.get("proxy_location", "EveryNode")
    if location != "EveryNode":
        yield (
            f"proxy_location is {location}: a load balancer or a probe that asks another node gets "
            "no answer. Write EveryNode."
        )
    host = str((content.get("http_options") or {}).get("host", "0.0.0.0"))
    if is_loopback(host):
        yield (
            f"http_options.host is {host}: the proxies of other nodes reach no replica there. "
            "Write 0.0.0.0, and `auth: required`."
        )
    for application in content["applications"]:
        args = application.get("args") or {}
        for place, value in _texts(args, f"{application.get('name')}.args"):
            if value.startswith(_SQLITE):
                yield f"{place} is a file of one node: name a PostgreSQL database."
            elif _leads_to_loopback(value):
                yield f"{place} is {value}: on each node that is another server, or none."


def _texts(value: object, place: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield place, value
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _texts(inner, f"{place}.{name}")
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _texts(inner, f"{place}[{number}]")


def _leads_to_loopback(value: str) -> bool:
    if "://" not in value:
        return False
    try:
        host = urlsplit(value).hostname
    except ValueError:
        return False
    return host is not None and is_loopback(host)
