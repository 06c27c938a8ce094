"""The words of one shard, scored by what is known of the texts of all shards.

tantivy scores by the counts of its own index. How rare a word is, a weight of the query corrects
before the search. The mean length of a text, which is within every word's part of a score, is
corrected after it: from the part and the length follows how often the word is in the text, and
from that the part among all. The search goes on until no text that it has not seen can be better.

Source: Robertson and Zaragoza, The Probabilistic Relevance Framework: BM25 and Beyond, 2009; in
tantivy's single precision, so that equal texts have equal scores in every shard. Fagin, Lotem and
Naor, Optimal Aggregation Algorithms for Middleware, PODS 2001, for when it may end.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deployments.contracts.search import WordCounts
from deployments.retriever.disk.words import LayeredWords
from deployments.retriever.lexical.pending import Corpus, PendingView
from deployments.retriever.lexical.queries import Asked, rarity
from deployments.retriever.lexical.texts import SCORE_DIGITS, Found, LexicalView, TextSearch

_K1, _B = np.float32(1.2), np.float32(0.75)
_ONE = np.float32(1.0)
_GROWTH = 3
_NONE: frozenset[int] = frozenset()

Floats = NDArray[np.float32]

Best = Callable[[int], Found]
"""Returns at least so many of the best texts where there are so many."""


def count_words(words: LexicalView | LayeredWords, questions: Iterable[str]) -> WordCounts:
    """Returns what others have to know of the texts here to score their own for these questions."""
    texts, pending, gone = _layers(words)
    stored = None if texts is None else texts.measures.counts()
    living = len(pending or ()) - len(gone)
    living += 0 if texts is None else texts.statistics.num_docs
    asked = {term for question in questions for term in words.questions.terms(question)}
    frequencies = {
        (field, term): count for field, term in asked if (count := _frequency(words, field, term))
    }
    if stored is None:
        count = len(pending or ())
        measured = count, pending.word_count() if pending else 0
    else:
        count = len(pending or ()) + stored[0]
        # tantivy tells the mean, which was made of whole numbers.
        measured = stored[0], round(stored[0] * stored[1])
    return WordCounts(count, living, *measured, frequencies)


class ToldWords:
    """Words that score by counts of more texts than they have; the searches are those of
    `LexicalView`. Safe to share between threads.

    Args:
        words: Of one state of the index.
        counts: Of all texts, for the questions that are searched for.
    """

    def __init__(self, words: LexicalView | LayeredWords, counts: WordCounts) -> None:
        self._texts, self._pending, self._gone = _layers(words)
        self._questions = words.questions
        self._counts = counts
        self._mean = counts.measured_words / max(counts.measured_texts, 1)

    @property
    def num_docs(self) -> int:
        """How many texts there are, elsewhere included."""
        return self._counts.living

    def doc_freq(self, field_name: str, field_value: str) -> int:
        """Returns in how many texts a word is, elsewhere included."""
        return self._counts.frequencies.get((field_name, field_value), 0)

    def search(self, text: str, top_k: int) -> Found:
        """Returns the best texts."""
        asked = self._questions.read(text, self)
        return self._found(
            asked,
            top_k,
            lambda texts, query: lambda limit: texts.best_but(query, limit, self._gone),
            lambda number: True,
        )

    def search_among(
        self,
        text: str,
        top_k: int,
        *,
        passes: Callable[[int], bool],
        passing: Callable[[], Collection[int]],
    ) -> Found:
        """Returns the best texts that pass."""
        asked = self._questions.read(text, self)
        return self._found(
            asked,
            top_k,
            lambda texts, query: (
                lambda limit: texts.best_among(query, limit, passes=passes, passing=passing)
            ),
            passes,
        )

    def search_in(self, text: str, top_k: int, allowed: Collection[int]) -> Found:
        """Returns the best of those texts whose numbers are allowed."""
        asked = self._questions.read(text, self)
        return self._found(
            asked,
            top_k,
            lambda texts, query: lambda limit: texts.best_in(query, limit, allowed),
            allowed.__contains__,
        )

    def _found(
        self,
        asked: Asked,
        top_k: int,
        search: Callable[[TextSearch, Any], Best],
        passes: Callable[[int], bool],
    ) -> Found:
        if not asked:
            return []
        found: Found = []
        if self._pending is not None:
            corpus = Corpus(self._rarity, self._mean)
            found = [hit for hit in self._pending.find(asked, corpus) if passes(hit[0])]
        if self._texts is not None and (own := self._texts.measures.counts(asked.words)):
            found += self._corrected(self._texts, asked, own, top_k, search)
        return found

    def _corrected(
        self,
        texts: TextSearch,
        asked: Asked,
        own: tuple[int, float],
        top_k: int,
        search: Callable[[TextSearch, Any], Best],
    ) -> Found:
        """Returns the best texts of tantivy's index, with the scores that they have among all."""
        scorer = _Scorer(texts, own, self._rarity, self._mean)
        best = search(texts, scorer.query(asked))
        # A score rises by no more than this where texts are longer elsewhere.
        stretch = max(self._mean / own[1], 1.0)
        limit = top_k
        while True:
            seen = best(limit)
            scores = scorer.scores(asked, [number for number, _ in seen])
            if len(seen) < limit:
                return list(scores.items())
            last = sorted((score for _, score in seen), reverse=True)[limit - 1]
            if sorted(scores.values(), reverse=True)[top_k - 1] >= last * stretch:
                return list(scores.items())
            limit *= _GROWTH

    def _rarity(self, word: str) -> float:
        return rarity(self.doc_freq("words", word), self._counts.texts)


