"""What replicas tell the budgets, and what they hear."""

from dataclasses import dataclass
from typing import Literal

Held = Literal["held", "released", "settled"]
"""A portion that its replica holds; one that was given back because the replica was silent; one
that has ended."""


@dataclass(slots=True, unsafe_hash=True)  # frozen ones take twice the time to make
class Amount:
    """Money, in millionths of a millionth of a dollar, and tokens. Nobody changes one."""

    picousd: int = 0
    tokens: int = 0

    def __add__(self, other: "Amount") -> "Amount":
        return Amount(self.picousd + other.picousd, self.tokens + other.tokens)

    def __sub__(self, other: "Amount") -> "Amount":
        return Amount(self.picousd - other.picousd, self.tokens - other.tokens)

    def at_most(self, other: "Amount") -> "Amount":
        """Returns the smaller of each."""
        return Amount(min(self.picousd, other.picousd), min(self.tokens, other.tokens))

    def at_least(self, other: "Amount") -> "Amount":
        """Returns the larger of each."""
        return Amount(max(self.picousd, other.picousd), max(self.tokens, other.tokens))


NOTHING = Amount()


@dataclass(frozen=True, slots=True)
class Place:
    """A budget of one subject in one period.

    Attributes:
        subject: Whose it is, such as `key:key_4f` or `tenant:acme`.
        period: The name of the period.
        ends_s: When that ends, in seconds since the epoch.
        limit_picousd: What may be spent in it; None bounds nothing.
        limit_tokens: The same in tokens.
        enforced: Whether a request that would go over it is refused.
    """

    subject: str
    period: str
    ends_s: float
    limit_picousd: int | None = None
    limit_tokens: int | None = None
    enforced: bool = True

    @property
    def key(self) -> tuple[str, str]:
        """Names it."""
        return self.subject, self.period

    @property
    def kind(self) -> str:
        """What the subject is: `key` or `tenant`."""
        return self.subject.partition(":")[0]

    def has_room(self, left: Amount, amount: Amount) -> bool:
        """Returns whether an amount is no more than what is left, in what is bounded."""
        return (self.limit_picousd is None or amount.picousd <= left.picousd) and (
            self.limit_tokens is None or amount.tokens <= left.tokens
        )

    def bounded(self, amount: Amount) -> Amount:
        """Returns of an amount what is bounded, and nothing of the rest."""
        return Amount(
            0 if self.limit_picousd is None else amount.picousd,
            0 if self.limit_tokens is None else amount.tokens,
        )


@dataclass(frozen=True, slots=True)
class PortionState:
    """All that a replica knows of a portion of a budget that it holds. The whole is told each time,
    so that whatever was lost on the way is made good by the next telling.

    Attributes:
        id: Names the portion; no two have the same.
        holder: The replica.
        place: The budget, with its limits as they are now.
        number: Of this telling: an older one, or the same again, changes nothing.
        in_use: What requests under way may spend.
        free: What is ready for the next ones.
        spent: All that was spent of it since it began.
        wants: How much more is wanted to be free.
        least: Less than that is of no use to it: what one request may spend.
        may_be_new: Whether it may never have been told before.
        ends: Whether nothing comes after it.
        price_version: By which prices amounts were reckoned.
    """

    id: str
    holder: str
    place: Place
    number: int
    in_use: Amount = NOTHING
    free: Amount = NOTHING
    spent: Amount = NOTHING
    wants: Amount = NOTHING
    least: Amount = NOTHING
    may_be_new: bool = True
    ends: bool = False
    price_version: str = ""


@dataclass(frozen=True, slots=True)
class Need:
    """What one request needs of portions, all of them or none, beside what they have.

    Attributes:
        portions: Their ids.
        amount: The most that the request may spend.
    """

    portions: tuple[str, ...]
    amount: Amount


@dataclass(frozen=True, slots=True)
class Reserved:
    """What became of a `Need`.

    Attributes:
        refused_by: The first budget that it does not fit; None where it was met.
        left: What that budget has left.
        is_elsewhere: Whether it would fit if others gave back what they hold and do not use, for
            which they were asked.
        exceeded: Budgets that only warn, over which it goes.
        is_gone: Whether one of its portions is held no more, and nothing was decided.
    """

    refused_by: Place | None = None
    left: Amount = NOTHING
    is_elsewhere: bool = False
    exceeded: tuple[Place, ...] = ()
    is_gone: bool = False

    @property
    def is_met(self) -> bool:
        """Whether the request has its part."""
        return self.refused_by is None and not self.is_gone


@dataclass(frozen=True, slots=True)
class Alert:
    """A share of a budget that has been spent for the first time in its period."""

    place: Place
    percent: int


@dataclass(frozen=True, slots=True)
class PortionNews:
    """What a replica hears of a portion that it told of.

    Attributes:
        was: What the portion was before; None where nobody knows it.
        granted: What is free now beside what was told.
        most: What it may keep free, as much as is left of the budget now.
        called: How often replicas were asked to give back what is free.
        is_over: Whether the budget only warns, and is spent.
        alerts: What was reached by it.
    """

    was: Held | None
    granted: Amount = NOTHING
    most: Amount = NOTHING
    called: int = 0
    is_over: bool = False
    alerts: tuple[Alert, ...] = ()
