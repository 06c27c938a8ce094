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


def open_cache(
    args: CacheArgs, environment: Mapping[str, str], *, database: str | None = None
) -> ResponseCache | None:
    """Returns the response cache of a replica; None where there is no place for one: no URL is
    given, and the database is no file that it could lie beside. Nothing is begun yet.

    Args:
        args: How much it may keep.
        environment: Names the store.
        database: Where keys are kept; None for what the environment says.

    Raises:
        ConfigError: the URL names no store, or leads to something else.
    """
    url = environment.get(CACHE_URL_VARIABLE, "").strip()
    if not url:
        beside = database or environment.get(DATABASE_URL_VARIABLE, "").strip()
        if not beside.startswith(_SQLITE):
            return None
        url = _SQLITE + str(Path(beside.removeprefix(_SQLITE)).with_name("cache.db"))
    return ResponseCache(_open_store(url, args))


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
