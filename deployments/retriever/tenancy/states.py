"""The state of each tenant's documents as one digest, which changes with every write of that
tenant, is the same in every replica that has the same documents, and is no other tenant's business.

The digest of a set is the sum of those of its members, so that a change costs the same however many
there are.

Source: Bellare and Micciancio, A New Paradigm for Collision-free Hashing: Incrementality at Reduced
Cost, EUROCRYPT 1997, AdHash.
"""

import hashlib
from collections.abc import Mapping

from deployments.retriever.tenancy.names import tenant_of

_MODULUS = 2**256
NO_DOCUMENTS = f"{0:064x}"
"""The state of a tenant that has none."""


class TenantStates:
    """Follows documents by their ids in the index and the marks of their versions. One thread at a
    time may change it.

    Args:
        kept: What `keep` returned.
    """

    def __init__(self, kept: Mapping[str, tuple[str, int]] | None = None) -> None:
        self._sums = {tenant: int(total, 16) for tenant, (total, _) in (kept or {}).items()}
        self._unknown = {tenant: unknown for tenant, (_, unknown) in (kept or {}).items()}

    def keep(self) -> dict[str, tuple[str, int]]:
        """Returns what makes the same again, by tenant."""
        return {
            tenant: (f"{total:x}", self._unknown[tenant]) for tenant, total in self._sums.items()
        }

    def change(self, document_id: str, former: str | None, mark: str | None) -> None:
        """Notes another version of a document.

        Args:
            document_id: As the index calls it.
            former: The mark of the version before; None where it was not there.
            mark: That of the new one; None where it is gone. Empty for one that may change under
                its mark: then nothing can be said of its tenant.
        """
        if former == mark:
            return
        tenant = tenant_of(document_id)
        change = _digest(document_id, mark) - _digest(document_id, former)
        self._sums[tenant] = (self._sums.get(tenant, 0) + change) % _MODULUS
        self._unknown[tenant] = self._unknown.get(tenant, 0) + (mark == "") - (former == "")

    def digests(self) -> Mapping[str, str]:
        """Returns the states as they are, by tenant; empty where nothing can be said of one."""
        return {
            tenant: "" if self._unknown[tenant] else f"{total:064x}"
            for tenant, total in self._sums.items()
        }


def _digest(document_id: str, mark: str | None) -> int:
    if not mark:
        return 0
    return int.from_bytes(hashlib.sha256(f"{mark}\0{document_id}".encode()).digest())
