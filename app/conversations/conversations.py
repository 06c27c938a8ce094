"""Conversations as a replica of the gateway keeps them: found by their owner, one turn at a time,
forgotten when their time is over."""

import asyncio
import logging
import time
import uuid
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

from app.conversations.history import history_of
from app.conversations.names import is_id, new_id
from app.conversations.retention import Retention
from app.conversations.turn import OpenTurn
from app.settings.live.conversations import ConversationSettings
from deployments.contracts.erasure import ErasureScope
from deployments.contracts.errors import NotFound, RagError, Unavailable
from deployments.contracts.generation import Message
from deployments.conversations.records import KeptConversation, KeptTurn, Owner
from deployments.conversations.store import ConversationStore

T = TypeVar("T")
RENEWED_EVERY_S = 5.0
"""Time between two signs of life of turns that are being answered."""
SWEPT_EVERY_S = 600.0
"""Time between two looks for conversations whose time is over."""
_LEASE_S = 20.0
_DAY_S = 86_400.0
_MOST_TURNS = 200
"""Turns that are read for a history, whatever fits."""
_STAGE = "conversations"
_log = logging.getLogger("ray.serve")


class Conversations:
    """Keeps conversations.

    Args:
        store: Where they are, for all replicas.
        settings: Returns what holds at the moment.
        days_of_tenants: See `Retention`.
        now: Seconds since the epoch.
    """

    def __init__(
        self,
        store: ConversationStore,
        settings: Callable[[], ConversationSettings],
        *,
        days_of_tenants: Callable[[], Mapping[str, float]] | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._settings = settings
        self._retention = Retention(lambda: settings().ttl_days, days_of_tenants)
        self._now = now
        self._holders: set[str] = set()
        self._tasks: set[asyncio.Task[Any]] = set()

    @property
    def is_on(self) -> bool:
        """Whether conversations are kept at the moment."""
        return self._settings().enabled

    async def create(
        self, owner: Owner, *, title: str = "", metadata: Mapping[str, str] | None = None
    ) -> KeptConversation:
        """Begins a conversation."""
        now_s = self._now()
        made = KeptConversation(new_id(), owner, title, metadata or {}, now_s, now_s)
        await self._ask(lambda: self._store.create(made))
        return made

    async def find(self, owner: Owner, conversation_id: str) -> KeptConversation:
        """Returns a conversation; raises as `ConversationStore.find`."""
        _check(conversation_id)
        return await self._ask(
            lambda: self._store.find(owner, conversation_id, oldest_s=self._oldest_s(owner))
        )

    async def page(self, owner: Owner, *, after: str, limit: int) -> list[KeptConversation]:
        """Returns conversations of an owner; see `ConversationStore.page`."""
        if after:
            _check(after)
        return await self._ask(
            lambda: self._store.page(
                owner, oldest_s=self._oldest_s(owner), after=after, limit=limit
            )
        )

    async def turns(
        self, owner: Owner, conversation_id: str, *, after: int, limit: int
    ) -> list[KeptTurn]:
        """Returns turns of a conversation; see `ConversationStore.turns`."""
        _check(conversation_id)
        return await self._ask(
            lambda: self._store.turns(
                *(owner, conversation_id),
                oldest_s=self._oldest_s(owner),
                after=after,
                limit=limit,
            )
        )

    async def begin(
        self, owner: Owner, conversation_id: str, *, after: int | None = None, keeps: bool = True
    ) -> OpenTurn:
        """Begins the next turn of a conversation.

        Args:
            owner: Whose it is.
            conversation_id: Its id.
            after: The turn that must be the last one; None for any.
            keeps: Whether the turn is kept. Otherwise it only reads what went before.

        Raises:
            NotFound: its owner has none of this id, or it has no such turn.
            Conflict: another turn is being answered, or has followed.
            Unavailable: the database does not answer.
        """
        _check(conversation_id)
        most_tokens = self._settings().max_history_tokens
        if not keeps:
            turns = await self._ask(
                lambda: self._store.completed(
                    *(owner, conversation_id),
                    oldest_s=self._oldest_s(owner),
                    after=after,
                    limit=_MOST_TURNS,
                )
            )
            return OpenTurn(conversation_id, history=history_of(turns, most_tokens))
        holder = uuid.uuid4().hex
        begin = self._start(self._begin(owner, conversation_id, holder, after))
        try:
            n, turns = await asyncio.shield(begin)
        except asyncio.CancelledError:
            # It may be taken by now, and nobody is there who would give it back.
            release = partial(self._store.release, conversation_id, holder)
            self._start(self._give_up(begin, release))
            raise
        history = history_of(turns, most_tokens)
        return self._open(conversation_id, n, holder, self._store.release, history)

    async def begin_new(self, owner: Owner) -> OpenTurn:
        """Begins the first turn of a new conversation, which is there no longer than its turn
        should that not be kept; raises as `begin`."""
        now_s, holder = self._now(), uuid.uuid4().hex
        made = KeptConversation(new_id(), owner, created_s=now_s, last_turn_s=now_s)
        until_s = now_s + _LEASE_S
        create = partial(self._store.create, made, holder=holder, until_s=until_s)
        begin = self._start(self._ask(create))
        try:
            await asyncio.shield(begin)
        except asyncio.CancelledError:
            self._start(self._give_up(begin, partial(self._store.discard, made.id, holder)))
            raise
        return replace(self._open(made.id, 1, holder, self._store.discard), is_new=True)

    def _open(
        self,
        conversation_id: str,
        n: int,
        holder: str,
        free: Callable[[str, str], None],
        history: tuple[Message, ...] = (),
    ) -> OpenTurn:
        self._holders.add(holder)

        async def keep(turn: KeptTurn) -> bool:
            return await asyncio.shield(self._start(self._keep(conversation_id, holder, turn)))

        async def give_back() -> None:
            self._holders.discard(holder)
            freeing = self._give_back(partial(free, conversation_id, holder))
            await asyncio.shield(self._start(freeing))

        return OpenTurn(conversation_id, n, history, keep, give_back, now=self._now)

    async def renew(self) -> None:
        """Says that the turns of this replica are still being answered."""
        if holders := sorted(self._holders):
            until_s = self._now() + _LEASE_S
            await asyncio.to_thread(self._store.renew, holders, until_s=until_s)

    async def sweep(self) -> None:
        """Deletes conversations whose time is over."""
        await asyncio.to_thread(self._forget_old)

    def erase_tenant(self, tenant: str) -> int:
        """Deletes all conversations of a tenant, and returns how many; it blocks."""
        return self._store.erase_tenant(tenant)["conversations"]

    def erase(self, scope: ErasureScope) -> Mapping[str, int]:
        """Deletes a conversation, or all of a user's; see `ConversationStore.erase`; it blocks."""
        return self._store.erase(scope)

    async def close(self, within_s: float) -> None:
        """Gives turns that are being written down some last seconds."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=within_s)

    async def _begin(
        self, owner: Owner, conversation_id: str, holder: str, after: int | None
    ) -> tuple[int, list[KeptTurn]]:
        return await self._ask(
            lambda: self._store.begin(
                *(owner, conversation_id, holder),
                oldest_s=self._oldest_s(owner),
                now_s=self._now(),
                lease_s=_LEASE_S,
                after=after,
                limit=_MOST_TURNS,
            )
        )

    async def _give_up(self, begin: "asyncio.Task[Any]", free: Callable[[], None]) -> None:
        await asyncio.wait([begin])
        if not begin.cancelled() and begin.exception() is None:
            await self._give_back(free)

    async def _keep(self, conversation_id: str, holder: str, turn: KeptTurn) -> bool:
        self._holders.discard(holder)
        try:
            return await asyncio.to_thread(self._store.keep, conversation_id, holder, turn)
        except RagError as error:
            _log.warning("a turn of a conversation is not kept: %s", error)
            return False

    async def _give_back(self, free: Callable[[], None]) -> None:
        try:
            await asyncio.to_thread(free)
        except RagError as error:
            _log.warning("a conversation stays taken for some seconds: %s", error)

    async def _ask(self, work: Callable[[], T]) -> T:
        try:
            return await asyncio.to_thread(work)
        except Unavailable as error:
            raise Unavailable(
                "Conversations cannot be read at this moment; retry shortly.", _STAGE, 1.0
            ) from error

    def _start(self, work: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _forget_old(self) -> None:
        now_s = self._now()
        before_s = now_s - self._settings().ttl_days * _DAY_S
        self._store.forget(before_s=before_s, now_s=now_s)
        for tenant, days in self._retention.exceptions().items():
            self._store.forget(before_s=now_s - days * _DAY_S, now_s=now_s, tenant=tenant)

    def _oldest_s(self, owner: Owner) -> float:
        """Returns when the last turn of a conversation must have been; it blocks."""
        return self._now() - self._retention.days(owner.tenant) * _DAY_S


def _check(conversation_id: str) -> None:
    """Raises NotFound for what cannot be the id of a conversation."""
    if not is_id(conversation_id):
        raise NotFound(f"There is no conversation '{conversation_id[:64]}'.")
