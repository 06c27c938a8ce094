"""What a check says: one verdict, what was found, and the remedy."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """How bad it is: `wrong` stops the service or loses data, a `warning` may do so."""

    OK = "ok"
    WARNING = "warning"
    WRONG = "wrong"


@dataclass(frozen=True)
class Finding:
    """The result of one check."""

    name: str
    verdict: Verdict
    found: str
    remedy: str = ""
    """What to do about it, empty where nothing needs to be done."""


def ok(name: str, found: str) -> Finding:
    """Returns a finding of something that is as it should be."""
    return Finding(name, Verdict.OK, found)


def warning(name: str, found: str, remedy: str) -> Finding:
    """Returns a finding of something that may lead to a failure."""
    return Finding(name, Verdict.WARNING, found, remedy)


def wrong(name: str, found: str, remedy: str) -> Finding:
    """Returns a finding of something that leads to a failure."""
    return Finding(name, Verdict.WRONG, found, remedy)


def worst(findings: Iterable[Finding]) -> Verdict:
    """Returns the worst verdict, `ok` for no findings."""
    order = list(Verdict)
    return max((finding.verdict for finding in findings), key=order.index, default=Verdict.OK)
