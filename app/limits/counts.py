"""What metrics and readiness say of limits and budgets."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class LimitCounts:
    """How the limits of a replica do; counts are since its start.

    Attributes:
        is_away: Whether the store is away, and this replica limits by itself.
        failed_calls: Calls of the store that failed.
        held_places: Places that requests under way hold.
        refused: Requests that were refused, by whose limit it was and of what: `key:tokens`.
        budget_events: What happened to budgets, by the words of `catalog.BUDGET_EVENTS`.
    """

    is_away: bool = False
    failed_calls: int = 0
    held_places: int = 0
    refused: Mapping[str, int] = field(default_factory=dict)
    budget_events: Mapping[str, int] = field(default_factory=dict)
