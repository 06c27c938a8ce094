"""Whether a sentence speaks of what a question names: the code, the date, the number.

Records of one template have the same words otherwise, and the one that was not asked about is a
wrong answer.
"""

import re
from dataclasses import dataclass

from deployments.contracts.documents import Chunk
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
"""For all codes and phrases of the question in the sentence. Set by hand, about as much as all of
its words: nothing else may outweigh them."""
_CODE_AROUND = 4.0
"""For all of them in the passage, its headings or the name of its document."""
_OTHER_CODE = -6.0
"""For another code of the same form in place of one."""
_NUMBER = 1.0
"""For all plain numbers of the question in the sentence."""
_OTHER_NUMBER = -1.0
"""For another number with as many digits in place of one."""


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
        score, lacks_code = self._judge_codes(sentence, held, around)
        missing = self.named.numbers - held.numbers
        if self.named.numbers:
            score += _NUMBER * (1 - len(missing) / len(self.named.numbers))
            if conflicts(missing, held):
                score += _OTHER_NUMBER
        return Verdict(score, lacks_code, is_code=bool(self.named.codes & held.codes))

    def _judge_codes(self, sentence: str, held: Held, around: Around) -> tuple[float, bool]:
        wanted = len(self.named.codes) + len(self.named.phrases)
        if not wanted:
            return 0.0, False
        missing = self.named.codes - held.codes
        unsaid = [one for one in self.named.phrases if not holds_phrase(one, sentence)]
        nowhere = missing - around.codes
        unsaid_anywhere = [one for one in unsaid if one not in around.phrases]
        said = wanted - len(missing) - len(unsaid)
        beside = len(missing) + len(unsaid) - len(nowhere) - len(unsaid_anywhere)
        score = (_CODE * said + _CODE_AROUND * beside) / wanted
        if conflicts(missing, held):
            score = min(score, 0.0) + _OTHER_CODE
        return score, bool(nowhere or unsaid_anywhere)
