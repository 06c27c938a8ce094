"""Taking the files and batches of a tenant out of the database, some at a time."""

from typing import Any

from sqlalchemy import ColumnElement, delete, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from deployments.batches.owners import SEPARATOR
from deployments.batches.tables import BatchRow, FileRow, LeaseRow, LineRow, PieceRow, ResultRow
from deployments.batches.work import WorkStore
from deployments.contracts.tenants import DEFAULT_TENANT, Erased
from deployments.control.stored import count_of

_STEP = 20
"""Batches, and files, of one transaction: others write in between."""


class ErasableStore(WorkStore):
    """Forgets what a tenant has."""

    def erase(self, tenant: str) -> Erased:
        """See `BatchStage.erase_tenant`. Who works on a line of it is not asked: there is nowhere
        left to keep its result."""
        counts: dict[str, int] = {}
        with self._writing() as session:
            batches = _ids(session, BatchRow.id, _is_of(tenant, BatchRow.owner))
            counts["lines"] = _remove(session, LineRow, LineRow.batch_id.in_(batches))
            counts["results"] = _remove(session, ResultRow, ResultRow.batch_id.in_(batches))
            _remove(session, LeaseRow, LeaseRow.batch_id.in_(batches))
            counts["batches"] = _remove(session, BatchRow, BatchRow.id.in_(batches))
            files = _ids(session, FileRow.id, _is_of(tenant, FileRow.owner))
            _remove(session, PieceRow, PieceRow.file_id.in_(files))
            counts["files"] = _remove(session, FileRow, FileRow.id.in_(files))
        counts = {what: count for what, count in counts.items() if count}
        return Erased(counts, is_done=not counts)


def _is_of(tenant: str, owner: InstrumentedAttribute[str]) -> ColumnElement[bool]:
    begins = owner.startswith(f"{tenant}{SEPARATOR}", autoescape=True)
    if tenant == DEFAULT_TENANT:
        return begins | owner.not_like(f"%{SEPARATOR}%")
    return begins


def _ids(
    session: Session, column: InstrumentedAttribute[str], condition: ColumnElement[bool]
) -> list[str]:
    return list(session.scalars(select(column).where(condition).limit(_STEP)))


def _remove(session: Session, table: Any, condition: ColumnElement[bool]) -> int:
    return count_of(session, delete(table).where(condition))
