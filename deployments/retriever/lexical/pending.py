"""The words of the few texts that are newer than the files, scored as tantivy would score them
among all.

tantivy counts texts and words of an index by itself, and an index of a few texts knows nothing of
what is rare among a million. So these few are kept and scored here, by the statistics of all.

Source: Robertson and Zaragoza, The Probabilistic Relevance Framework: BM25 and Beyond, 2009; how
long a text is, is kept in one byte as Lucene and tantivy do (Lucene's SmallFloat, `byte4ToInt`).
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from deployments.retriever.lexical.analyzer import make_analyzer, whole_terms
from deployments.retriever.lexical.queries import Asked
from deployments.retriever.lexical.texts import SCORE_DIGITS, Found
from deployments.words.searchable import searchable

_K1, _B = 1.2, 0.75
_EXACT_LENGTHS = 24
_NO_NUMBERS: frozenset[int] = frozenset()


def _lengths() -> NDArray[np.int64]:
    """Returns the 256 lengths that a byte can stand for, ascending: 4 bits of each."""
    codes = range(256 - _EXACT_LENGTHS)
    above = [code if code < 8 else (8 + code % 8) << (code // 8 - 1) for code in codes]
    return np.array([*range(_EXACT_LENGTHS), *(_EXACT_LENGTHS + one for one in above)])


_LENGTHS = _lengths()


@dataclass(frozen=True, slots=True)
class Corpus:
    """All texts together: how many a word is in, the word's rarity, and the mean length; the last
    is None where only the texts here are known."""

    rarity: Callable[[str], float]
    mean_words: float | None


class PendingWords:
    """The words of texts that come and go, each under a number that is never used twice. They are
    read when a search first needs them. Safe to share between threads."""

    def __init__(self) -> None:
        self._analyzer = make_analyzer()
        self._texts: dict[int, str] = {}
        self._there: set[int] = set()
        self._sequences: dict[int, tuple[str, ...]] = {}
        self._words: dict[str, dict[int, int]] = {}
        self._wholes: dict[str, set[int]] = {}
        self._reading = Lock()

    def add(self, number: int, text: str) -> None:
        """Adds a text."""
        self._texts[number] = text
        self._there.add(number)

    def remove(self, numbers: Iterable[int]) -> None:
        """Removes texts; views that have them still find them."""
        self._there.difference_update(numbers)

    def commit(self) -> "PendingView":
        """Returns the texts as they are."""
        return PendingView(self, frozenset(self._there))

    def read(self, numbers: frozenset[int]) -> None:
        """Reads the words of texts, where that is to be done."""
        with self._reading:
            for number in sorted(numbers & self._texts.keys()):
                self._read(number, self._texts.pop(number))

    def _read(self, number: int, text: str) -> None:
        words = self._analyzer.analyze(searchable(text))
        for word, count in Counter(words).items():
            self._words.setdefault(word, {})[number] = count
        for whole in set(whole_terms(text)):
            self._wholes.setdefault(whole, set()).add(number)
        self._sequences[number] = tuple(words)

    def with_word(self, word: str) -> dict[int, int]:
        """Returns how often texts that were read have a word, by number."""
        with self._reading:
            return self._words.get(word, {}).copy()

    def with_whole(self, whole: str) -> frozenset[int]:
        """Returns which texts that were read have a code."""
        with self._reading:
            return frozenset(self._wholes.get(whole, _NO_NUMBERS))

    def sequence(self, number: int) -> tuple[str, ...]:
        """Returns the words of a text that was read, in their order."""
        return self._sequences[number]


class PendingView:
    """Some of the texts. Safe to share between threads.

    Args:
        words: Where they are.
        numbers: Which.
    """

    def __init__(self, words: PendingWords, numbers: frozenset[int]) -> None:
        self._words = words
        self._numbers = numbers

    def __len__(self) -> int:
        return len(self._numbers)

    def doc_freq(self, field_name: str, field_value: str) -> int:
        """Returns how many of the texts have a word or a code."""
        if not self._numbers:
            return 0
        self._words.read(self._numbers)
        if field_name == "wholes":
            return len(self._words.with_whole(field_value) & self._numbers)
        return len(self._words.with_word(field_value).keys() & self._numbers)

    def find(self, asked: Asked, corpus: Corpus) -> Found:
        """Returns all texts that have anything of what is asked for, with their scores, in no
        order."""
        if not self._numbers:
            return []
        self._words.read(self._numbers)
        mean = corpus.mean_words or self._mean_words()
        scores: dict[int, float] = {}
        for word in asked.words:
            weight = corpus.rarity(word) * (_K1 + 1)
            for number, count in self._words.with_word(word).items():
                if number in self._numbers:
                    length = _kept_length(len(self._words.sequence(number)))
                    norm = _K1 * (1 - _B + _B * length / mean)
                    scores[number] = scores.get(number, 0.0) + weight * count / (count + norm)
        for whole, weight in asked.wholes:
            for number in self._words.with_whole(whole) & self._numbers:
                scores[number] = scores.get(number, 0.0) + weight
        for phrase, weight in asked.phrases:
            for number in self._with_phrase(phrase):
                scores[number] = scores.get(number, 0.0) + weight
        return [(number, round(score, SCORE_DIGITS)) for number, score in scores.items()]

    def word_count(self) -> int:
        """Returns how many words the texts have together; linear in them."""
        self._words.read(self._numbers)
        return sum(len(self._words.sequence(number)) for number in self._numbers)

    def _mean_words(self) -> float:
        return self.word_count() / len(self)

    def _with_phrase(self, phrase: tuple[str, ...]) -> list[int]:
        with_all = self._numbers.intersection(*(self._words.with_word(word) for word in phrase))
        return [number for number in with_all if _has(self._words.sequence(number), phrase)]


def _kept_length(words: int) -> int:
    """Returns the longest length that one byte can stand for and is no longer than a text."""
    return int(_LENGTHS[np.searchsorted(_LENGTHS, words, "right") - 1])


def _has(words: tuple[str, ...], phrase: tuple[str, ...]) -> bool:
    return any(
        words[start : start + len(phrase)] == phrase
        for start, word in enumerate(words)
        if word == phrase[0]
    )
