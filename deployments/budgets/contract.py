"""What is asked of the budgets, and what they answer."""

from dataclasses import dataclass
from typing import Literal

Held = Literal["held", "released", "settled"]
"""A reservation under way; one that was given back because its holder was silent; one that has
ended."""


@dataclass(frozen=True, slots=True)
class Amount:
    """Money, in millionths of a millionth of a dollar, and tokens."""

    picousd: int = 0
    tokens: int = 0


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


@dataclass(frozen=True, slots=True)
class Reserve:
    """Takes an amount aside in all places, or in none.

    Attributes:
        id: Names the reservation; no two have the same.
        holder: The replica that will settle it.
        amount: The most that may be spent.
        places: Where it must fit.
        price_version: By which prices it was reckoned.
    """

    id: str
    holder: str
    amount: Amount
    places: tuple[Place, ...]
    price_version: str = ""


@dataclass(frozen=True, slots=True)
class Settle:
    """Moves what was really spent to the periods of a reservation; repeated, it counts once.

    Attributes:
        id: Of the reservation.
        amount: What was spent.
        places: Those of the reservation, for their limits.
    """

    id: str
    amount: Amount
    places: tuple[Place, ...] = ()


@dataclass(frozen=True, slots=True)
class Reserved:
    """What became of a `Reserve`.

    Attributes:
        refused_by: The first place that it does not fit; None where it was made.
        left: What that place has left.
        exceeded: Places that only warn, over which it goes.
    """

    refused_by: Place | None = None
    left: Amount = Amount()
    exceeded: tuple[Place, ...] = ()


@dataclass(frozen=True, slots=True)
class Alert:
    """A share of a budget that has been spent for the first time in its period."""

    place: Place
    percent: int


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of a `Settle`.

    Attributes:
        was: What the reservation was before; None where nobody knows it any more.
        underestimated: Whether more was spent than was reserved.
        alerts: What was reached by it.
    """

    was: Held | None
    underestimated: bool = False
    alerts: tuple[Alert, ...] = ()


BudgetOperation = Reserve | Settle
BudgetResult = Reserved | Settled
