"""Whose documents a call may reach."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from deployments.contracts.errors import Forbidden

DEFAULT_TENANT = "default"
"""Whose everything is where nobody has a key."""

Acl = frozenset[str] | None
"""Groups that may read a document; None where all of its tenant may."""

Kept = Literal["kept"]
"""In the place of an `Acl`: whatever the document has already, and where it is new, None."""


@dataclass(frozen=True, slots=True)
class Access:
    """What a call may see and change: documents of one tenant, and of these the ones that everyone
    of the tenant may read or that name one of the groups.

    It travels in the context of every call, so that no stage can be asked without it, and never in
    a filter that a client writes.

    Attributes:
        tenant: The tenant.
        groups: Groups of whoever asks; None for all of the tenant's.
        all_tenants: Whether it is everything of everybody; see `everything`.
    """

    tenant: str = DEFAULT_TENANT
    groups: frozenset[str] | None = None
    all_tenants: bool = False

    @classmethod
    def everything(cls) -> "Access":
        """Returns what reaches the documents of all tenants: for copying an index, fitting its
        calibration and repairing it, and never for a request of a client.

        Ids are those under which the index keeps documents, and name the tenant: equal ids of two
        tenants are two.
        """
        return cls(tenant="", all_tenants=True)

    def require_all_tenants(self) -> None:
        """Raises Forbidden unless everything is reached: for what only operators may ask."""
        if not self.all_tenants:
            raise Forbidden("This is for operators of the service.")

    def may_read(self, acl: Acl) -> bool:
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


@dataclass(frozen=True, slots=True)
class Erased:
    """What a step of erasing a tenant has removed.

    Attributes:
        counts: Rows, by what they held.
        is_done: Whether nothing was left to remove.
    """

    counts: Mapping[str, int] = field(default_factory=dict)
    is_done: bool = True


DEFAULT_ACCESS = Access()
"""What is reached where nobody has a key."""
