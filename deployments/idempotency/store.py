"""Requests under keys in the database, and their answers as far as they are known. Each method is
one transaction; whoever works on a request names itself, and changes nothing once somebody else
does."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from deployments.contracts.erasure import ErasureScope
from deployments.control.stored import Stored, belongs_to, count_of, insert_into
from deployments.idempotency.tables import KeyedRow, PieceRow


@dataclass(frozen=True, slots=True)
class Claim:
    """What somebody wants to do.

    Attributes:
        digest: Of the key, its tenant, the method and the path.
        tenant: Who asks.
        fingerprint: Of what is asked.
        holder: Names this attempt.
    """

    digest: str
    tenant: str
    fingerprint: str
    holder: str


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an answer has come.

    Attributes:
        fingerprint: Of what was asked.
        holder: Who works on it, or did.
        start: Status and headers as JSON; empty before the answer begins.
        pieces: Parts of the body, from the place on that was asked for.
        is_done: Whether it is whole.
        is_alive: Whether somebody still works on it, or it is whole.
    """

    fingerprint: str
    holder: str
    start: str
    pieces: tuple[bytes, ...]
    is_done: bool
    is_alive: bool


class IdempotencyStore(Stored):
    """Keeps answers for those who ask again."""

    def claim(self, claim: Claim, *, now_s: float, lease_s: float) -> Progress | None:
        """Returns None where the request is the caller's to work on, for so many seconds at first;
        else how far whoever else had the key has come."""
        values = {
            "tenant": claim.tenant,
            "fingerprint": claim.fingerprint,
            "holder": claim.holder,
            "lease_s": now_s + lease_s,
            "expires_s": now_s + lease_s,
            "is_done": False,
            "start": "",
            "conversation": "",
            "user_mark": "",
        }
        with self._writing() as session:
            new = insert_into(session, KeyedRow).values(digest=claim.digest, **values)
            is_over = (KeyedRow.expires_s <= now_s) | (
                ~KeyedRow.is_done & (KeyedRow.lease_s <= now_s)
            )
            # One that nobody works on any more, or that was kept long enough, begins anew.
            taken = new.on_conflict_do_update(
                index_elements=[KeyedRow.digest], set_=values, where=is_over
            )
            if session.scalar(taken.returning(KeyedRow.digest)) is not None:
                session.execute(delete(PieceRow).where(PieceRow.digest == claim.digest))
                return None
            found = self._progress(session, claim.digest, 0, now_s)
            assert found is not None  # the insert would have succeeded
            return found

    def append(
        self,
        claim: Claim,
        *,
        start: str,
        place: int,
        pieces: Sequence[bytes],
        now_s: float,
        lease_s: float,
    ) -> bool:
        """Adds to an answer, and says that it goes on for some more seconds; returns False where
        somebody else has the key by now."""
        with self._writing() as session:
            renewed = (
                update(KeyedRow)
                .where(KeyedRow.digest == claim.digest, KeyedRow.holder == claim.holder)
                .values(start=start, lease_s=now_s + lease_s, expires_s=now_s + lease_s)
            )
            if not count_of(session, renewed):
                return False
            session.add_all(
                PieceRow(digest=claim.digest, place=place + number, content=piece)
                for number, piece in enumerate(pieces)
            )
            return True

    def finish(
        self,
        claim: Claim,
        *,
        expires_s: float | None,
        conversation: str = "",
        user_mark: str = "",
    ) -> None:
        """Keeps an answer that is whole until some time, or, with None, frees its key.

        Args:
            claim: What was worked on.
            expires_s: Until when it is kept, in seconds since the epoch.
            conversation: The kept conversation that it belongs to.
            user_mark: For whom it was written; see `deployments.contracts.erasure`.
        """
        labels = {"conversation": conversation, "user_mark": user_mark}
        own = (KeyedRow.digest == claim.digest) & (KeyedRow.holder == claim.holder)
        with self._writing() as session:
            if expires_s is not None:
                done = update(KeyedRow).where(own).values(is_done=True, expires_s=expires_s)
                session.execute(done.values(**labels))
            elif count_of(session, delete(KeyedRow).where(own)):
                session.execute(delete(PieceRow).where(PieceRow.digest == claim.digest))

    def progress(self, digest: str, *, place: int, now_s: float) -> Progress | None:
        """Returns how far an answer has come, with its body from a place on; None where nothing is
        kept of it any more."""
        with self._reading() as session:
            return self._progress(session, digest, place, now_s)

    def forget(self, *, now_s: float) -> int:
        """Deletes what has been kept long enough, and returns how many requests that were."""
        with self._writing() as session:
            return _delete(session, KeyedRow.expires_s <= now_s)

    def erase_tenant(self, tenant: str) -> int:
        """Deletes all answers to a tenant, and returns how many."""
        with self._erasing() as session:
            return _delete(session, KeyedRow.tenant == tenant)

    def erase(self, scope: ErasureScope) -> int:
        """Deletes answers of a conversation or to a user, and returns how many; one that is being
        written is known by its end alone."""
        with self._erasing() as session:
            return _delete(session, belongs_to(KeyedRow, scope))

    def _progress(self, session: Session, digest: str, place: int, now_s: float) -> Progress | None:
        row = session.get(KeyedRow, digest)
        if row is None:
            return None
        wanted = (
            select(PieceRow.content)
            .where(PieceRow.digest == digest, PieceRow.place >= place)
            .order_by(PieceRow.place)
        )
        is_alive = row.is_done or row.lease_s > now_s
        pieces = tuple(session.scalars(wanted))
        return Progress(row.fingerprint, row.holder, row.start, pieces, row.is_done, is_alive)


def _delete(session: Session, which: Any) -> int:
    gone = select(KeyedRow.digest).where(which).scalar_subquery()
    session.execute(delete(PieceRow).where(PieceRow.digest.in_(gone)))
    return count_of(session, delete(KeyedRow).where(which))
