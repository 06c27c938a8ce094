"""From the environment to the store of answers."""

import logging
from collections.abc import Mapping
from pathlib import Path

from app.cache.response_cache import ResponseCache
from app.cache.stores.operations import Store
from app.cache.stores.sqlite_store import SqliteStore
from app.settings.cache import CacheArgs
from app.storage.circuit import StoreAway
from deployments.contracts.errors import ConfigError

_log = logging.getLogger("ray.serve")
CACHE_URL_VARIABLE = "RAGSERVE_CACHE_URL"
DATABASE_URL_VARIABLE = "RAGSERVE_DATABASE_URL"
_SQLITE = "sqlite:///"
_REDIS = ("redis://", "rediss://", "unix://")


def cache_url(environment: Mapping[str, str], *, database: str | None = None) -> str:
    """Returns where answers are kept: what the environment says, or a file beside a database that
    is a file; empty where there is neither.

    Args:
        environment: Names the store.
        database: Where keys are kept; None for what the environment says.
    """
    if url := environment.get(CACHE_URL_VARIABLE, "").strip():
        return url
    beside = database or environment.get(DATABASE_URL_VARIABLE, "").strip()
    if not beside.startswith(_SQLITE):
        return ""
    return _SQLITE + str(Path(beside.removeprefix(_SQLITE)).with_name("cache.db"))


def open_cache(url: str, args: CacheArgs) -> ResponseCache | None:
    """Returns the response cache of a replica; None where there is no place for one. Nothing is
    begun yet.

    Args:
        url: See `cache_url`.
        args: How much it may keep.

    Raises:
        ConfigError: the URL names no store, or leads to something else.
    """
    return ResponseCache(_open_store(url, args)) if url else None


def _open_store(url: str, args: CacheArgs) -> Store:
    if url.startswith(_SQLITE):
        path = Path(url.removeprefix(_SQLITE))
        return SqliteStore(path, max_bytes=args.max_bytes, tenant_bytes=args.tenant_bytes)
    if not url.startswith(_REDIS):
        raise ConfigError(f"{CACHE_URL_VARIABLE} must be sqlite:///<path> or redis://<host>.")
    from app.cache.stores.redis_store import RedisStore

    store = RedisStore(url, tenant_bytes=args.tenant_bytes)
    try:
        store.check()
    except StoreAway as error:
        _log.warning("the store of the response cache is away: %s", error)
    return store
