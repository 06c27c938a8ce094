"""From the environment to a store that all replicas share: a file of this machine, or Redis."""

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol, TypeVar

from app.storage.circuit import StoreAway
from deployments.contracts.errors import ConfigError

_log = logging.getLogger("ray.serve")
DATABASE_URL_VARIABLE = "RAGSERVE_DATABASE_URL"
LIMITS_URL_VARIABLE = "RAGSERVE_LIMITS_URL"
CACHE_URL_VARIABLE = "RAGSERVE_CACHE_URL"
_SQLITE = "sqlite:///"
REDIS_SCHEMES = ("redis://", "rediss://", "unix://")


class CheckedStore(Protocol):
    """A store on a server."""

    def check(self) -> None:
        """See `RedisLink.check`."""
        ...


InFile = TypeVar("InFile")
InRedis = TypeVar("InRedis", bound=CheckedStore)


def named_database(environment: Mapping[str, str], database: str | None) -> str:
    """Returns where keys are kept: what the settings say, or else the environment; empty where
    nobody has named a database."""
    return database or environment.get(DATABASE_URL_VARIABLE, "").strip()


def store_url(
    environment: Mapping[str, str], variable: str, *, database: str | None, file: str
) -> str:
    """Returns where a store is: what a variable says, or a file beside a database that is a file,
    because that writes every change through to the disk; empty where there is neither.

    Args:
        environment: Names the store.
        variable: By which it does.
        database: Where keys are kept; None for what the environment says.
        file: Name of the file beside.
    """
    if url := environment.get(variable, "").strip():
        return url
    beside = named_database(environment, database)
    if not beside.startswith(_SQLITE):
        return ""
    return _SQLITE + str(Path(beside.removeprefix(_SQLITE)).with_name(file))


def open_named(
    url: str,
    variable: str,
    *,
    what: str,
    in_file: Callable[[Path], InFile],
    in_redis: Callable[[str], InRedis],
) -> InFile | InRedis:
    """Returns the store that a URL names; a server that does not answer may come later.

    Args:
        url: `sqlite:///<path>`, or Redis.
        variable: Names the URL in errors.
        what: What the log calls the store.
        in_file: Opens one in a file.
        in_redis: Opens one in Redis.

    Raises:
        ConfigError: it names none, or leads to something else.
    """
    if url.startswith(_SQLITE):
        return in_file(Path(url.removeprefix(_SQLITE)))
    if not url.startswith(REDIS_SCHEMES):
        raise ConfigError(f"{variable} must be sqlite:///<path> or redis://<host>.")
    store = in_redis(url)
    try:
        store.check()
    except StoreAway as error:
        _log.warning("the store of %s is away: %s", what, error)
    return store
