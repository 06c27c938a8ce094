"""What a detector reports: a stretch of text and the kind of data in it."""

from collections.abc import Iterable
from typing import Literal, NamedTuple, get_args

Kind = Literal[
    "EMAIL",
    "PHONE",
    "CARD",
    "CVV",
    "IBAN",
    "ACCOUNT",
    "SSN",
    "ID",
    "IMEI",
    "IP",
    "MAC",
    "KEY",
    "PASSWORD",
    "CREDENTIALS",
    "NAME",
    "ADDRESS",
    "DOB",
    "TEXT",
]
"""`ID` is a person's number at an authority, `CREDENTIALS` are those inside a URL, and `TEXT` is a
stretch that could not be taken apart."""

KINDS: tuple[Kind, ...] = get_args(Kind)


class Finding(NamedTuple):
    """Characters `start` to `end` of a text (end exclusive) hold data of this kind."""

    start: int
    end: int
    kind: Kind


def merge_overlapping(findings: Iterable[Finding]) -> list[Finding]:
    """Returns disjoint findings in text order that cover every character of the given ones.

    Overlapping ones become one, of the longest one's kind: what any detector found must go, so
    nothing is decided by dropping one. Of two that are equally long the first to begin wins, then
    the first given.
    """
    merged: list[Finding] = []
    longest = 0
    for finding in sorted(findings, key=lambda found: found.start):
        length = finding.end - finding.start
        if merged and finding.start < merged[-1].end:
            last = merged[-1]
            kind = finding.kind if length > longest else last.kind
            merged[-1] = Finding(last.start, max(last.end, finding.end), kind)
            longest = max(longest, length)
        else:
            merged.append(finding)
            longest = length
    return merged
