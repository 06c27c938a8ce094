"""Whose documents a call may reach."""

from dataclasses import dataclass

DEFAULT_TENANT = "default"
"""Whose everything is where nobody has a key."""


@dataclass(frozen=True, slots=True)
class Access:
    """What a call may see and change: documents of one tenant, and of these the ones that everyone
    of the tenant may read or that name one of the groups.

    It travels in the context of every call, so that no stage can be asked without it, and never in
    a filter that a client writes.

    Attributes:
        tenant: The tenant.
        groups: Groups of whoever asks; None for all of the tenant's.
    """

    tenant: str = DEFAULT_TENANT
    groups: frozenset[str] | None = None

    def may_read(self, acl: frozenset[str] | None) -> bool:
        """Returns whether a document of the tenant is within reach.

        Args:
            acl: Groups that may read it; None where all of the tenant may.

        >>> Access("acme", frozenset({"legal"})).may_read(frozenset({"legal", "board"}))
        True
        >>> Access("acme", frozenset()).may_read(frozenset({"legal"}))
        False
        >>> Access("acme", frozenset()).may_read(None)
        True
        """
        return acl is None or self.groups is None or not self.groups.isdisjoint(acl)
