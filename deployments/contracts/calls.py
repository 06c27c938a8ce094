"""How a stage is called and what comes back: the request's context, the outcome, the times.

Nothing in `deployments.contracts` imports a framework, so that every stage and every test double
can depend on it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from deployments.contracts.errors import RagError
from deployments.contracts.pickling import pickled_by_fields
from deployments.contracts.tenants import Access


@pickled_by_fields
@dataclass(frozen=True, slots=True)
class CallContext:
    """What travels with every call between stages.

    `timeout_s` is what the request has left at the moment of the call: a duration, not a clock
    reading, because clocks of two machines differ. `traceparent` places the call in its trace, for
    servers further on. Source: W3C Trace Context, level 1. `background` says that nobody waits for
    the request: others go before it. `access` says whose documents it may reach.
    """

    request_id: str
    timeout_s: float
    release: str = ""
    traceparent: str = ""
    background: bool = False
    access: Access = Access()


@pickled_by_fields
@dataclass(frozen=True, slots=True)
class StageCall:
    """One request's call of a stage: the method's name and arguments."""

    method: str
    args: tuple[object, ...]
    options: Mapping[str, object]
    context: CallContext


@pickled_by_fields
@dataclass(frozen=True, slots=True)
class StageOutcome:
    """What became of a call: what the method returned, or the error that it raised."""

    value: object = None
    error: RagError | None = None


@pickled_by_fields
@dataclass(frozen=True, slots=True)
class Lap:
    """A step inside a stage: when it began after the arrival at the replica, and how long it
    took."""

    name: str
    after_ms: float
    took_ms: float


@pickled_by_fields
@dataclass(frozen=True, slots=True)
class Times:
    """Where a stage's time went, in milliseconds.

    `queue_ms` waiting for the model, `inference_ms` in the model; for texts of several batches the
    longest of each. `replica_ms` all of it, from the arrival at the replica to the result.
    `batch_size` counts the entries of the largest batch; 0 where nothing was batched. `laps` are
    the steps worth telling apart.
    """

    queue_ms: float = 0.0
    inference_ms: float = 0.0
    replica_ms: float = 0.0
    batch_size: int = 0
    laps: tuple[Lap, ...] = ()
