"""What a moderation policy has decided of a request, for its trace and for metrics."""

from dataclasses import dataclass
from typing import Literal

DEGRADED = "moderation"
"""What an answer says under `degraded` where it was let through unchecked, or something is missing
that a policy has taken out."""
Place = Literal["input", "output", "sources"]
Action = Literal["block", "flag", "redact", "omit", "allow"]
"""Refused; noted; replaced by placeholders; left out of the answer; let through unchecked, because
the classifier did not answer."""


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision. It never has the text that was found.

    Attributes:
        policy: Name of the policy.
        version: Hash of all that the policy says.
        place: Where it was found.
        action: What became of it.
        categories: Names of lists, patterns and classifiers' categories, sorted.
    """

    policy: str
    version: str
    place: Place
    action: Action
    categories: tuple[str, ...]
