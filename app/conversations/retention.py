"""How long conversations are kept: as long as the settings say, or as their tenant, where that is
shorter."""

import time
from collections.abc import Callable, Mapping

_BELIEVED_S = 5.0
"""What tenants say is asked for no sooner again."""


class Retention:
    """Knows the age at which conversations go.

    Args:
        ttl_days: Returns what holds for all, at the moment.
        of_tenants: Returns what holds for those tenants that say it, by id; it blocks. None where
            there are no tenants.
        now: Clock in seconds; monotonic.
    """

    def __init__(
        self,
        ttl_days: Callable[[], float],
        of_tenants: Callable[[], Mapping[str, float]] | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ttl_days = ttl_days
        self._of_tenants = of_tenants
        self._now = now
        self._known: Mapping[str, float] = {}
        self._asked_s = float("-inf")

    def days(self, tenant: str) -> float:
        """Returns how many days without a turn a conversation of a tenant stays; it blocks.

        Raises:
            Unavailable: the database of tenants does not answer.
        """
        return min(self._ttl_days(), self._shorter().get(tenant, float("inf")))

    def exceptions(self) -> Mapping[str, float]:
        """Returns the days of those tenants whose conversations go sooner than others; it blocks,
        and raises as `days`."""
        of_all = self._ttl_days()
        return {tenant: days for tenant, days in self._shorter().items() if days < of_all}

    def _shorter(self) -> Mapping[str, float]:
        if self._of_tenants is not None and self._now() - self._asked_s >= _BELIEVED_S:
            asked_s = self._now()
            # Several threads may ask at once: each puts a whole answer in place of a whole one.
            self._known, self._asked_s = self._of_tenants(), asked_s
        return self._known
