"""Answers in Redis, for a cluster. Whatever a server loses is a miss."""

import time
from collections.abc import Callable, Sequence

from app.cache.stores.operations import (
    CLOCKS_DIFFER_S,
    FORGOTTEN_S,
    Forget,
    Get,
    Operation,
    Put,
    Result,
)
from app.storage.opening import CACHE_URL_VARIABLE
from app.storage.redis_link import Client, Command, RedisLink, Script

_SCRIPT = Script.read("app.cache.stores", "change.lua")
_DELETED_TOGETHER = 500
"""Answers of one call of the script, during which the server does nothing else."""


class RedisStore:
    """A `Store` in Redis.

    Args:
        url: `redis://`, `rediss://` or `unix://`, as redis-py reads it.
        tenant_bytes: Bytes of one tenant's answers.
        now_s: Seconds since the epoch.
        client: What talks to the server; by default one is made for the URL.

    Raises:
        ConfigError: the URL cannot be read.
    """

    def __init__(
        self,
        url: str,
        *,
        tenant_bytes: int,
        now_s: Callable[[], float] = time.time,
        client: Client | None = None,
    ) -> None:
        self._link = RedisLink(url, variable=CACHE_URL_VARIABLE, client=client)
        self._tenant_bytes = tenant_bytes
        self._now_s = now_s

    def check(self) -> None:
        """See `RedisLink.check`."""
        self._link.check()

    def run(self, operations: Sequence[Operation]) -> list[Result]:
        """See `Store.run`."""
        now_ms = round(self._now_s() * 1e3)
        sent = [self._commands(operation, now_ms) for operation in operations]
        answers = iter(self._link.run([command for commands in sent for command in commands]))
        results: list[Result] = []
        for operation, commands in zip(operations, sent, strict=True):
            [answer, *_] = [next(answers) for _ in commands]
            if isinstance(operation, Get):
                results.append(answer)
                continue
            count, some_are_left = answer
            if isinstance(operation, Forget) and some_are_left:
                [more] = self.run([operation])
                assert isinstance(more, int)
                count += more
            results.append(int(count))
        return results

    def close(self) -> None:
        """See `Store.close`."""
        self._link.close()

    def _commands(self, operation: Operation, now_ms: int) -> list[Command]:
        # Names with the same part in braces are on one node, which the script needs.
        prefix = f"rs:cache:{{{operation.tenant}}}:"
        by_use = f"{prefix}use"
        if isinstance(operation, Get):
            value = f"{prefix}v:{operation.key}"
            return [("GET", value), ("ZADD", by_use, "XX", now_ms, operation.key)]
        change: Command = (_SCRIPT, 1, by_use, prefix, now_ms)
        if isinstance(operation, Put):
            return [(*change, *self._put(operation))]
        if operation.key:
            return [(*change, "key", operation.key)]
        kept_ms = round(FORGOTTEN_S * 1e3)
        return [(*change, "tag", operation.tag, kept_ms, _DELETED_TOGETHER)]

    def _put(self, put: Put) -> Command:
        return (
            *("put", put.key, put.value, round(put.ttl_s * 1e3), self._tenant_bytes),
            *(round(put.begun_s * 1e3), round(CLOCKS_DIFFER_S * 1e3)),
            *dict.fromkeys(put.tags),
        )
