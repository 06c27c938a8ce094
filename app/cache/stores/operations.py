"""What a store of answers is asked, and what it answers: one shape for all stores."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

FORGOTTEN_S = 7200.0
"""For so long a store knows that something was to be forgotten: no request runs longer, so none
that began before stores what it had read of it."""
CLOCKS_DIFFER_S = 2.0
"""By so much the clocks of two replicas may differ: in doubt an answer is not kept."""

COMPANION = "~"
"""What stands under a key that begins with it belongs to an answer under another key, and goes with
it: it counts as no answer of its own."""


@dataclass(frozen=True, slots=True)
class Get:
    """Asks for an answer.

    Attributes:
        tenant: Whose it is.
        key: Its digest.
    """

    tenant: str
    key: str


@dataclass(frozen=True, slots=True)
class Put:
    """Keeps an answer in place of a former one.

    Attributes:
        tenant: Whose it is.
        key: Its digest.
        value: What is kept.
        tags: Digests of what it is made from, and for whom.
        ttl_s: Time it is kept at most.
        begun_s: When the work on it began, in seconds since the epoch.
    """

    tenant: str
    key: str
    value: bytes
    tags: tuple[str, ...]
    ttl_s: float
    begun_s: float


@dataclass(frozen=True, slots=True)
class Forget:
    """Deletes answers, and refuses those that are under way.

    Attributes:
        tenant: Whose they are.
        tag: What they are made from, or for whom; empty for all of the tenant's.
        key: The only one; empty for all with the tag. Nothing under way is refused then.
    """

    tenant: str
    tag: str = ""
    key: str = ""


Operation = Get | Put | Forget
Result = bytes | int | None
"""What was kept, None where nothing is; how many were kept or deleted."""


class Store(Protocol):
    """Keeps answers for all replicas, as many bytes of one tenant as it may. Its methods block: one
    thread calls them."""

    def run(self, operations: Sequence[Operation]) -> list[Result]:
        """Does operations in this order.

        Raises:
            StoreAway: the store does not answer; nothing is known of what it did.
        """
        ...

    def close(self) -> None:
        """Frees what it holds."""
        ...
