"""Rollouts in a database: what the controller must not forget, and what MLflow does not have yet.

Each method is one transaction. Several processes may use one database.
"""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from deployments.canary.evidence import ARMS, Evidence
from deployments.canary.rollout import Decision, State
from deployments.contracts.errors import Conflict, NotFound, Unavailable
from deployments.control.database import breaks_unique
from deployments.control.lease import Held
from deployments.control.ratings import ArmRating
from deployments.control.records import (
    look_of,
    look_row,
    override_of,
    override_to_json,
    pack,
    policy_of,
    rollout_of,
    rollout_row,
    state_columns,
    unpack,
)
from deployments.control.stored import Stored, insert_into
from deployments.control.tables import (
    Base,
    EvidenceRow,
    LeaseRow,
    LookRow,
    OverrideRow,
    RatingRow,
    ReplicaRow,
    RolloutRow,
)
from deployments.rollouts import Look, Rollout, TrafficOverride

_LEASE = "rollouts"


class ControlStore(Stored):
    """Reads and writes rollouts.

    What a controller writes of its own accord it writes with the number of its lease (`fence`); it
    is refused as Unavailable once another one has taken over. None is for what a person asks for,
    who may ask any of them.
    """

    def beat(self, holder: str, silent: Held | None) -> Held:
        """See `Leases.beat`."""
        with self._writing() as session:
            first = insert_into(session, LeaseRow)
            first = first.values(name=_LEASE, holder=holder, fence=1, beats=0)
            session.execute(first.on_conflict_do_nothing(index_elements=[LeaseRow.name]))
            row = session.get_one(LeaseRow, _LEASE, with_for_update=True)
            if row.holder != holder and silent == Held(row.holder, row.fence, row.beats):
                row.holder, row.fence = holder, row.fence + 1
            if row.holder == holder:
                row.beats += 1
            return Held(row.holder, row.fence, row.beats)

    def create(self, rollout: Rollout) -> None:
        """Keeps a new rollout.

        Raises:
            Conflict: one is running or paused, or has the same id.
        """
        with self._writing() as session, _one_at_a_time():
            session.add(rollout_row(rollout))
            session.flush()

    def active(self) -> Rollout | None:
        """Returns the rollout that is running or paused."""
        with self._reading() as session:
            row = session.scalar(_active())
            return None if row is None else rollout_of(row)

    def rollouts(self, limit: int) -> list[Rollout]:
        """Returns the latest rollouts, newest first."""
        latest = select(RolloutRow).order_by(RolloutRow.number.desc()).limit(limit)
        with self._reading() as session:
            return [rollout_of(row) for row in session.scalars(latest)]

    def rollout(self, rollout_id: str) -> Rollout:
        """Returns a rollout; raises NotFound."""
        with self._reading() as session:
            return rollout_of(_existing(session, rollout_id))

    def evidence(self, rollout_id: str, stage: int) -> tuple[Evidence, dict[str, int]]:
        """Returns what is known of a stage, and the number of the last report that was taken from
        each replica, in whichever stage. Raises NotFound."""
        with self._reading() as session:
            row = _existing(session, rollout_id)
            kept = session.get(EvidenceRow, (rollout_id, stage))
            taken = select(ReplicaRow).where(ReplicaRow.rollout_id == rollout_id)
            sequences = {row.replica: row.sequence for row in session.scalars(taken)}
            content = None if kept is None else kept.content
            block_s = policy_of(row.policy).block_s
        return Evidence(stage, block_s) if content is None else unpack(content), sequences

    def keep_evidence(
        self,
        rollout_id: str,
        evidence: Evidence,
        received: Mapping[str, int],
        *,
        fence: int | None = None,
    ) -> None:
        """Keeps all that is known of a stage, and the numbers of the reports that it came with.

        Args:
            rollout_id: The rollout.
            evidence: All of it, merged; it takes the place of what was kept.
            received: Number of the last report of each replica that reported.
            fence: See the class.

        Raises:
            NotFound: there is no such rollout.
            Unavailable: another controller has taken over.
        """
        content = pack(evidence)
        with self._writing() as session:
            _require_lease(session, fence)
            _existing(session, rollout_id)
            _put(session, EvidenceRow, rollout_id=rollout_id, stage=evidence.stage, content=content)
            for replica, sequence in received.items():
                _put(session, ReplicaRow, rollout_id=rollout_id, replica=replica, sequence=sequence)

    def ratings(self, rollout_id: str, *, since_s: float) -> list[ArmRating]:
        """Returns how much answers of a rollout were liked that were rated since then."""
        wanted = (
            select(RatingRow)
            .where(RatingRow.rollout_id == rollout_id, RatingRow.at_s >= since_s)
            .where(RatingRow.arm.in_(ARMS))
        )
        with self._reading() as session:
            return [
                ArmRating("canary" if row.arm == "canary" else "baseline", *_figures(row))
                for row in session.scalars(wanted)
            ]

    def change(
        self,
        rollout_id: str,
        decision: Decision,
        state: State,
        *,
        after: int,
        override: TrafficOverride | None = None,
        fence: int | None = None,
    ) -> bool:
        """Makes a change exactly once, and returns whether it was made.

        Args:
            rollout_id: The rollout.
            decision: What was decided.
            state: The state after it.
            after: Number of the state before it; where another one is stored, nothing is changed.
            override: The weights that come into force with it.
            fence: See the class.

        Raises:
            NotFound: there is no such rollout.
            Unavailable: another controller has taken over.
            Conflict: it has ended, and another one is under way.
        """
        stored_before = (RolloutRow.id == rollout_id) & (RolloutRow.sequence == after)
        with self._writing() as session, _one_at_a_time():
            _require_lease(session, fence)
            changed = session.scalar(
                update(RolloutRow)
                .where(stored_before)
                .values(**state_columns(state))
                .returning(RolloutRow.number)
            )
            if changed is None:
                _existing(session, rollout_id)
                return False
            session.add(look_row(rollout_id, decision, state))
            if override is not None:
                _put(session, OverrideRow, id=1, content=override_to_json(override))
            return True

    def note(self, rollout_id: str, decision: Decision, state: State) -> None:
        """Keeps a look that changed nothing, for the record. Raises NotFound."""
        with self._writing() as session:
            _existing(session, rollout_id)
            session.add(look_row(rollout_id, decision, state))

    def looks(self, rollout_id: str, *, changes_only: bool = True, limit: int = 200) -> list[Look]:
        """Returns the latest looks of a rollout, oldest first."""
        latest = select(LookRow).where(LookRow.rollout_id == rollout_id)
        if changes_only:
            latest = latest.where(LookRow.action != "hold")
        latest = latest.order_by(LookRow.id.desc()).limit(limit)
        with self._reading() as session:
            return [look_of(row) for row in session.scalars(latest)][::-1]

    def course(self, rollout_id: str, *, until: int | None = None, points: int) -> list[Look]:
        """Returns about so many looks of a rollout, fewer than twice as many, that lie evenly
        between its first one and the one with the id `until`, or its latest one, these and all
        changes included, oldest first."""
        mine = LookRow.rollout_id == rollout_id
        if until is not None:
            mine &= LookRow.id <= until
        number = func.row_number().over(order_by=LookRow.id.desc())
        numbered = select(LookRow.id, LookRow.action, number.label("number")).where(mine).subquery()
        with self._reading() as session:
            count = session.scalar(select(func.count()).select_from(numbered)) or 0
            every = max(count // max(points, 1), 1)
            chosen = select(numbered.c.id).where(
                (numbered.c.number % every == 1 % every)
                | (numbered.c.number == count)
                | (numbered.c.action != "hold")
            )
            rows = select(LookRow).where(LookRow.id.in_(chosen)).order_by(LookRow.id)
            return [look_of(row) for row in session.scalars(rows)]

    def unrecorded(self, limit: int) -> list[Look]:
        """Returns the first looks that MLflow does not have yet, oldest first."""
        first = select(LookRow).where(~LookRow.recorded).order_by(LookRow.id).limit(limit)
        with self._reading() as session:
            return [look_of(row) for row in session.scalars(first)]

    def mark_recorded(self, ids: Collection[int]) -> None:
        """Notes that MLflow has these looks."""
        with self._writing() as session:
            session.execute(update(LookRow).where(LookRow.id.in_(ids)).values(recorded=True))

    def override(self) -> TrafficOverride | None:
        """Returns the weights that hold beside the settings, if there are any."""
        with self._reading() as session:
            row = session.get(OverrideRow, 1)
            return None if row is None else override_of(row.content)

    def set_override(self, override: TrafficOverride | None) -> None:
        """Sets weights that hold beside the settings, or takes them back with None."""
        with self._writing() as session:
            if override is None:
                session.execute(delete(OverrideRow))
            else:
                _put(session, OverrideRow, id=1, content=override_to_json(override))


def _figures(row: RatingRow) -> tuple[int, float, float]:
    return row.bucket, row.at_s, row.score


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Says of a rollout that the database refuses beside another one why it does."""
    try:
        yield
    except IntegrityError as error:
        if breaks_unique(error, RolloutRow.__tablename__, "under_way"):
            raise Conflict("Another rollout is under way.") from error
        if breaks_unique(error, RolloutRow.__tablename__, "id"):
            raise Conflict("There is a rollout with this id already.") from error
        raise


def _require_lease(session: Session, fence: int | None) -> None:
    """Raises Unavailable where a lease has gone to somebody else; until the end of the transaction
    it cannot."""
    if fence is None:
        return
    held = select(LeaseRow.fence).where(LeaseRow.name == _LEASE).with_for_update(read=True)
    if session.scalar(held) != fence:
        raise Unavailable("Another controller has taken over.", "rollout controller", 1.0)


def _active() -> Any:
    return select(RolloutRow).where(RolloutRow.under_way)


def _existing(session: Session, rollout_id: str) -> RolloutRow:
    row = session.scalar(select(RolloutRow).where(RolloutRow.id == rollout_id))
    if row is None:
        raise NotFound(f"There is no rollout '{rollout_id}'.")
    return row


def _put(session: Session, table: type[Base], **values: Any) -> None:
    """Inserts a row, or gives the one with the same key new values."""
    insert = insert_into(session, table)
    key = [column.name for column in table.__table__.primary_key]
    new = {name: insert.excluded[name] for name in values if name not in key}
    session.execute(insert.values(**values).on_conflict_do_update(index_elements=key, set_=new))
