"""From the environment to the stores of limits and budgets."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from app.limits.budget_book import BudgetBook
from app.limits.limiter import Limiter
from app.limits.stores.fallback import FallbackStore
from app.limits.stores.memory_store import wall_clock_us
from app.limits.stores.operations import Decision, Operation, Store
from app.limits.stores.sqlite_store import SqliteStore
from app.settings.cold.limits import LimitsArgs
from app.storage.circuit import StoreAway
from app.storage.opening import LIMITS_URL_VARIABLE, named_database, open_named, store_url
from deployments.budgets.contract import Alert
from deployments.budgets.store import BudgetStore

if TYPE_CHECKING:
    from app.limits.stores.redis_store import RedisStore


def open_limiter(
    args: LimitsArgs,
    environment: Mapping[str, str],
    *,
    database: str | None = None,
    on_alert: Callable[[Alert], None] | None = None,
) -> Limiter:
    """Returns the limits of a replica. Nothing is begun yet.

    Args:
        args: The settings.
        environment: Names the stores.
        database: Where keys are kept, and so budgets; None for what the environment says.
        on_alert: Told of shares of budgets that were reached; in a thread of its own.

    Raises:
        ConfigError: a URL names no store, or leads to something else.
    """
    database_url = named_database(environment, database)
    url = store_url(environment, LIMITS_URL_VARIABLE, database=database, file="limits.db")
    store = FallbackStore(open_store(url, args), max_replicas=args.max_replicas)
    budgets = None
    if database_url:
        store_of_budgets = BudgetStore(database_url)
        zone = ZoneInfo(args.time_zone)
        budgets = BudgetBook(store_of_budgets, zone=zone, on_alert=on_alert)
    return Limiter(store, budgets=budgets)


def open_store(url: str, args: LimitsArgs) -> Store:
    """Returns the store that a URL names: `sqlite:///<path>`, or Redis.

    Raises:
        ConfigError: it names none, or leads to something else.
    """
    if not url:
        return NoStore()

    def in_redis(url: str) -> "RedisStore":
        from app.limits.stores.redis_store import RedisStore

        return RedisStore(url, now_us=wall_clock_us if args.clock == "replica" else None)

    return open_named(
        url, LIMITS_URL_VARIABLE, what="limits", in_file=SqliteStore, in_redis=in_redis
    )


class NoStore:
    """The `Store` where none is named: always away, so that each replica limits at its part."""

    def run(self, operations: Sequence[Operation]) -> list[Decision]:
        """See `Store.run`."""
        raise StoreAway(f"{LIMITS_URL_VARIABLE} is not set")

    def close(self) -> None:
        """See `Store.close`."""
