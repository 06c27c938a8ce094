"""Whether a sentence speaks of what a question names: the code, the date, the number.

Records of one template have the same words otherwise, and the one that was not asked about is a
wrong answer.
"""

import re
from dataclasses import dataclass

from deployments.contracts.documents import Chunk
from deployments.words.identifiers import is_strict
from deployments.words.named import (
    Held,
    Named,
    conflicts,
    held_by,
    held_by_path,
    holds_phrase,
    named_in,
)

_CODE = 6.0
"""For all codes of the question in the sentence, and as much less for another code of the same form
in place of one. Set by hand, about as much as all of its words: nothing else may outweigh them."""
_CODE_AROUND = 4.0
"""For all of them in the passage, its headings or the name of its document."""
_LOOSE = 1.5
"""The same for what may be said in other words: `WW-II`, `19th`, `US`, a quoted phrase."""
_LOOSE_AROUND = 0.75
_NUMBER = 0.5
"""For all plain numbers of the question in the sentence, and as much less for another number with
as many digits in place of one."""
_PART = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the names of a question make of a sentence."""

    score: float
    lacks_code: bool
    is_code: bool = False


@dataclass(frozen=True, slots=True)
class Around:
    """What a sentence's passage holds, with its headings and the name of its document."""

    codes: frozenset[str]
    numbers: frozenset[str]
    phrases: frozenset[str]


_NOTHING = Verdict(0.0, lacks_code=False)
_NOWHERE = Around(frozenset(), frozenset(), frozenset())


@dataclass(frozen=True, slots=True)
class Naming:
    """What one question names."""

    named: Named
    parts: frozenset[str]
    """What the codes of several parts consist of: they count as a whole."""

    @classmethod
    def of(cls, question: str) -> "Naming":
        """Returns what a question names."""
        named = named_in(question)
        joined = [code for code in named.codes if not code.isalnum()]
        parts = {part for code in joined for part in (code, f"v{code}", *_PART.findall(code))}
        return cls(named, frozenset(parts))

    def around(self, chunk: Chunk) -> Around:
        """Returns what a passage and its names hold of what is named."""
        if not self.named:
            return _NOWHERE
        text = chunk.passage()
        held = held_by(text)
        phrases = frozenset(one for one in self.named.phrases if holds_phrase(one, text))
        return Around(held.codes | held_by_path(chunk.path), held.numbers, phrases)

    def judge(self, sentence: str, around: Around) -> Verdict:
        """Returns what a sentence gets for what it names."""
        if not self.named:
            return _NOTHING
        held = held_by(sentence)
        codes = frozenset(filter(is_strict, self.named.codes))
        loose = self.named.codes - codes
        score = _worth(codes, held, around.codes, _CODE, _CODE_AROUND)
        score += _worth(loose, held, around.codes, _LOOSE, _LOOSE_AROUND)
        score += _worth(self.named.numbers, held, frozenset(), _NUMBER, 0.0)
        for phrase in self.named.phrases:
            if holds_phrase(phrase, sentence):
                score += _LOOSE
            elif phrase in around.phrases:
                score += _LOOSE_AROUND
        lacks_code = bool(codes - held.codes - around.codes)
        return Verdict(score, lacks_code, is_code=bool(codes & held.codes))


def _worth(
    wanted: frozenset[str], held: Held, around: frozenset[str], inside: float, beside: float
) -> float:
    """Returns what a sentence gets for some of the names of a question."""
    if not wanted:
        return 0.0
    missing = wanted - held.codes - held.numbers
    found = len(wanted) - len(missing)
    if conflicts(missing, held):
        return -inside
    return (inside * found + beside * len(missing & around)) / len(wanted)
