"""How long one request has waited for its stages, counted wherever in it a stage is called."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass

from deployments.contracts.calls import Times


@dataclass(slots=True)
class Waited:
    """What one request has waited for its stages so far.

    `longest_s` is the longest wait for one stage: several short ones are the way through the graph,
    and no sign that a stage has too much to do.
    """

    longest_s: float = 0.0
    calls: int = 0


_waited: ContextVar[Waited] = ContextVar("waited")


@contextmanager
def waiting() -> Iterator[Waited]:
    """Counts what `note_wait` is told inside, tasks that are started there included."""
    count = Waited()
    token = _waited.set(count)
    try:
        yield count
    finally:
        # What closes a stream may be another task, whose context never had the count.
        with suppress(ValueError):
            _waited.reset(token)


def note_wait(waited_s: float) -> None:
    """Adds the wait of one call for its stage, work excluded, to the request that runs here."""
    count = _waited.get(None)
    if count is not None:
        count.longest_s = max(count.longest_s, waited_s)
        count.calls += 1


def note_call(took_s: float, times: Times) -> None:
    """Adds the wait of one call that took so long, of which the stage says how long it worked."""
    note_wait(took_s - (times.replica_ms - times.queue_ms) / 1e3)
