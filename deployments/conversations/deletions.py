"""What is to be erased, in the database, until every place has said that nothing of it is left."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, select, update

from deployments.contracts.erasure import ErasedPlace, ErasureScope
from deployments.control.stored import Stored, count_of
from deployments.conversations.tables import DeletionRow


@dataclass(frozen=True, slots=True)
class Deletion:
    """Something that is to be erased everywhere.

    Attributes:
        id: Random.
        scope: What; once it is done, of a user only that it was one.
        asked_s: When it was asked for, in seconds since the epoch.
        until_s: Until when requests may run that had begun before, and leave something.
        places: What each place said.
        done_s: When nothing was left anywhere; None before.
        quiet_tries: How often in a row all places were done.
    """

    id: str
    scope: ErasureScope
    asked_s: float
    until_s: float
    places: tuple[ErasedPlace, ...] = ()
    done_s: float | None = None
    quiet_tries: int = 0


class DeletionStore(Stored):
    """Keeps deletions."""

    def add(self, deletion: Deletion) -> None:
        """Keeps a new one, which its maker tries first."""
        scope = deletion.scope
        with self._writing() as session:
            session.add(
                DeletionRow(
                    id=deletion.id,
                    tenant=scope.tenant,
                    conversation=scope.conversation,
                    user=scope.user,
                    asked_s=deletion.asked_s,
                    until_s=deletion.until_s,
                    tried_s=deletion.asked_s,
                    done_s=None,
                    quiet_tries=0,
                    places=_pack(deletion.places),
                )
            )

    def find(self, tenant: str, deletion_id: str) -> Deletion | None:
        """Returns a deletion of a tenant; None where there is none."""
        wanted = select(DeletionRow).where(
            DeletionRow.id == deletion_id, DeletionRow.tenant == tenant
        )
        with self._reading() as session:
            row = session.scalars(wanted).one_or_none()
            return None if row is None else _deletion(row)

    def open(self, *, limit: int) -> list[Deletion]:
        """Returns deletions that are not done, oldest first."""
        wanted = (
            select(DeletionRow)
            .where(DeletionRow.done_s.is_(None))
            .order_by(DeletionRow.asked_s, DeletionRow.id)
            .limit(limit)
        )
        with self._reading() as session:
            return [_deletion(row) for row in session.scalars(wanted)]

    def claim(self, deletion_id: str, *, now_s: float, rest_s: float) -> bool:
        """Returns whether a deletion is the caller's to try: nobody has for so many seconds."""
        tried = (
            update(DeletionRow)
            .where(DeletionRow.id == deletion_id, DeletionRow.done_s.is_(None))
            .where(DeletionRow.tried_s <= now_s - rest_s)
            .values(tried_s=now_s)
        )
        with self._writing() as session:
            return count_of(session, tried) > 0

    def note(self, deletion: Deletion) -> None:
        """Keeps what places have said. One that is done names no user any more."""
        values: dict[str, Any] = {
            "places": _pack(deletion.places),
            "quiet_tries": deletion.quiet_tries,
            "done_s": deletion.done_s,
        }
        if deletion.done_s is not None:
            values["user"] = ""
        own = update(DeletionRow).where(DeletionRow.id == deletion.id)
        with self._writing() as session:
            session.execute(own.values(**values))

    def forget(self, *, before_s: float) -> int:
        """Deletes what was done before then, and returns how many that were."""
        with self._writing() as session:
            return count_of(session, delete(DeletionRow).where(DeletionRow.done_s < before_s))


def _pack(places: Sequence[ErasedPlace]) -> dict[str, Any]:
    return {"places": [[one.place, dict(one.counts), one.is_done, one.reason] for one in places]}


def _deletion(row: DeletionRow) -> Deletion:
    return Deletion(
        id=row.id,
        scope=ErasureScope(row.tenant, row.conversation, row.user, row.asked_s),
        asked_s=row.asked_s,
        until_s=row.until_s,
        places=tuple(ErasedPlace(*one) for one in row.places["places"]),
        done_s=row.done_s,
        quiet_tries=row.quiet_tries,
    )
