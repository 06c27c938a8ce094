"""What is to be erased: a conversation, or all of a user's; how rows say whose they are, and what
places say that have erased."""

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

CONVERSATION_TAG = "ragserve.conversation"
"""The tag of a trace, and the attribute of its first span, that name a kept conversation."""
USER_TAG = "ragserve.user"
"""The same that have the mark of a user."""
_MARK_DIGITS = 32


@dataclass(frozen=True, slots=True)
class ErasureScope:
    """One of the two is named.

    Attributes:
        tenant: Whose it is.
        conversation: Id of the conversation; empty where it is all of a user's.
        user: As requests name them; empty where it is a conversation.
        before_s: When it was asked for, in seconds since the epoch: what began later stays, where
            that can be told.
    """

    tenant: str
    conversation: str = ""
    user: str = ""
    before_s: float = math.inf

    @property
    def user_mark(self) -> str:
        """See `user_mark`; empty where it is a conversation."""
        return user_mark(self.tenant, self.user)


@dataclass(frozen=True, slots=True)
class ErasedPlace:
    """What was erased in one place.

    Attributes:
        place: Its name.
        counts: What was removed, by what it was.
        is_done: Whether it said the last time that nothing is left.
        reason: Why something is; the code of an error.
    """

    place: str
    counts: Mapping[str, int] = field(default_factory=dict)
    is_done: bool = True
    reason: str = ""

    def after(self, later: "ErasedPlace") -> "ErasedPlace":
        """Returns what there is to say after a further try."""
        names = [*self.counts, *(name for name in later.counts if name not in self.counts)]
        counts = {name: self.counts.get(name, 0) + later.counts.get(name, 0) for name in names}
        return replace(later, counts=counts)


def user_mark(tenant: str, user: str) -> str:
    """Returns what stands for a user in rows and traces that are to be found again: a digest, since
    names are texts as well. Empty for nobody.

    >>> user_mark("acme", "") == "", user_mark("acme", "zoe") == user_mark("beta", "zoe")
    (True, False)
    """
    if not user:
        return ""
    named = f"user\0{tenant}\0{user}".encode("utf-8", "surrogatepass")
    return hashlib.sha256(named).hexdigest()[:_MARK_DIGITS]
