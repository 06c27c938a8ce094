"""The arithmetic of a budget: whether an amount fits, and what is reached when it was spent."""

from dataclasses import dataclass

from deployments.budgets.contract import Amount, Place

_LEVELS = (50, 80, 100)
"""Shares of a budget, in percent, at which somebody is told."""


@dataclass(slots=True)
class Standing:
    """A budget in a transaction: what was spent, and what is reserved."""

    spent_picousd: int = 0
    spent_tokens: int = 0
    reserved_picousd: int = 0
    reserved_tokens: int = 0
    told_percent: int = 0

    def fits(self, amount: Amount, place: Place) -> bool:
        """Returns whether an amount fits beside what was spent and what is reserved."""
        left = self.left(place)
        return (place.limit_picousd is None or amount.picousd <= left.picousd) and (
            place.limit_tokens is None or amount.tokens <= left.tokens
        )

    def left(self, place: Place) -> Amount:
        """Returns what is left of the budgets that a place has; below zero where they are
        exceeded."""
        return Amount(
            (place.limit_picousd or 0) - self.spent_picousd - self.reserved_picousd,
            (place.limit_tokens or 0) - self.spent_tokens - self.reserved_tokens,
        )

    def reserve(self, amount: Amount) -> None:
        """Takes an amount aside."""
        self.reserved_picousd += amount.picousd
        self.reserved_tokens += amount.tokens

    def release(self, amount: Amount) -> None:
        """Gives back what was taken aside."""
        self.reserved_picousd -= amount.picousd
        self.reserved_tokens -= amount.tokens

    def spend(self, amount: Amount) -> None:
        """Notes what was spent."""
        self.spent_picousd += amount.picousd
        self.spent_tokens += amount.tokens

    def reached(self, place: Place) -> int | None:
        """Returns the highest level that was reached and not told of yet, and notes that it is."""
        shares = [
            100 * spent // limit if limit else 100
            for spent, limit in (
                (self.spent_picousd, place.limit_picousd),
                (self.spent_tokens, place.limit_tokens),
            )
            if limit is not None
        ]
        levels = [level for level in _LEVELS if level <= max(shares, default=0)]
        if not levels or levels[-1] <= self.told_percent:
            return None
        self.told_percent = levels[-1]
        return levels[-1]