class _Scorer:
    """Scores texts of an index of tantivy as they would be among more.

    Args:
        texts: Where they are.
        own: How many texts that index counts, and their mean length.
        among_all: Returns the rarity of a word among all.
        mean: Length of a text among all, in words.
    """

    def __init__(
        self,
        texts: TextSearch,
        own: tuple[int, float],
        among_all: Callable[[str], float],
        mean: float,
    ) -> None:
        self._texts = texts
        self._own_texts, self._own_mean = own[0], np.float32(own[1])
        self._among_all = among_all
        self._mean = np.float32(mean)

    def query(self, asked: Asked) -> Any:
        """Returns the query by which the rarity of words counts as it does among all."""

        def boost(word: str) -> float:
            own = self._frequency(word)
            return self._among_all(word) / rarity(own, self._own_texts) if own else 1.0

        return self._texts.queries.words(asked, boost)

    def scores(self, asked: Asked, numbers: Sequence[int]) -> dict[int, float]:
        """Returns the scores of texts by number."""
        if not numbers:
            return {}
        sums = dict.fromkeys(numbers, np.float32(0.0))
        few = self._texts.measures.among(numbers)
        for word in asked.words:
            if count := self._frequency(word):
                most = np.float32(rarity(count, self._own_texts)) * (_ONE + _K1)
                weight = np.float32(self._among_all(word)) * (_ONE + _K1)
                having, parts, lengths = few.with_word(word)
                times = _times(parts / most, _norms(lengths, self._own_mean))
                among_all = weight * (times / (times + _norms(lengths, self._mean)))
                for number, part in zip(having, among_all, strict=True):
                    sums[number] += part
        for query, added in self._texts.queries.wholes(asked):
            for number in few.fitting(query):
                sums[number] += np.float32(added)
        return {number: round(float(score), SCORE_DIGITS) for number, score in sums.items()}

    def _frequency(self, word: str) -> int:
        return self._texts.statistics.doc_freq("words", word)


def _times(shares: Floats, norms: Floats) -> Floats:
    """Returns how often a word is in texts, from its shares of the most that it can add."""
    times: Floats = np.maximum(np.rint(shares * norms / (_ONE - shares)), _ONE)
    return times


def _norms(lengths: Floats, mean: np.float32) -> Floats:
    return _K1 * (_ONE - _B + _B * lengths / mean)


def _layers(
    words: LexicalView | LayeredWords,
) -> tuple[TextSearch | None, PendingView | None, frozenset[int]]:
    """Returns the texts in an index of tantivy, those beside it, and which of the former went."""
    if isinstance(words, LexicalView):
        return words.texts, None, _NONE
    texts = None if words.stored is None else words.stored.texts
    return texts, words.pending, words.gone


def _frequency(words: LexicalView | LayeredWords, field: str, term: str) -> int:
    statistics = words.texts.statistics if isinstance(words, LexicalView) else words
    return statistics.doc_freq(field, term)
