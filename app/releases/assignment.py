"""Who answers a request, decided once."""

from dataclasses import dataclass

from app.request.notes import RequestNotes
from deployments.canary.evidence import Arm
from deployments.rollouts import ActiveRollout


@dataclass(frozen=True, slots=True)
class Assignment:
    """Who answers a request, decided once.

    Args:
        release: Who answers.
        sticky_key: What the caller keeps between requests.
        rollout: The rollout that the request is evidence for, None where it is for none.
        arm: The arm of that rollout. In a shadow stage those of the canary are answered by stable,
            and repeated on the canary.
        is_forced: Whether an operator asked for this release: nobody else is answered with what it
            says, nor it with what was said to others.
    """

    release: str
    sticky_key: str = ""
    rollout: ActiveRollout | None = None
    arm: Arm | None = None
    is_forced: bool = False

    def note(self, notes: RequestNotes, *, release: str = "") -> None:
        """Notes who answers, or another release that does the same, and what it is evidence
        for."""
        rollout = "" if self.rollout is None else self.rollout.id
        tried = "" if self.shadow is not None else self.release
        notes.assign(
            release or self.release, self.arm, rollout, tried=tried, sticky_key=self.sticky_key
        )

    @property
    def fallback(self) -> str | None:
        """The release that answers where this one cannot."""
        if self.rollout is not None and self.release == self.rollout.canary:
            return self.rollout.stable
        return None

    @property
    def shadow(self) -> str | None:
        """The release on which the request is repeated after its answer."""
        if self.rollout is not None and self.arm == "canary" and self.fallback is None:
            return self.rollout.canary
        return None
