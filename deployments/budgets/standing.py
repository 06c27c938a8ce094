"""The arithmetic of a budget: whether an amount fits, and what is reached when it was spent."""

from dataclasses import dataclass

from deployments.budgets.contract import NOTHING, Amount, Place

_LEVELS = (50, 80, 100)
"""Shares of a budget, in percent, at which somebody is told."""


@dataclass(slots=True)
class Standing:
    """A budget in a transaction: what was spent, and what portions hold.

    Attributes:
        spent_picousd: What was spent.
        spent_tokens: The same in tokens.
        reserved_picousd: What portions hold.
        reserved_tokens: The same in tokens.
        told_percent: The highest level that somebody was told of.
        free_picousd: What of that no request uses.
        free_tokens: The same in tokens.
        called: How often replicas were asked to give back what is free.
    """

    spent_picousd: int = 0
    spent_tokens: int = 0
    reserved_picousd: int = 0
    reserved_tokens: int = 0
    told_percent: int = 0
    free_picousd: int = 0
    free_tokens: int = 0
    called: int = 0

    @property
    def free(self) -> Amount:
        """What portions hold and no request uses."""
        return Amount(self.free_picousd, self.free_tokens)

    def left(self, place: Place) -> Amount:
        """Returns what is left of the budgets that a place has; below zero where they are
        exceeded."""
        return Amount(
            (place.limit_picousd or 0) - self.spent_picousd - self.reserved_picousd,
            (place.limit_tokens or 0) - self.spent_tokens - self.reserved_tokens,
        )

    def fits(self, amount: Amount, place: Place) -> bool:
        """Returns whether an amount fits beside what was spent and what is held."""
        return place.has_room(self.left(place), amount)

    def is_spent(self, place: Place) -> bool:
        """Returns whether all of a budget was spent."""
        return (place.limit_picousd is not None and self.spent_picousd >= place.limit_picousd) or (
            place.limit_tokens is not None and self.spent_tokens >= place.limit_tokens
        )

    def move(self, reserved: Amount, free: Amount) -> None:
        """Takes so much aside, or gives it back where it is below zero. Nobody has less than
        nothing: what somebody has deleted needs no giving back."""
        self.reserved_picousd = max(self.reserved_picousd + reserved.picousd, 0)
        self.reserved_tokens = max(self.reserved_tokens + reserved.tokens, 0)
        self.free_picousd = max(self.free_picousd + free.picousd, 0)
        self.free_tokens = max(self.free_tokens + free.tokens, 0)

    def spend(self, amount: Amount) -> None:
        """Notes what was spent."""
        self.spent_picousd += amount.picousd
        self.spent_tokens += amount.tokens

    def share(self, place: Place, parts: int, own: Amount = NOTHING) -> Amount:
        """Returns one of so many parts of what is left, with what is free of one's own; nothing of
        what has no bound."""
        left = place.bounded(self.left(place) + own).at_least(NOTHING)
        return Amount(left.picousd // parts, left.tokens // parts)

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
