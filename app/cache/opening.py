"""From the environment to the store of answers."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from app.cache.response_cache import ResponseCache
from app.cache.stores.operations import Store
from app.cache.stores.sqlite_store import SqliteStore
from app.settings.cold.cache import CacheArgs
from app.storage.opening import CACHE_URL_VARIABLE, open_named, store_url

if TYPE_CHECKING:
    from app.cache.stores.redis_store import RedisStore


def cache_url(environment: Mapping[str, str], *, database: str | None = None) -> str:
    """Returns where answers are kept; see `store_url`."""
    return store_url(environment, CACHE_URL_VARIABLE, database=database, file="cache.db")


def open_cache(url: str, args: CacheArgs) -> ResponseCache | None:
    """Returns the response cache of a replica; None where there is no place for one. Nothing is
    begun yet.

    Args:
        url: See `cache_url`.
        args: How much it may keep.

    Raises:
        ConfigError: the URL names no store, or leads to something else.
    """

    def in_redis(url: str) -> "RedisStore":
        from app.cache.stores.redis_store import RedisStore

        return RedisStore(url, tenant_bytes=args.tenant_bytes)

    if not url:
        return None
    store: Store = open_named(
        url,
        CACHE_URL_VARIABLE,
        what="the response cache",
        in_file=lambda path: SqliteStore(
            path, max_bytes=args.max_bytes, tenant_bytes=args.tenant_bytes
        ),
        in_redis=in_redis,
    )
    return ResponseCache(store)
