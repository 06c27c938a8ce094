"""Takes personal data and secrets out of a text, and nothing else.

Placeholders are walls: what stands between two of them is searched by itself. So a text that was
redacted stays as it is, whoever redacted it, and redacting twice is redacting once.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from deployments.redaction.anchors import RuleIndex, lower_in_place
from deployments.redaction.credentials import CREDENTIAL_RULES, PREFIXED_KEY_RULES
from deployments.redaction.emails import find_emails
from deployments.redaction.findings import Finding, Kind, merge_overlapping
from deployments.redaction.ibans import find_ibans
from deployments.redaction.labelled import DIGIT_RULES, NAME_RULES, NUMBER_RULES
from deployments.redaction.national_ids import find_italian_ids, find_national_ids
from deployments.redaction.network import find_ipv4, find_ipv6, find_macs
from deployments.redaction.numbers import find_numbers
from deployments.redaction.placeholders import PLACEHOLDER, Numbering
from deployments.redaction.visible import VisibleText

# Most prose has neither of these, and is then searched for nothing that needs them.
_SIX_DIGITS = re.compile(r"\d(?:[\W_]{0,3}+\d){5}")
_DIGIT_IN_A_LONG_WORD = re.compile(r"\d(?:(?=[\w.+/=-]{7})|(?<=[\w.+/=-]{8}))")
_DIGIT = re.compile(r"\d")

_WORDS = RuleIndex(
    CREDENTIAL_RULES + NAME_RULES,
    gates=("pass", "pwd", "secret", "token", "key", " name"),
)
_WITH_DIGIT = RuleIndex(DIGIT_RULES, gates=("address", "licen", "ship", " id"))
_WITH_LONG_WORD = RuleIndex(PREFIXED_KEY_RULES, gates=("_",))
_WITH_SIX_DIGITS = RuleIndex(NUMBER_RULES)

_SIGNS = re.compile(
    r"[\d@%:\uff20]|"
    + "|".join(
        re.escape(gate)
        for index in (_WORDS, _WITH_DIGIT, _WITH_LONG_WORD, _WITH_SIX_DIGITS)
        for gate in sorted(index.gates)
    ),
    re.IGNORECASE,
)
# What one pass leaves can be a value only by its new neighbourhood: a text that needs more passes
# than this was made to need them.
_PASSES = 4


def has_signs(text: str) -> bool:
    """Returns whether a text has anything that personal data or secrets could be known by: a digit,
    a sign of an address, or the beginning of a label. One that has none holds none.

    >>> has_signs("We met in spring"), has_signs("my password")
    (False, True)
    """
    return _SIGNS.search(text) is not None


class Replacement(NamedTuple):
    """Characters `start` to `end` of a text (end exclusive) and what is put in their place."""

    start: int
    end: int
    kind: Kind
    placeholder: str


class Redactor:
    """Finds and replaces personal data and secrets; holds no state, so threads may share one.

    Args:
        network_addresses: Whether IP and hardware addresses are taken out too.
    """

    def __init__(self, *, network_addresses: bool = True) -> None:
        self._network_addresses = network_addresses

    def redact(self, text: str, numbering: Numbering | None = None) -> str:
        """Returns the text with a numbered placeholder for each value.

        Equal values of one text get the same number, and of several where they share a numbering.
        The time is linear in the length.

        >>> Redactor().redact("Ask ann@example.org, not bob@example.org: ANN@example.org")
        'Ask <EMAIL_1>, not <EMAIL_2>: <EMAIL_1>'
        """
        parts: list[str] = []
        end = 0
        for one in self.replacements(text, numbering or Numbering()):
            parts += [text[end : one.start], one.placeholder]
            end = one.end
        return "".join((*parts, text[end:]))

    def replacements(self, text: str, numbering: Numbering) -> list[Replacement]:
        """Returns what `redact` replaces, in order, with names that a numbering gives: one that is
        shared gives the values of several texts one row of numbers."""
        pieces = PLACEHOLDER.split(text)
        numbering.knows(pieces[1::2])
        replaced: list[Replacement] = []
        start = 0
        for piece, is_placeholder in _with_parity(pieces):
            if not is_placeholder:
                replaced += self._replaced(piece, start, numbering)
            start += len(piece)
        return replaced

    def find(self, text: str) -> list[Finding]:
        """Returns what one pass over a text without placeholders finds: disjoint, in order."""
        visible = VisibleText(text)
        found = (visible.in_raw(finding) for finding in self._detect(visible.text))
        return merge_overlapping(found)

    def _replaced(
        self, piece: str, start: int, numbering: Numbering, passes_left: int = _PASSES
    ) -> Iterator[Replacement]:
        """Yields what is replaced in a piece that stands at `start`."""
        findings = self.find(piece) if piece else []
        if not findings:
            return
        if not passes_left:
            kind: Kind = "TEXT"
            yield Replacement(start, start + len(piece), kind, numbering.name(kind, piece))
            return
        end = 0
        for found in findings:
            before = piece[end : found.start]
            yield from self._replaced(before, start + end, numbering, passes_left - 1)
            name = numbering.name(found.kind, piece[found.start : found.end])
            yield Replacement(start + found.start, start + found.end, found.kind, name)
            end = found.end
        yield from self._replaced(piece[end:], start + end, numbering, passes_left - 1)

    def _detect(self, raw: str) -> Iterator[Finding]:
        text = _without_escapes(raw)
        lowered = lower_in_place(text)
        yield from _WORDS.find(text, lowered)
        yield from find_emails(text)
        if _DIGIT.search(text):
            yield from _WITH_DIGIT.find(text, lowered)
            if _DIGIT_IN_A_LONG_WORD.search(text):
                yield from _WITH_LONG_WORD.find(text, lowered)
                yield from find_italian_ids(text)
            if _SIX_DIGITS.search(text):
                yield from _WITH_SIX_DIGITS.find(text, lowered)
                yield from find_numbers(text)
                yield from find_ibans(text)
                yield from find_national_ids(text)
        if self._network_addresses:
            yield from find_ipv4(text)
            yield from find_ipv6(text)
            yield from find_macs(text)


def _without_escapes(text: str) -> str:
    """Returns the text with the same positions where `\\n` of JSON or code is white space: its
    letter would look like the beginning of the word or number after it."""
    if "\\" not in text:
        return text
    return text.replace("\\n", " \n").replace("\\r", " \r").replace("\\t", " \t")


def _with_parity(pieces: list[str]) -> Iterator[tuple[str, bool]]:
    """Yields each piece and whether it is a placeholder; `split` puts those at odd places."""
    return ((piece, bool(place % 2)) for place, piece in enumerate(pieces))
