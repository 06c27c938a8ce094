"""Has a request under a key worked on once: by whoever came first, on whichever replica, while all
others read along.

The work goes on when its client leaves, since that is when it will be asked for again. What was
answered in full stays for a day; what failed in a way that may pass frees its key.
"""

import asyncio
import hashlib
import hmac
import json
import logging
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from starlette.types import Message, Send

from app.idempotency.recording import Recording
from deployments.contracts.errors import (
    Conflict,
    IdempotencyKeyReused,
    InvalidRequest,
    RagError,
    Unavailable,
)
from deployments.idempotency.store import Claim, IdempotencyStore, Progress

HEADER = "idempotency-key"
REPLAYED_HEADER = b"idempotent-replayed"
_log = logging.getLogger("ray.serve")
_LEASE_S = 6.0
_RENEWED_EVERY_S = 2.0
_WRITTEN_EVERY_S = 0.1
_LOOK_EVERY_S = 0.1
FORGOTTEN_EVERY_S = 600.0
"""Time between two looks for answers that have been kept long enough."""
_MAX_KEY_CHARS = 255
_KEPT_STATUSES = frozenset({404, 409})
"""Beside 2xx. Others may be different the next time: no permission, too much, something broke, a
body that can be mended."""
_OF_ONE_REQUEST = frozenset({b"x-request-id", b"server-timing", b"traceparent", b"date"})
_COUNTED = (b"x-ratelimit-", b"ratelimit")


@dataclass(frozen=True, slots=True)
class Labels:
    """What an answer is found by that is to be erased; see `IdempotencyStore.finish`."""

    conversation: str = ""
    user_mark: str = ""


Work = Callable[[Send], Awaitable[Labels | None]]
"""Answers a request; returns what its answer is found by, None where it may not be given again."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request asks for, as far as its answer depends on it.

    Attributes:
        tenant: Who asks.
        key: What its client calls it.
        place: Method and path.
        content: Headers that change the answer, and the body.
    """

    tenant: str
    key: str
    place: str
    content: bytes


