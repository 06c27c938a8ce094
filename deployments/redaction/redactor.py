"""Takes personal data and secrets out of a text, and nothing else.

Placeholders are walls: what stands between two of them is searched by itself. So a text that was
redacted stays as it is, whoever redacted it, and redacting twice is redacting once.
"""

import re
from collections.abc import Iterator

from deployments.redaction.anchors import RuleIndex, lower_in_place
from deployments.redaction.credentials import CREDENTIAL_RULES, PREFIXED_KEY_RULES
from deployments.redaction.emails import find_emails
from deployments.redaction.findings import Finding, merge_overlapping
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

# What one pass leaves can be a value only by its new neighbourhood: a text that needs more passes
# than this was made to need them.
_PASSES = 4


class Redactor:
    """Finds and replaces personal data and secrets; holds no state, so threads may share one.

    Args:
        network_addresses: Whether IP and hardware addresses are taken out too.
    """

    def __init__(self, *, network_addresses: bool = True) -> None:
        self._network_addresses = network_addresses

    def redact(self, text: str) -> str:
        """Returns the text with a numbered placeholder for each value.

        Equal values of one text get the same number. The time is linear in the length.

        >>> Redactor().redact("Ask ann@example.org, not bob@example.org: ANN@example.org")
        'Ask <EMAIL_1>, not <EMAIL_2>: <EMAIL_1>'
        """
        pieces = PLACEHOLDER.split(text)
        numbering = Numbering(pieces[1::2])
        return "".join(
            piece if odd else self._redact_piece(piece, numbering)
            for piece, odd in _with_parity(pieces)
        )

    def find(self, text: str) -> list[Finding]:
        """Returns what one pass over a text without placeholders finds: disjoint, in order."""
        visible = VisibleText(text)
        found = (visible.in_raw(finding) for finding in self._detect(visible.text))
        return merge_overlapping(found)

    def _redact_piece(self, piece: str, numbering: Numbering, passes_left: int = _PASSES) -> str:
        findings = self.find(piece) if piece else []
        if not findings:
            return piece
        if not passes_left:
            return numbering.name("TEXT", piece)
        parts: list[str] = []
        end = 0
        for finding in findings:
            before = piece[end : finding.start]
            parts.append(self._redact_piece(before, numbering, passes_left - 1))
            parts.append(numbering.name(finding.kind, piece[finding.start : finding.end]))
            end = finding.end
        parts.append(self._redact_piece(piece[end:], numbering, passes_left - 1))
        return "".join(parts)

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
