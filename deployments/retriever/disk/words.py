"""The words of a generation: an index of tantivy in files that never change, and beside it the
texts that are newer."""

from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deployments.retriever.disk.files import Damaged
from deployments.retriever.lexical.pending import Corpus, PendingView
from deployments.retriever.lexical.queries import Asked, LexicalQueries, Questions, rarity
from deployments.retriever.lexical.texts import Found, TextSearch, open_index


class StoredWords:
    """The words of one generation. Safe to share between threads.

    Args:
        texts: Finds the texts.
    """

    def __init__(self, texts: TextSearch) -> None:
        self.texts = texts

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
        self.stored = stored
        self.pending = pending
        self.gone = frozenset(gone.tolist())
        self.questions = questions

    @property
    def num_docs(self) -> int:
        """How many texts there are."""
        stored = 0 if self.stored is None else self.stored.texts.statistics.num_docs
        return stored + len(self.pending) - len(self.gone)

    def doc_freq(self, field_name: str, field_value: str) -> int:
        """Returns in how many texts a word is; those that went count until the next generation."""
        return self._stored_freq(field_name, field_value) + self.pending.doc_freq(
            field_name, field_value
        )

    def search(self, text: str, top_k: int) -> Found:
        """Returns the best texts."""
        asked = self.questions.read(text, self)
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
        asked = self.questions.read(text, self)
        if not asked:
            return []
        found = [hit for hit in self._found_pending(asked) if passes(hit[0])]
        if self.stored is not None:
            found += self.stored.texts.best_among(
                self._query(self.stored, asked), top_k, passes=passes, passing=passing
            )
        return found

    def search_in(self, text: str, top_k: int, allowed: Collection[int]) -> Found:
        """Returns the best of those texts whose numbers are allowed."""
        asked = self.questions.read(text, self)
        if not asked or not allowed:
            return []
        found = [hit for hit in self._found_pending(asked) if hit[0] in allowed]
        if self.stored is not None:
            found += self.stored.texts.best_in(self._query(self.stored, asked), top_k, allowed)
        return found

    def _best_stored(self, asked: Asked, top_k: int) -> Found:
        if self.stored is None:
            return []
        return self.stored.texts.best_but(self._query(self.stored, asked), top_k, self.gone)

    def _found_pending(self, asked: Asked) -> Found:
        if not len(self.pending):
            return []
        counts = self._counts(asked)
        total = len(self.pending) + (0 if counts is None else counts[0])
        corpus = Corpus(
            lambda word: rarity(self.doc_freq("words", word), total),
            None if counts is None else counts[1],
        )
        return self.pending.find(asked, corpus)

    def _query(self, stored: StoredWords, asked: Asked) -> Any:
        counts = self._counts(asked) if len(self.pending) else None
        if counts is None:
            return stored.texts.queries.words(asked)
        total, own_total = len(self.pending) + counts[0], counts[0]

        def boost(word: str) -> float:
            """Returns how much more a word counts among all texts than among the generation's."""
            own = self._stored_freq("words", word)
            among_all = rarity(self.doc_freq("words", word), total)
            return among_all / rarity(own, own_total) if own else 1.0

        return stored.texts.queries.words(asked, boost)

    def _counts(self, asked: Asked) -> tuple[int, float] | None:
        return None if self.stored is None else self.stored.texts.measures.counts(asked.words)

    def _stored_freq(self, field: str, word: str) -> int:
        return 0 if self.stored is None else self.stored.texts.statistics.doc_freq(field, word)
