"""What is known of a request, filled in on its way: for its access line, its trace, its usage."""

from dataclasses import dataclass
from typing import Literal

from app.trail import Trail
from deployments.canary.evidence import Arm
from deployments.contracts import Generation
from deployments.generation import Message

TraceWish = Literal["", "keep", "none"]


@dataclass(slots=True)
class RequestNotes:
    """Fields are empty where a request did not get that far.

    Attributes:
        key_id: Names the caller's API key without telling it.
        user: The user that the request names.
        session: The session that it names.
        messages: What was asked: a conversation, or one message of the user.
        release: Who answers, or was to.
        arm: The arm of a rollout that the request is in.
        rollout: The id of that rollout.
        trail: What the work left behind.
        written: The answer.
        error: Code of the problem that the client was told, also inside a stream.
        trace_wish: What the client wants of its trace: that it is kept, or that there is none.
    """

    key_id: str = ""
    user: str = ""
    session: str = ""
    messages: tuple[Message, ...] = ()
    release: str = ""
    arm: Arm | None = None
    rollout: str = ""
    trail: Trail | None = None
    written: Generation | None = None
    error: str = ""
    trace_wish: TraceWish = ""

    def identify(self, *, session: str | None, user: str | None) -> None:
        """Notes who the request says it is from."""
        self.session, self.user = session or "", user or ""

    def of_caller(self) -> "RequestNotes":
        """Returns notes of another request by the same caller."""
        return RequestNotes(
            key_id=self.key_id, user=self.user, session=self.session, trace_wish=self.trace_wish
        )

    def server_timing(self, total_ms: float) -> str:
        """Returns the stages' times and the whole, as the header `Server-Timing` has them. A
        streamed answer has those that were known when it began."""
        times = self.trail.times if self.trail is not None else {}
        entries = [f"{stage};dur={spent.total_ms:.1f}" for stage, spent in times.items()]
        return ", ".join([*entries, f"total;dur={total_ms:.1f}"])
