"""Conversations in the database. Each method is one transaction; whoever asks names the owner, and
finds nothing of anybody else's."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from deployments.contracts.erasure import ErasureScope
from deployments.contracts.errors import Conflict, NotFound
from deployments.control.stored import Stored, count_of
from deployments.conversations.messages import (
    pack_message,
    pack_messages,
    unpack_message,
    unpack_messages,
)
from deployments.conversations.records import KeptCitation, KeptConversation, KeptTurn, Owner
from deployments.conversations.tables import ConversationRow, TurnRow

_BUSY_RETRY_S = 1.0


class ConversationStore(Stored):
    """Keeps conversations. What has had no turn since `oldest_s` is as good as deleted."""

    def create(
        self, conversation: KeptConversation, *, holder: str = "", until_s: float = 0.0
    ) -> None:
        """Keeps a new conversation; with a holder, as one whose first turn has begun."""
        with self._writing() as session:
            session.add(_row_of(conversation, holder, until_s))

    def find(self, owner: Owner, conversation_id: str, *, oldest_s: float) -> KeptConversation:
        """Returns a conversation.

        Raises:
            NotFound: its owner has none of this id.
        """
        with self._reading() as session:
            return _conversation(_own_row(session, owner, conversation_id, oldest_s))

    def page(
        self, owner: Owner, *, oldest_s: float, after: str = "", limit: int
    ) -> list[KeptConversation]:
        """Returns conversations of an owner, those with the latest turn first.

        Args:
            owner: Whose.
            oldest_s: When the last turn must have been.
            after: Id of the last one of the page before; empty for the first page.
            limit: How many at most.

        Raises:
            NotFound: there is no conversation `after`.
        """
        wanted = (
            select(ConversationRow)
            .where(*_of(owner), ConversationRow.last_turn_s > oldest_s)
            .order_by(ConversationRow.last_turn_s.desc(), ConversationRow.id)
            .limit(limit)
        )
        with self._reading() as session:
            if after:
                last = _own_row(session, owner, after, oldest_s)
                at_s, id = ConversationRow.last_turn_s, ConversationRow.id
                is_later = (at_s < last.last_turn_s) | ((at_s == last.last_turn_s) & (id > last.id))
                wanted = wanted.where(is_later)
            return [_conversation(row) for row in session.scalars(wanted)]

    def turns(
        self,
        owner: Owner,
        conversation_id: str,
        *,
        oldest_s: float,
        after: int = 0,
        limit: int,
    ) -> list[KeptTurn]:
        """Returns the turns of a conversation after a number, in their order.

        Raises:
            NotFound: its owner has none of this id.
        """
        with self._reading() as session:
            _own_row(session, owner, conversation_id, oldest_s)
            wanted = (
                select(TurnRow)
                .where(TurnRow.conversation == conversation_id, TurnRow.n > after)
                .order_by(TurnRow.n)
                .limit(limit)
            )
            return [_turn(row) for row in session.scalars(wanted)]

    def completed(
        self,
        owner: Owner,
        conversation_id: str,
        *,
        oldest_s: float,
        after: int | None = None,
        limit: int,
    ) -> list[KeptTurn]:
        """Returns the last turns that were completed, oldest first; see `begin`."""
        with self._reading() as session:
            _own_row(session, owner, conversation_id, oldest_s)
            turns = _completed(session, conversation_id, limit)
            if after is not None:
                _check_last(after, turns)
            return turns

    def begin(
        self,
        owner: Owner,
        conversation_id: str,
        holder: str,
        *,
        oldest_s: float,
        now_s: float,
        lease_s: float,
        after: int | None = None,
        limit: int,
    ) -> tuple[int, list[KeptTurn]]:
        """Takes a conversation for its next turn, and returns the number of that, and the last
        turns that were completed, oldest first.

        Args:
            owner: Whose it is.
            conversation_id: Its id.
            holder: Names whoever writes the turn.
            oldest_s: When the last turn must have been.
            now_s: Seconds since the epoch.
            lease_s: Time that it is taken for, unless it is renewed.
            after: The completed turn that must be the last one; None for any.
            limit: Turns at most.

        Raises:
            NotFound: its owner has none of this id, or it has no such turn.
            Conflict: somebody writes a turn of it, or another turn was completed since.
        """
        is_free = (ConversationRow.holder == "") | (ConversationRow.lease_s <= now_s)
        taken = (
            update(ConversationRow)
            .where(ConversationRow.id == conversation_id, *_of(owner), is_free)
            .where(ConversationRow.last_turn_s > oldest_s)
            .values(holder=holder, lease_s=now_s + lease_s)
        )
        with self._writing() as session:
            is_taken = count_of(session, taken) > 0
            row = _own_row(session, owner, conversation_id, oldest_s)
            if not is_taken:
                raise Conflict(
                    "Another turn of this conversation is being answered; wait for its end.",
                    None,
                    _BUSY_RETRY_S,
                )
            turns = _completed(session, conversation_id, limit)
            if after is not None:
                _check_last(after, turns)
            return row.turns + 1, turns

    def renew(self, holders: Sequence[str], *, until_s: float) -> None:
        """Says that turns are still being answered."""
        with self._writing() as session:
            own = ConversationRow.holder.in_(holders)
            session.execute(update(ConversationRow).where(own).values(lease_s=until_s))

    def release(self, conversation_id: str, holder: str) -> None:
        """Gives a conversation back whose turn is not kept."""
        with self._writing() as session:
            session.execute(
                update(ConversationRow)
                .where(ConversationRow.id == conversation_id, ConversationRow.holder == holder)
                .values(holder="", lease_s=0.0)
            )

    def discard(self, conversation_id: str, holder: str) -> None:
        """Deletes a new conversation whose first turn is not kept."""
        own = (ConversationRow.id == conversation_id) & (ConversationRow.holder == holder)
        with self._writing() as session:
            session.execute(delete(ConversationRow).where(own, ConversationRow.turns == 0))

    def keep(self, conversation_id: str, holder: str, turn: KeptTurn) -> bool:
        """Keeps a turn, and gives the conversation back; returns False where nothing was kept,
        because the conversation is gone, or somebody else has it by now."""
        written = (
            update(ConversationRow)
            .where(ConversationRow.id == conversation_id, ConversationRow.holder == holder)
            .values(holder="", lease_s=0.0, last_turn_s=turn.ended_s, turns=turn.n)
        )
        with self._writing() as session:
            if not count_of(session, written):
                return False
            session.add(_turn_row(conversation_id, turn))
            return True

    def erase(self, scope: ErasureScope) -> Mapping[str, int]:
        """Deletes a conversation, or all of a user's, whatever key they are of, and returns how
        many rows that were."""
        own = ConversationRow.tenant == scope.tenant
        if scope.conversation:
            own &= ConversationRow.id == scope.conversation
        else:
            own &= (ConversationRow.user == scope.user) & (
                ConversationRow.created_s <= scope.before_s
            )
        with self._erasing() as session:
            return _counts(_delete(session, own))

    def erase_tenant(self, tenant: str) -> Mapping[str, int]:
        """Deletes all conversations of a tenant, and returns how many rows that were."""
        with self._erasing() as session:
            return _counts(_delete(session, ConversationRow.tenant == tenant))

    def forget(self, *, before_s: float, now_s: float, tenant: str | None = None) -> int:
        """Deletes conversations without a turn since then, of a tenant or of all, and returns how
        many; one that has a turn under way stays."""
        is_old = ConversationRow.last_turn_s <= before_s
        if tenant is not None:
            is_old &= ConversationRow.tenant == tenant
        is_idle = (ConversationRow.holder == "") | (ConversationRow.lease_s <= now_s)
        with self._writing() as session:
            return _delete(session, is_old & is_idle)[0]


def _of(owner: Owner) -> tuple[Any, ...]:
    return (
        ConversationRow.tenant == owner.tenant,
        ConversationRow.key_id == owner.key_id,
        ConversationRow.user == owner.user,
    )


def _own_row(
    session: Session, owner: Owner, conversation_id: str, oldest_s: float
) -> ConversationRow:
    wanted = select(ConversationRow).where(ConversationRow.id == conversation_id, *_of(owner))
    row = session.scalars(wanted).one_or_none()
    if row is None or row.last_turn_s <= oldest_s:
        raise NotFound(f"There is no conversation '{conversation_id[:64]}'.")
    return row


def _completed(session: Session, conversation_id: str, limit: int) -> list[KeptTurn]:
    wanted = (
        select(TurnRow)
        .where(TurnRow.conversation == conversation_id, TurnRow.status == "completed")
        .order_by(TurnRow.n.desc())
        .limit(limit)
    )
    return [_turn(row) for row in session.scalars(wanted)][::-1]


def _check_last(after: int, turns: Sequence[KeptTurn]) -> None:
    """Raises unless a turn is the last one that was completed."""
    last = turns[-1].n if turns else 0
    if last > after:
        raise Conflict(
            "Another answer has followed that one; go on from the last one of the conversation."
        )
    if last < after:
        raise _no_turn(after)


def _no_turn(n: int) -> NotFound:
    return NotFound(f"The conversation has no completed turn {n}.")


def _delete(session: Session, which: Any) -> tuple[int, int]:
    """Deletes conversations with their turns, and returns how many of each."""
    gone = select(ConversationRow.id).where(which).scalar_subquery()
    turns = count_of(session, delete(TurnRow).where(TurnRow.conversation.in_(gone)))
    return count_of(session, delete(ConversationRow).where(which)), turns


def _counts(deleted: tuple[int, int]) -> Mapping[str, int]:
    conversations, turns = deleted
    return {"conversations": conversations, "turns": turns}


def _row_of(conversation: KeptConversation, holder: str, until_s: float) -> ConversationRow:
    return ConversationRow(
        id=conversation.id,
        **asdict(conversation.owner),
        title=conversation.title,
        details=dict(conversation.metadata),
        created_s=conversation.created_s,
        last_turn_s=conversation.last_turn_s,
        turns=conversation.turns,
        holder=holder,
        lease_s=until_s,
    )


def _conversation(row: ConversationRow) -> KeptConversation:
    return KeptConversation(
        id=row.id,
        owner=Owner(row.tenant, row.key_id, row.user),
        title=row.title,
        metadata=row.details,
        created_s=row.created_s,
        last_turn_s=row.last_turn_s,
        turns=row.turns,
    )


def _turn_row(conversation_id: str, turn: KeptTurn) -> TurnRow:
    return TurnRow(
        conversation=conversation_id,
        n=turn.n,
        status=turn.status,
        asked=pack_messages(turn.asked),
        answer=pack_message(turn.answer),
        citations={"citations": [asdict(citation) for citation in turn.citations]},
        release=turn.release,
        model=turn.model,
        finish_reason=turn.finish_reason,
        usage=dict(turn.usage),
        request_id=turn.request_id,
        created_s=turn.created_s,
        ended_s=turn.ended_s,
    )


def _turn(row: TurnRow) -> KeptTurn:
    return KeptTurn(
        n=row.n,
        status="completed" if row.status == "completed" else "incomplete",
        asked=unpack_messages(row.asked),
        answer=unpack_message(row.answer),
        citations=tuple(KeptCitation(**found) for found in row.citations["citations"]),
        release=row.release,
        model=row.model,
        finish_reason=row.finish_reason,
        usage=row.usage,
        request_id=row.request_id,
        created_s=row.created_s,
        ended_s=row.ended_s,
    )
