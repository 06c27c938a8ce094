"""Limits in Redis, for a cluster: one script decides, and all that waits travels together.

The time is the server's unless the settings say otherwise: clocks of two replicas differ, and a
bucket would take the difference for time that has passed.
"""

from collections.abc import Sequence
from typing import Any

from app.limits.stores.deciding import Clock
from app.limits.stores.operations import Decision, Operation
from app.storage.opening import LIMITS_URL_VARIABLE
from app.storage.redis_link import Client, Command, RedisLink, Script

_SCRIPT = Script.read("app.limits.stores", "reserve.lua")


class RedisStore:
    """A `Store` in Redis.

    Args:
        url: `redis://`, `rediss://` or `unix://`, as redis-py reads it.
        now_us: A clock that takes the place of the server's, for servers whose scripts must not
            ask for the time; None takes the server's.
        client: What talks to the server; by default one is made for the URL.

    Raises:
        ConfigError: the URL cannot be read.
    """

    def __init__(
        self, url: str, *, now_us: Clock | None = None, client: Client | None = None
    ) -> None:
        self._now_us = now_us
        self._link = RedisLink(url, variable=LIMITS_URL_VARIABLE, client=client)

    def check(self) -> None:
        """See `RedisLink.check`."""
        self._link.check()

    def run(self, operations: Sequence[Operation]) -> list[Decision]:
        """See `Store.run`."""
        now_us = 0 if self._now_us is None else self._now_us()
        answers = self._link.run([_command(each, now_us) for each in operations])
        return [
            _decision(operation, answer)
            for operation, answer in zip(operations, answers, strict=True)
        ]

    def close(self) -> None:
        """See `Store.close`."""
        self._link.close()


def _command(operation: Operation, now_us: int) -> Command:
    """Returns how the script is called: the number of keys, the keys, and what it reads."""
    names = [*(each.name for each in operation.moves), *(each.name for each in operation.leases)]
    arguments: list[str | int] = [len(names), *names]
    arguments += (now_us, int(operation.forced), len(operation.moves))
    for move in operation.moves:
        arguments += (move.delta_us, move.period_us)
    for lease in operation.leases:
        arguments += (lease.member, lease.limit, lease.ttl_us)
    return (_SCRIPT, *arguments)


def _decision(operation: Operation, answer: Any) -> Decision:
    refused_by, wait_us, *states = map(int, answer)
    moves = len(operation.moves)
    return Decision(
        used_us=tuple(states[:moves]),
        taken=tuple(states[moves:]),
        wait_us=wait_us,
        refused_by=None if refused_by < 0 else refused_by,
    )
