"""What is known of a request once it is answered: for its access line and `Server-Timing`."""

from dataclasses import dataclass

from app.trail import Trail
from deployments.contracts import Generation


@dataclass(slots=True)
class RequestNotes:
    """Filled in on the way; empty where a request did not get that far.

    `key_id` names the caller's API key without telling it.
    """

    key_id: str = ""
    release: str = ""
    trail: Trail | None = None
    written: Generation | None = None

    def server_timing(self, total_ms: float) -> str:
        """Returns the stages' times and the whole, as the header `Server-Timing` has them. A
        streamed answer has those that were known when it began."""
        times = self.trail.times if self.trail is not None else {}
        entries = [f"{stage};dur={spent.total_ms:.1f}" for stage, spent in times.items()]
        return ", ".join([*entries, f"total;dur={total_ms:.1f}"])

    def fields(self) -> dict[str, object]:
        """Returns the fields of the access line that are known."""
        known: dict[str, object] = {"release": self.release, "key": self.key_id}
        if self.trail is not None:
            known["degraded"] = self.trail.degraded
            known["stages_ms"] = {
                stage: round(spent.total_ms, 2) for stage, spent in self.trail.times.items()
            }
        if self.written is not None:
            known["model"] = self.written.model
            known["prompt_tokens"] = self.written.prompt_tokens
            known["completion_tokens"] = self.written.completion_tokens
            known["finish_reason"] = self.written.finish_reason
        return {name: value for name, value in known.items() if value not in ("", [], {})}
