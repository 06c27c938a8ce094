"""The record of who changed what: a chain of rows, each of which seals the one before it.

A row is written in the transaction of the change that it tells of: without a row there is no
change. Whoever changes or removes a row without the service's secret breaks the chain.
"""

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Literal

from sqlalchemy import delete, select, text
from sqlalchemy.orm import Session

from deployments.access.secrets import Peppers
from deployments.access.tables import AuditRow
from deployments.control.stored import count_of

KEPT_DAYS = 400
_START = 64 * "0"
_ADVISORY_LOCK = 7_263_017_402
"""Any number that nothing else in the same PostgreSQL database locks."""
_PAGE_ROWS = 1000

AuditOutcome = Literal["done", "asked"]
"""Whether it was done, in the same transaction, or is asked of somebody else who keeps it."""


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """Something that was changed, or is about to be.

    Attributes:
        actor: The id of a key, the subject of a token, or the name of a person.
        tenant: Whose it concerns.
        action: What was done, such as `key.create`.
        target: To what: an id.
        outcome: Whether it was done, or asked for.
        request_id: Of the request that asked for it.
        changes: Names of what changed, with the new values of limits, scopes and times.
        at_s: When, in seconds since the epoch; 0 for now.
        number: Its place in the chain, from 1 on; 0 before it has one.
    """

    actor: str
    tenant: str
    action: str
    target: str
    outcome: AuditOutcome = "done"
    request_id: str = ""
    changes: Mapping[str, object] = field(default_factory=dict)
    at_s: float = 0.0
    number: int = 0


@dataclass(frozen=True, slots=True)
class AuditQuery:
    """Which rows somebody wants to see.

    Attributes:
        tenant: Only its own; None for all.
        after: Only those with a higher number.
        before: Only those with a lower one; None for no such bound.
        is_newest_first: Whether they come in the order of their numbers backwards.
        actor: Only what this one changed; empty for anybody.
        action: Only this action, or those that begin like it; empty for any.
        target: Only what was done to this; empty for anything.
        limit: How many at most.
    """

    tenant: str | None = None
    after: int = 0
    before: int | None = None
    is_newest_first: bool = False
    actor: str = ""
    action: str = ""
    target: str = ""
    limit: int = 100


@dataclass(frozen=True, slots=True)
class Verification:
    """What became of the check of a chain.

    Attributes:
        rows: How many were read.
        broken_at: Number of the first row that does not fit; None where all do.
        reason: What is wrong with it.
    """

    rows: int
    broken_at: int | None = None
    reason: str = ""


class AuditLog:
    """Writes and reads the chain.

    Args:
        peppers: The secrets that seal it; the newest one seals new rows.
    """

    def __init__(self, peppers: Peppers) -> None:
        self._peppers = peppers

    def append(self, session: Session, entry: AuditEntry) -> None:
        """Adds a row to a transaction that writes; others that add one wait for its end."""
        if session.get_bind().dialect.name == "postgresql":
            session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
        last = session.scalar(select(AuditRow).order_by(AuditRow.number.desc()).limit(1))
        row = AuditRow(
            number=1 if last is None else last.number + 1,
            at_s=entry.at_s or time.time(),
            actor=entry.actor,
            tenant=entry.tenant,
            action=entry.action,
            object=entry.target,
            outcome=entry.outcome,
            request_id=entry.request_id,
            changes=json.dumps(dict(entry.changes), sort_keys=True),
            pepper=self._peppers.newest,
            previous=_START if last is None else last.hash,
        )
        row.hash = self._hash(row)
        session.add(row)
        session.flush()

    def entries(self, session: Session, query: AuditQuery) -> list[AuditEntry]:
        """Returns the rows that somebody wants to see."""
        wanted = select(AuditRow).where(AuditRow.number > query.after)
        if query.before is not None:
            wanted = wanted.where(AuditRow.number < query.before)
        if query.tenant is not None:
            wanted = wanted.where(AuditRow.tenant == query.tenant)
        if query.actor:
            wanted = wanted.where(AuditRow.actor == query.actor)
        if query.action:
            wanted = wanted.where(AuditRow.action.startswith(query.action, autoescape=True))
        if query.target:
            wanted = wanted.where(AuditRow.object == query.target)
        number = AuditRow.number
        wanted = wanted.order_by(number.desc() if query.is_newest_first else number)
        return [_entry(row) for row in session.scalars(wanted.limit(query.limit))]

    def verify(self, session: Session) -> Verification:
        """Returns whether every row is as it was written, and none is missing in between. Old rows
        that were forgotten are not missed: the chain is followed from the first one that is
        there."""
        rows, before = 0, None
        for row in _all(session):
            reason = self._fault(row, before)
            if reason:
                return Verification(rows, row.number, reason)
            rows, before = rows + 1, row
        return Verification(rows)

    def forget(self, session: Session, *, now_s: float) -> int:
        """Deletes what is older than `KEPT_DAYS`, and returns how many rows that were."""
        old = AuditRow.at_s < now_s - KEPT_DAYS * 86_400
        return count_of(session, delete(AuditRow).where(old))

    def _fault(self, row: AuditRow, before: AuditRow | None) -> str:
        if before is not None and row.number != before.number + 1:
            return "a row before it is missing"
        if before is not None and row.previous != before.hash:
            return "the row before it is another one"
        if before is None and row.number == 1 and row.previous != _START:
            return "a row before it is missing"
        if not self._peppers.knows(row.pepper):
            return f"the secret {row.pepper} that sealed it is not known here"
        if self._hash(row) != row.hash:
            return "it was changed"
        return ""

    def _hash(self, row: AuditRow) -> str:
        content = {**asdict(_entry(row)), "pepper": row.pepper, "previous": row.previous}
        message = json.dumps(content, sort_keys=True, separators=(",", ":")).encode()
        return self._peppers.seal(row.pepper, message)


def _all(session: Session) -> Iterator[AuditRow]:
    after = 0
    while True:
        page = select(AuditRow).where(AuditRow.number > after).order_by(AuditRow.number)
        found = list(session.scalars(page.limit(_PAGE_ROWS)))
        yield from found
        if len(found) < _PAGE_ROWS:
            return
        after = found[-1].number
        session.expunge_all()


def _entry(row: AuditRow) -> AuditEntry:
    return AuditEntry(
        actor=row.actor,
        tenant=row.tenant,
        action=row.action,
        target=row.object,
        outcome="done" if row.outcome == "done" else "asked",
        request_id=row.request_id,
        changes=json.loads(row.changes),
        at_s=row.at_s,
        number=row.number,
    )
