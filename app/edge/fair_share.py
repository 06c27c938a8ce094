"""How the places of one replica are shared among tenants: as long as there is room, not at all."""

_NEARLY_FULL = 0.8
"""Up to this share of all places anybody may take any number: what nobody asks for is not kept
free."""
_FEWEST = 2
"""Places that a tenant may have however many others there are."""


class FairShare:
    """Counts what each tenant runs."""

    def __init__(self) -> None:
        self._running: dict[str, int] = {}

    def add(self, tenant: str, weight: int) -> None:
        """Notes that a tenant runs so much more, or less."""
        running = self._running.get(tenant, 0) + weight
        if running > 0:
            self._running[tenant] = running
        else:
            self._running.pop(tenant, None)

    def running(self, tenant: str) -> int:
        """Returns how much a tenant runs."""
        return self._running.get(tenant, 0)

    def allows(self, tenant: str, weight: int, *, limit: int) -> bool:
        """Returns whether a tenant may run so much more.

        Args:
            tenant: Who asks.
            weight: How much more it would be.
            limit: Places for all.

        >>> share = FairShare()
        >>> share.add("busy", 80)
        >>> share.allows("busy", 1, limit=100)  # nobody else wants anything
        True
        >>> share.add("quiet", 1)
        >>> share.allows("busy", 1, limit=100), share.allows("quiet", 1, limit=100)
        (False, True)
        """
        mine = self.running(tenant)
        if sum(self._running.values()) + weight <= limit * _NEARLY_FULL:
            return True
        tenants = len(self._running) + (mine == 0)
        return mine + weight <= max(_FEWEST, limit // tenants)
