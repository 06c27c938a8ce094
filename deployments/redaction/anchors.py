"""Rules that begin at a fixed word: the word is searched as a plain substring, which is much
faster than a pattern, and only where it stands is the pattern tried."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from deployments.redaction.findings import Finding, Kind


def _accept_all(value: str) -> bool:
    return True


@dataclass(frozen=True)
class AnchoredRule:
    """Data of one kind that follows, or begins with, one of a few words."""

    kind: Kind
    anchors: tuple[str, ...]
    """Lower case where `ignore_case`. None may be the beginning of another."""
    pattern: re.Pattern[str]
    """Matched at an anchor; its group `value` is what is found. Every repetition is bounded, so
    that many anchors cost no more than their number."""
    accepts: Callable[[str], bool] = _accept_all
    ignore_case: bool = True
    trailing: str = ""
    """Characters that are no part of a value at its end."""

    def find(self, anchor: str, text: str, searched: str) -> Iterator[Finding]:
        """Yields what follows one anchor in a text.

        Args:
            anchor: One of the rule's own.
            text: What holds the values.
            searched: Where the anchor is looked for: the text, or the same in lower case.
        """
        at = searched.find(anchor)
        while at >= 0:
            finding = self._find_at(text, at)
            if finding:
                yield finding
            at = searched.find(anchor, finding.end if finding else at + len(anchor))

    def _find_at(self, text: str, at: int) -> Finding | None:
        match = self.pattern.match(text, at)
        if not match:
            return None
        value = match["value"].rstrip(self.trailing) if self.trailing else match["value"]
        if not value or not self.accepts(value):
            return None
        start = match.start("value")
        return Finding(start, start + len(value), self.kind)


class RuleIndex:
    """Rules by what a text must have before they are tried.

    Args:
        rules: The rules, in any order.
        gates: Substrings that many anchors share. A text without one is searched for none of them.
    """

    def __init__(self, rules: Iterable[AnchoredRule], *, gates: tuple[str, ...] = ()) -> None:
        by_gate: dict[tuple[str, bool], list[tuple[str, AnchoredRule]]] = defaultdict(list)
        for rule in rules:
            for anchor in rule.anchors:
                gate = next((gate for gate in gates if gate in anchor), anchor)
                by_gate[gate, rule.ignore_case].append((anchor, rule))
        self._by_gate = tuple((gate, folds, pairs) for (gate, folds), pairs in by_gate.items())
        self.gates = frozenset(gate.lower() for gate, _, _ in self._by_gate)
        """Of these, in lower case, a text has at least one in which a rule finds something."""

    def find(self, text: str, lowered: str) -> Iterator[Finding]:
        """Yields what the rules find in a text, in no order.

        Args:
            text: What is searched.
            lowered: The text as `lower_in_place` returns it.
        """
        for gate, ignore_case, pairs in self._by_gate:
            searched = lowered if ignore_case else text
            if gate in searched:
                for anchor, rule in pairs:
                    yield from rule.find(anchor, text, searched)


def lower_in_place(text: str) -> str:
    """Returns the text in lower case, where a letter that would become two stays as it is.

    Positions in both are the same.
    """
    lowered = text.lower()
    if len(lowered) == len(text):
        return lowered
    return "".join(lower if len(lower := letter.lower()) == 1 else letter for letter in text)
