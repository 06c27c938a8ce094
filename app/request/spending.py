"""What a request may use of models, told before it does, so that it can be refused in time."""

from dataclasses import dataclass
from typing import Protocol

from app.request.notes import RequestNotes


@dataclass(frozen=True, slots=True)
class ExpectedUse:
    """The most that a request may use, as far as that is known before.

    Attributes:
        prompt_tokens: Tokens that models read.
        completion_tokens: Tokens that they write.
        is_bounded: Whether the client itself set the bound of what is written: then it is taken at
            its word, and may ask for more than a minute has.
        models: By what names prices know whoever may answer.
        embeds: Whether it is tokens of embeddings that count: those of a search are free.
    """

    prompt_tokens: int
    completion_tokens: int = 0
    is_bounded: bool = False
    models: tuple[str, ...] = ()
    embeds: bool = False

    @property
    def tokens(self) -> int:
        """All of them."""
        return self.prompt_tokens + self.completion_tokens


class Spending(Protocol):
    """Counts what the caller of a request uses."""

    @property
    def counts_tokens(self) -> bool:
        """Whether anybody wants to know what is used: else nothing need be estimated."""
        ...

    @property
    def counts_money(self) -> bool:
        """Whether the names of models are needed as well."""
        ...

    async def count_request(self) -> None:
        """Counts one more request inside this one.

        Raises:
            LimitReached: it is one too many.
        """
        ...

    async def reserve(self, expected: ExpectedUse, notes: RequestNotes) -> None:
        """Takes aside what a request may use; what it did use is read from its notes at its end.

        Raises:
            LimitReached: that is more than the caller may use now.
            BudgetExceeded: that is more than they may spend.
            Forbidden: they have a budget in money, and nobody knows what a model costs.
            Unavailable: they have a budget, and nobody knows what is left of it.
        """
        ...


class NothingCounted:
    """The `Spending` of whoever has neither limits nor budgets."""

    counts_tokens = False
    counts_money = False

    async def count_request(self) -> None:
        """See `Spending.count_request`."""

    async def reserve(self, expected: ExpectedUse, notes: RequestNotes) -> None:
        """See `Spending.reserve`."""


FREE = NothingCounted()