class IdempotentRequests:
    """Remembers answers by key.

    Args:
        store: Where they are kept, so that other replicas know them.
        secret: Key of the digests that stand for keys.
        kept_s: For how long an answer is kept.
        max_detached: Work without its client that goes on at once; over it, work ends as its client
            leaves.
        now: Seconds since the epoch.
    """

    def __init__(
        self,
        store: IdempotencyStore,
        secret: bytes,
        *,
        kept_s: float,
        max_detached: int,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._secret = secret
        self._kept_s = kept_s
        self._max_detached = max_detached
        self._now = now
        self._recordings: dict[str, Recording] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._detached = 0

    async def begin(self, asked: Asked, work: Work) -> "Reading":
        """Begins to work on a request, or to read what somebody else makes of it.

        Raises:
            InvalidRequest: the key is none.
            IdempotencyKeyReused: something else was asked for under it.
            Unavailable: it cannot be told whether it was answered.
        """
        _check(asked.key)
        digest = self._digest(f"{asked.tenant}\n{asked.place}\n{asked.key}".encode())
        claim = Claim(digest, asked.tenant, self._digest(asked.content), uuid.uuid4().hex)
        found = await self._claim(claim)
        while found is not None and (last := self._recordings.get(digest)) and last.ended:
            # Whether it is kept is being written down at this moment.
            await last.settled.wait()
            found = await self._claim(claim)
        if found is None:
            recording = self._recordings[digest] = Recording()
            task = self._start(self._own(claim, recording, work))
            return Reading(recording, task, replayed=False)
        if not hmac.compare_digest(found.fingerprint, claim.fingerprint):
            raise IdempotencyKeyReused(
                "Something else was asked for under this Idempotency-Key; take another one."
            )
        known = self._recordings.get(digest)
        if known is None:
            # Somebody else's work, or an answer that was kept: read for all who ask here.
            known = Recording()
            _take(known, found)
            if not found.is_done:
                self._recordings[digest] = known
                self._start(self._follow(digest, found.holder, known))
        return Reading(known, None, replayed=True)

    def leave(self, reading: "Reading") -> None:
        """Has the work of a client that has left go on, unless there is too much of that."""
        work = reading.work
        if work is None or work.done() or reading.recording.ended:
            return
        if self._detached >= self._max_detached:
            work.cancel()
            return
        self._detached += 1

        def ended(_: object) -> None:
            self._detached -= 1

        work.add_done_callback(ended)

    def erase_tenant(self, tenant: str) -> int:
        """Deletes all answers to a tenant, and returns how many; it blocks."""
        return self._store.erase_tenant(tenant)

    async def forget_old(self) -> None:
        """Deletes what has been kept long enough."""
        await asyncio.to_thread(self._store.forget, now_s=self._now())

    async def close(self, within_s: float) -> None:
        """Gives work that is under way some last seconds, and stops it then."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=within_s)
        for task in self._tasks:
            task.cancel()

    def _digest(self, message: bytes) -> str:
        return hmac.new(self._secret, message, hashlib.sha256).hexdigest()

    async def _claim(self, claim: Claim) -> Progress | None:
        try:
            return await asyncio.to_thread(
                self._store.claim, claim, now_s=self._now(), lease_s=_LEASE_S
            )
        except RagError as error:
            raise Unavailable(
                "It cannot be told at this moment whether this was answered; retry shortly.",
                "idempotency",
                1.0,
            ) from error

    def _start(self, work: Awaitable[None]) -> asyncio.Task[None]:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _own(self, claim: Claim, recording: Recording, work: Work) -> None:
        """Works, and writes down what comes of it."""
        writing = asyncio.create_task(self._write(claim, recording))
        labels: Labels | None = None
        try:
            labels = await work(recording.send)
        finally:
            recording.end("broken")  # unless it is whole
            try:
                written = await writing
                await self._finish(claim, recording, labels if written else None)
            finally:
                if self._recordings.get(claim.digest) is recording:
                    del self._recordings[claim.digest]
                recording.settled.set()

    async def _write(self, claim: Claim, recording: Recording) -> bool:
        """Writes an answer down as it comes; returns False where some of it is missing."""
        place, renewed_s, start = 0, self._now(), ""
        while True:
            ended = recording.ended
            pieces = recording.pieces[place:]
            told = _told(recording)
            if pieces or told != start or self._now() - renewed_s >= _RENEWED_EVERY_S:
                try:
                    mine = await asyncio.to_thread(
                        self._store.append,
                        claim,
                        start=told,
                        place=place,
                        pieces=pieces,
                        now_s=self._now(),
                        lease_s=_LEASE_S,
                    )
                except RagError as error:
                    _log.warning("an answer is not kept for repetitions: %s", error)
                    return False
                if not mine:
                    return False
                place, renewed_s, start = place + len(pieces), self._now(), told
            if ended:
                return ended == "whole"
            await asyncio.sleep(_WRITTEN_EVERY_S)
            if not recording.ended and len(recording.pieces) == place:
                await recording.wait(_RENEWED_EVERY_S)

    async def _finish(self, claim: Claim, recording: Recording, labels: Labels | None) -> None:
        kept = labels is not None and _stays_so(recording.start)
        expires_s = self._now() + self._kept_s if kept else None
        labels = labels or Labels()
        try:
            await asyncio.to_thread(
                self._store.finish,
                claim,
                expires_s=expires_s,
                conversation=labels.conversation,
                user_mark=labels.user_mark,
            )
        except RagError as error:
            _log.warning("the key of a request stays taken for some seconds: %s", error)

    async def _follow(self, digest: str, holder: str, recording: Recording) -> None:
        """Reads what another replica writes, until it is whole or nobody writes any more."""
        try:
            while not recording.ended:
                await asyncio.sleep(_LOOK_EVERY_S)
                found = await asyncio.to_thread(
                    self._store.progress,
                    digest,
                    place=len(recording.pieces),
                    now_s=self._now(),
                )
                if found is None or found.holder != holder or not found.is_alive:
                    recording.end("broken")
                else:
                    _take(recording, found)
        except RagError as error:
            _log.warning("an answer of another replica cannot be read along: %s", error)
        finally:
            recording.end("broken")
            if self._recordings.get(digest) is recording:
                del self._recordings[digest]
            recording.settled.set()


@dataclass(slots=True)
class Reading:
    """An answer that somebody reads.

    Attributes:
        recording: The answer.
        work: What makes it, where that is the reader's own request.
        replayed: Whether it was made for somebody else.
    """

    recording: Recording
    work: asyncio.Task[None] | None
    replayed: bool

    async def send(self, send: Send) -> None:
        """Sends the answer as it comes.

        Raises:
            Conflict: whoever worked on it was lost before it began; it may be sent again.
            BrokenOff: the same, after it began.
        """
        begun = False
        async for message in self.recording.messages():
            if message["type"] == "http.response.start":
                begun = True
                if self.replayed:
                    message["headers"].append((REPLAYED_HEADER, b"true"))
            await send(message)
        if self.recording.ended == "whole":
            return
        if begun:
            raise BrokenOff
        raise Conflict("Whoever worked on this request was lost; send it again.", None, 1.0)


class BrokenOff(Exception):
    """An answer ends in the middle: its connection is closed, so that no reader takes it for
    whole."""


def _check(key: str) -> None:
    if not 1 <= len(key) <= _MAX_KEY_CHARS or not key.isascii() or not key.isprintable():
        says = f"has 1 to {_MAX_KEY_CHARS} visible ASCII characters"
        detail = {"field": "header.Idempotency-Key", "message": says, "type": "value_error"}
        raise InvalidRequest(f"An Idempotency-Key {says}.", errors=(detail,))


def _stays_so(start: Message | None) -> bool:
    """Returns whether an answer would be the same the next time: one that says when to come back
    would not."""
    if start is None:
        return False
    status = start["status"]
    comes_back = any(name.lower() == b"retry-after" for name, _ in start["headers"])
    return 200 <= status < 300 or (status in _KEPT_STATUSES and not comes_back)


def _told(recording: Recording) -> str:
    """Returns the start of an answer as JSON, without what is of one request alone."""
    if recording.start is None:
        return ""
    headers = [
        (name.decode("latin-1"), value.decode("latin-1"))
        for name, value in recording.start["headers"]
        if name.lower() not in _OF_ONE_REQUEST and not name.lower().startswith(_COUNTED)
    ]
    return json.dumps({"status": recording.start["status"], "headers": headers})


def _take(recording: Recording, found: Progress) -> None:
    if found.start and recording.start is None:
        told: Mapping[str, object] = json.loads(found.start)
        headers = [
            (name.encode("latin-1"), value.encode("latin-1"))
            for name, value in told["headers"]  # type: ignore[attr-defined]
        ]
        recording.begin(
            {"type": "http.response.start", "status": told["status"], "headers": headers}
        )
    if found.pieces:
        recording.add(found.pieces)
    if found.is_done:
        recording.end("whole")
