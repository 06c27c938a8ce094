"""What became of reservations of budgets, counted."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class BudgetCounts:
    """What became of reservations, since the start: the two ways in which a budget can be exceeded,
    what is lost, and who was told of what."""

    underestimated: int = 0
    settled_late: int = 0
    released: int = 0
    lost: int = 0
    warned: int = 0
    alerts: dict[str, int] = field(default_factory=dict)
    refused: dict[str, int] = field(default_factory=dict)

    def events(self) -> dict[str, int]:
        """Returns all of them by name."""
        names = ("underestimated", "settled_late", "released", "lost", "warned")
        return {name: getattr(self, name) for name in names} | self.alerts
