"""The words of a generation: an index of tantivy in files that never change, and beside it the
texts that are newer."""

import json
from collections.abc import Callable, Collection, Iterable
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deployments.retriever.disk.files import Damaged
from deployments.retriever.lexical import Found, TextSearch, open_index
from deployments.retriever.lexical_queries import Asked, LexicalQueries, Questions, rarity
from deployments.retriever.pending_words import Corpus, PendingView


class StoredWords:
    """The words of one generation. Safe to share between threads.

    Args:
        texts: Finds the texts.
    """

    def __init__(self, texts: TextSearch) -> None:
        self.texts = texts
        self._counts: tuple[int, float] | None = None
        self._is_counted = False

    @classmethod
    def open(cls, folder: Path) -> "StoredWords":
        """Returns the words whose files are in a folder; whoever removes them takes nothing away.

        Raises:
            Damaged: They are no index of ours.
        """
        try:
            index = open_index(folder)
            return cls(TextSearch(index.searcher(), LexicalQueries(index.schema)))
        except (ValueError, FileNotFoundError) as error:
            raise Damaged(f"the index of words cannot be opened: {error}") from error

    def counts(self, words: Iterable[str]) -> tuple[int, float] | None:
        """Returns how many texts tantivy counts when it scores one, removed ones included, and
        their mean length in words; None where no text has a word. Only its explanations tell.

        Args:
            words: Some that texts may have.
        """
        if not self._is_counted:
            found = self.texts.explain(words)
            self._counts = None if found is None else _counts(json.loads(found))
            self._is_counted = True
        return self._counts


def _counts(explanation: dict[str, Any]) -> tuple[int, float] | None:
    values: dict[str, float] = {}
    left = [explanation]
    while left:
        node = left.pop()
        values[node["description"].split(",")[0]] = node["value"]
        left += node.get("details", ())
    return int(values["N"]), values["avgdl"]


class LayeredWords:
    """The words of a generation without the texts that went since, and of the texts that came. Safe
    to share between threads; the searches are those of `LexicalView`.

    Args:
        stored: The generation's; None for none.
        pending: The texts that came.
        gone: The numbers of those that went.
        questions: Reads what is asked for.
    """

    def __init__(
        self,
        stored: StoredWords | None,
        pending: PendingView,
        gone: NDArray[np.int64],
        questions: Questions,
    ) -> None:
        self._stored = stored
        self._pending = pending
        self._gone = gone
        self._questions = questions

    @property
    def num_docs(self) -> int:
        """How many texts there are."""
        stored = 0 if self._stored is None else self._stored.texts.statistics.num_docs
        return stored + len(self._pending) - len(self._gone)

    def doc_freq(self, field_name: str, field_value: str) -> int:
        """Returns in how many texts a word is; those that went count until the next generation."""
        return self._stored_freq(field_name, field_value) + self._pending.doc_freq(
            field_name, field_value
        )

    def search(self, text: str, top_k: int) -> Found:
        """Returns the best texts."""
        asked = self._questions.read(text, self)
        if not asked:
            return []
        return self._best_stored(asked, top_k) + self._found_pending(asked)

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
        if not asked:
            return []
        found = [hit for hit in self._found_pending(asked) if passes(hit[0])]
        if self._stored is not None:
            found += self._stored.texts.best_among(
                self._query(self._stored, asked), top_k, passes=passes, passing=passing
            )
        return found

    def search_in(self, text: str, top_k: int, allowed: Collection[int]) -> Found:
        """Returns the best of those texts whose numbers are allowed."""
        asked = self._questions.read(text, self)
        if not asked or not allowed:
            return []
        found = [hit for hit in self._found_pending(asked) if hit[0] in allowed]
        if self._stored is not None:
            found += self._stored.texts.best_in(self._query(self._stored, asked), top_k, allowed)
        return found

    def _best_stored(self, asked: Asked, top_k: int) -> Found:
        if self._stored is None:
            return []
        texts, words = self._stored.texts, self._query(self._stored, asked)
        if not len(self._gone):
            return texts.best(words, top_k)
        found = texts.tried(words, top_k, lambda number: number not in self._gone_set)
        if found is not None:
            return found
        return texts.best(texts.queries.but(words, texts.queries.among(self._gone.tolist())), top_k)

    def _found_pending(self, asked: Asked) -> Found:
        if not len(self._pending):
            return []
        counts = self._counts(asked)
        total = len(self._pending) + (0 if counts is None else counts[0])
        corpus = Corpus(
            lambda word: rarity(self.doc_freq("words", word), total),
            None if counts is None else counts[1],
        )
        return self._pending.find(asked, corpus)

    def _query(self, stored: StoredWords, asked: Asked) -> Any:
        counts = self._counts(asked) if len(self._pending) else None
        if counts is None:
            return stored.texts.queries.words(asked)
        total, own_total = len(self._pending) + counts[0], counts[0]

        def boost(word: str) -> float:
            """Returns how much more a word counts among all texts than among the generation's."""
            own = self._stored_freq("words", word)
            among_all = rarity(self.doc_freq("words", word), total)
            return among_all / rarity(own, own_total) if own else 1.0

        return stored.texts.queries.words(asked, boost)

    def _counts(self, asked: Asked) -> tuple[int, float] | None:
        return None if self._stored is None else self._stored.counts(asked.words)

    def _stored_freq(self, field: str, word: str) -> int:
        return 0 if self._stored is None else self._stored.texts.statistics.doc_freq(field, word)

    @cached_property
    def _gone_set(self) -> frozenset[int]:
        return frozenset(self._gone.tolist())
