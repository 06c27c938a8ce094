"""The rows of an index by tenant, and below it by who may read them: what a search may look at is
known before it begins, however many tenants share the index.

A set is kept as the ascending numbers of its rows. A commit makes new sets for the tenants whose
documents changed, in time linear in their rows, and shares all others with the state before it.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from deployments.contracts.tenants import Access, Acl
from deployments.retriever.index.row import Row
from deployments.retriever.tenancy.names import tenant_of

_KEPT_GROUPS = 64
"""Sets of groups of whom it is remembered what they may read, for each tenant."""


class Numbers:
    """The numbers of some rows.

    Args:
        ascending: (n,) the numbers, or what gives them when they are first asked for.
        document_count: Documents that these are all rows of.
        count: n; asked for where the numbers are not there yet.
    """

    def __init__(
        self,
        ascending: NDArray[np.int64] | Callable[[], NDArray[np.int64]],
        document_count: int = 0,
        *,
        count: int | None = None,
    ) -> None:
        self._given = ascending
        self._count = count
        self.document_count = document_count

    def __len__(self) -> int:
        return len(self.ascending) if self._count is None else self._count

    @cached_property
    def ascending(self) -> NDArray[np.int64]:
        """(n,) the numbers."""
        return self._given() if callable(self._given) else self._given

    @cached_property
    def as_set(self) -> frozenset[int]:
        """The same as a set."""
        return frozenset(self.ascending.tolist())


NO_NUMBERS = Numbers(np.empty(0, dtype=np.int64))


@dataclass(slots=True)
class _Change:
    """What came and went of one set since the last state, by number; True for the first row of a
    document."""

    added: dict[int, bool] = field(default_factory=dict)
    gone: dict[int, bool] = field(default_factory=dict)


class Partition:
    """The rows of one tenant in one state of the index. It never changes.

    Args:
        by_acl: Its rows by who may read them.
    """

    def __init__(self, by_acl: Mapping[Acl, Numbers]) -> None:
        self.by_acl = by_acl
        self._readable: dict[frozenset[str], Numbers] = {}

    @property
    def is_open(self) -> bool:
        """Whether all of the tenant may read everything."""
        return self.by_acl.keys() <= {None}

    def readable(self, access: Access) -> Numbers:
        """Returns the rows that somebody of the tenant may read."""
        if access.groups is None or self.is_open:
            return self.rows
        found = self._readable.get(access.groups)
        if found is None:
            found = union(rows for acl, rows in self.by_acl.items() if access.may_read(acl))
            if len(self._readable) >= _KEPT_GROUPS:
                self._readable.clear()
            self._readable[access.groups] = found
        return found

    def changed(self, changes: Mapping[Acl, _Change]) -> "Partition":
        """Returns the rows as they are after some came and went."""
        by_acl = dict(self.by_acl)
        for acl, change in changes.items():
            rows = _changed(by_acl.pop(acl, NO_NUMBERS), change)
            if len(rows):
                by_acl[acl] = rows
        return Partition(by_acl)

    def __bool__(self) -> bool:
        return bool(self.by_acl)

    @cached_property
    def rows(self) -> Numbers:
        """All of them."""
        return union(self.by_acl.values())


class PartitionTable:
    """Sorts rows while an index changes. One thread at a time may change it."""

    def __init__(self) -> None:
        self._partitions: dict[str, Partition] = {}
        self._changes: dict[str, dict[Acl, _Change]] = {}

    def add(self, number: int, row: Row) -> None:
        """Takes in a row under a number above all former ones."""
        self._change_of(row).added[number] = row.ordinal == 0

    def remove(self, number: int, row: Row) -> None:
        """Forgets a row."""
        change = self._change_of(row)
        if change.added.pop(number, None) is None:
            change.gone[number] = row.ordinal == 0

    def snapshot(self) -> Mapping[str, Partition]:
        """Returns the rows of each tenant that has any, as they are."""
        for tenant, changes in self._changes.items():
            partition = self._partitions.pop(tenant, Partition({})).changed(changes)
            if partition:
                self._partitions[tenant] = partition
        self._changes = {}
        return self._partitions.copy()

    def _change_of(self, row: Row) -> _Change:
        changes = self._changes.setdefault(tenant_of(row.chunk_id), {})
        return changes.setdefault(row.acl, _Change())


def _changed(former: Numbers, change: _Change) -> Numbers:
    gone = np.array(sorted(change.gone), dtype=np.int64)
    kept = np.delete(former.ascending, np.searchsorted(former.ascending, gone))
    added = np.fromiter(change.added, dtype=np.int64, count=len(change.added))
    documents = former.document_count + sum(change.added.values()) - sum(change.gone.values())
    return Numbers(np.concatenate([kept, added]), documents)


def joined(first: Partition, second: Partition) -> Partition:
    """Returns the rows of two partitions of one tenant."""
    acls = first.by_acl.keys() | second.by_acl.keys()
    parts = (first, second)
    return Partition(
        {acl: union(part.by_acl[acl] for part in parts if acl in part.by_acl) for acl in acls}
    )


def union(parts: Iterable[Numbers]) -> Numbers:
    """Returns the rows of sets that have none in common."""
    given = list(parts)
    if len(given) == 1:
        return given[0]
    if not given:
        return NO_NUMBERS

    def ascending() -> NDArray[np.int64]:
        return np.sort(np.concatenate([rows.ascending for rows in given]))

    documents = sum(rows.document_count for rows in given)
    return Numbers(ascending, documents, count=sum(len(rows) for rows in given))
