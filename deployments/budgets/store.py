"""Budgets in the database. One row is the truth of a subject in a period: nothing is counted twice,
and nothing is derived from usage, which comes later.

Locks are taken in one order, portions by id and then budgets by subject and period, so that no
two replicas wait for each other.
"""

import time
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from pathlib import Path

from sqlalchemy import delete, select

from deployments.budgets.contract import Amount, Need, PortionNews, PortionState, Reserved
from deployments.budgets.group import Group, Key
from deployments.budgets.hurried import HurriedTransactions
from deployments.budgets.journal import Journal, read_journal
from deployments.budgets.standing import Standing
from deployments.budgets.statements import Statements
from deployments.budgets.tables import BudgetRow, HolderRow, ReservationRow
from deployments.control.stored import Stored, insert_into

_MOST_KNOWN = 10_000


class BudgetStore(Stored):
    """Keeps what was spent, and what portions replicas hold. Each method is one transaction.

    What replicas tell of portions is seen by all when it returns, and survives a kill of theirs; it
    is on the disk with the next beat, within a second or so. Nobody is to wait for a disk at the
    end of every answer.

    Args:
        url: As in `Stored`.
        now_s: Clock in seconds since the epoch, for what is kept how long.
    """

    def __init__(self, url: str, now_s: Callable[[], float] = time.time) -> None:
        super().__init__(url)
        self._hurried = HurriedTransactions(self._url)
        self._statements = Statements(self._url.get_backend_name())
        self._now_s = now_s
        self._known: set[Key] = set()

    def close(self) -> None:
        """See `Stored.close`."""
        super().close()
        self._hurried.close()

    def tell(
        self, states: Sequence[PortionState], needs: Sequence[Need] = (), *, parts: int = 8
    ) -> tuple[list[PortionNews], list[Reserved]]:
        """Takes over what a replica says of its portions, then meets needs in their order, then
        grants what is wanted to be free.

        Args:
            states: Of portions, each once; also of those that the needs are of.
            needs: Of requests that wait.
            parts: Into how many parts what is left is thought to be parted: no portion has more of
                it free than one.

        Returns:
            What is told of each portion, and what became of each need.
        """
        with self._hurried.begin() as cursor:
            group = Group(cursor, self._statements, self._now_s(), self._known)
            group.load(states)
            were = [group.tell(state) for state in states]
            met = [group.meet(need) for need in needs]
            granted = [group.grant(state, parts) for state in states]
            news = [
                group.news(state, was, more, parts)
                for state, was, more in zip(states, were, granted, strict=True)
            ]
            written = group.write()
        self._know(written)
        return news, met

    def journal(self, holder: str) -> Journal | None:
        """Returns where a holder notes what it has not told yet; None where the database is on
        another machine, or the file cannot be made."""
        path = self._journal_of(holder)
        with suppress(OSError):
            return None if path is None else Journal(path)
        return None

    def standing(self, subject: str, period: str) -> Standing:
        """Returns what a subject has spent in a period, and what portions hold."""
        with self._reading() as session:
            row = session.get(BudgetRow, (subject, period))
            names = Standing.__dataclass_fields__
            return Standing(*(getattr(row, name) for name in names)) if row else Standing()

    def holds_any(self) -> bool:
        """Returns whether anything is held by anybody."""
        with self._reading() as session:
            held = select(ReservationRow.id).where(ReservationRow.state == "held").limit(1)
            return session.scalar(held) is not None

    def beat(self, holder: str) -> dict[str, int]:
        """Notes that a holder lives, and returns how often each has said so."""
        with self._writing() as session:
            new = insert_into(session, HolderRow).values(
                holder=holder, beats=1, seen_s=self._now_s()
            )
            kept = {"beats": HolderRow.beats + 1, "seen_s": new.excluded.seen_s}
            session.execute(new.on_conflict_do_update(index_elements=["holder"], set_=kept))
            found = session.execute(select(HolderRow.holder, HolderRow.beats))
            return {row.holder: row.beats for row in found}

    def release(self, holders: Sequence[str]) -> int:
        """Gives back what holders have that are gone, all but what their journals say was spent;
        returns how many portions that were."""
        spent: dict[str, Amount] = {}
        for holder in holders:
            if (path := self._journal_of(holder)) is not None:
                spent |= read_journal(path)
        with self._hurried.begin() as cursor:
            group = Group(cursor, self._statements, self._now_s(), self._known)
            count = group.load_held(holders)
            group.release_all(spent)
            group.write()
        return count

    def forget(self, *, before_s: float) -> None:
        """Deletes portions that ended before a moment, and holders that were last seen then."""
        with self._writing() as session:
            ended = (ReservationRow.changed_s < before_s) & (ReservationRow.state != "held")
            session.execute(delete(ReservationRow).where(ended))
            holding = select(ReservationRow.holder).where(ReservationRow.state == "held")
            gone = (HolderRow.seen_s < before_s) & HolderRow.holder.not_in(holding)
            session.execute(delete(HolderRow).where(gone))
            kept = set(session.scalars(select(HolderRow.holder)))
        self._forget_journals(kept)

    def _journal_of(self, holder: str) -> Path | None:
        if self._url.get_backend_name() != "sqlite":
            return None
        return Path(f"{self._url.database}-portions") / holder

    def _forget_journals(self, kept: Collection[str]) -> None:
        folder = self._journal_of("")
        with suppress(OSError):
            for path in [] if folder is None else folder.iterdir():
                if path.name not in kept:
                    path.unlink()

    def _know(self, keys: Collection[Key]) -> None:
        """Remembers budgets that have a row: the next transaction need not begin them."""
        if len(self._known) > _MOST_KNOWN:
            self._known.clear()
        self._known.update(keys)
