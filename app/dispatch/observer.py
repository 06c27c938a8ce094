"""Who takes note of what became of requests."""

from typing import Protocol

from app.releases.assignment import Assignment
from app.request.figures import Values


class Observer(Protocol):
    """Takes note of outcomes."""

    def observe(self, assignment: Assignment, begun_s: float, values: Values) -> None:
        """Notes the outcome of a request; `begun_s` in seconds since the epoch."""
        ...

    def observe_pair(self, assignment: Assignment, begun_s: float, values: Values) -> None:
        """Notes how the answers of both releases to one request compare."""
        ...


class NoObserver:
    """Where there is no control application."""

    def observe(self, assignment: Assignment, begun_s: float, values: Values) -> None:
        """See `Observer`."""

    def observe_pair(self, assignment: Assignment, begun_s: float, values: Values) -> None:
        """See `Observer`."""
