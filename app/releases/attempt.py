"""A release at work on a request: everything that a step towards an answer needs to know."""

from dataclasses import dataclass, field

from app.releases.route import Route
from app.request.attempt import AttemptRecord
from app.request.scope import RequestScope
from deployments.contracts.calls import CallContext


@dataclass(frozen=True, slots=True)
class Attempt:
    """One release's attempt to answer one request; a request that a canary fails has two.

    Attributes:
        route: The release: its parameters and its stages.
        scope: The request, decided for this release.
        record: What the attempt leaves behind, filled in on the way.
    """

    route: Route
    scope: RequestScope
    record: AttemptRecord = field(default_factory=AttemptRecord)

    def call(self) -> CallContext:
        """Returns what a stage is told at this moment; see `RequestScope.call`."""
        return self.scope.call()


def attempt_of(route: Route, scope: RequestScope) -> Attempt:
    """Returns a new attempt of a release at a request."""
    return Attempt(route, scope.for_release(route.name))
