"""What works on one machine alone, refused where a cluster has several."""

import ray

from deployments.contracts.errors import ConfigError

_SQLITE = "sqlite:"


def require_shared(database_url: str) -> str:
    """Returns the URL of a database that all replicas of this cluster reach.

    A file is another one on each node: rollouts would stand in one, and the record of them read
    from another.

    Raises:
        ConfigError: it is a file, and the cluster has several nodes.
    """
    _require_no_file(
        database_url,
        "RAGSERVE_DATABASE_URL names a file, or nothing, and the cluster has several nodes: "
        "each would have records of its own. Name a PostgreSQL database, in the environment of "
        "`ray start` on every node.",
    )
    return database_url


def require_one_cache(url: str) -> None:
    """Checks that all replicas of this cluster have one response cache: what is deleted in one must
    be gone in all.

    Raises:
        ConfigError: it is a file, and the cluster has several nodes.
    """
    _require_no_file(
        url,
        "RAGSERVE_CACHE_URL names a file, and the cluster has several nodes: each would have "
        "a response cache of its own, and go on giving what was deleted in another. Name a "
        "Redis server, in the environment of `ray start` on every node.",
    )


def _require_no_file(url: str, otherwise: str) -> None:
    if url.startswith(_SQLITE) and _node_count() > 1:
        raise ConfigError(otherwise)


def _node_count() -> int:
    if not ray.is_initialized():
        return 1
    return sum(bool(node.get("Alive")) for node in ray.nodes())  # type: ignore[no-untyped-call]
