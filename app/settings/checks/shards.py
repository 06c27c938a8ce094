"""Holds the deployments that a Serve config names against the number of shards."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from deployments.contracts.errors import ConfigError
from deployments.sharding.deal import deployment_names

_RETRIEVER = re.compile(r"Retriever(-.*)?")


def check_shards(place: str, shards: int, deployments: Sequence[Mapping[str, Any]]) -> None:
    """Raises ConfigError where an application names deployments of another number of shards, which
    Serve would refuse in words of its own, or leaves one out, whose replicas nobody would count.

    Args:
        place: What errors call the application.
        shards: Of the application's `args`.
        deployments: Of the application.
    """
    named = {str(one.get("name")) for one in deployments}
    wanted = deployment_names(shards)
    given = sorted((name for name in named if _RETRIEVER.fullmatch(name)), key=_place)
    if not named or tuple(given) == wanted or (shards == 1 and not given):
        return
    raise ConfigError(
        f"{place}.deployments: with `shards: {shards}` the retriever is deployed as "
        f"{_listed(wanted)}, and the file names {_listed(given) if given else 'none of it'}. "
        "Each shard has replicas and resources of its own: docs/cluster.md."
    )


def _place(name: str) -> tuple[int, str]:
    """Returns what sorts names by the numbers at their ends."""
    return len(name), name


def _listed(names: Sequence[str]) -> str:
    """Returns names for a sentence; of many the first and the last."""
    return " and ".join(names) if len(names) < 3 else f"{names[0]} to {names[-1]}"
