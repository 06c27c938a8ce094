"""Caches as far as this study needs them: which question's answer each would give. What decides is
the product's own code."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from app.cache.canonical import canonical
from app.cache.same_question import QuestionForm, ask_the_same, form_of
from benchmarks.semantic_study.questions import Labelled
from deployments.contracts.vectors import Vectors

_ROWS = 512


class Embed(Protocol):
    """Embeds texts, each once."""

    def __call__(self, texts: Sequence[str]) -> Vectors:
        """Returns one normalised row per text."""
        ...


@dataclass(frozen=True, slots=True)
class Given:
    """The cached question whose answer is given, and how near it is."""

    question: Labelled
    similarity: float


class Cache(Protocol):
    """Gives answers of questions that it has seen."""

    def look_up(self, texts: Sequence[str]) -> list[Given | None]:
        """Returns what is given for each text, whatever threshold is set."""
        ...


class Exact:
    """Gives the answer of an equal question."""

    def __init__(self, cached: Sequence[Labelled]) -> None:
        self._known = {canonical(one.text): one for one in cached}

    def look_up(self, texts: Sequence[str]) -> list[Given | None]:
        """See `Cache.look_up`."""
        found = (self._known.get(canonical(text)) for text in texts)
        return [None if one is None else Given(one, 1.0) for one in found]


class Nearest:
    """Gives the answer of the nearest question, which is what `semantic` does not offer."""

    def __init__(self, cached: Sequence[Labelled], embed: Embed) -> None:
        self._cached = cached
        self._embed = embed
        self._vectors = embed([canonical(one.text) for one in cached]) if cached else None

    def look_up(self, texts: Sequence[str]) -> list[Given | None]:
        """See `Cache.look_up`."""
        if not texts or self._vectors is None:
            return [None] * len(texts)
        asked = self._embed([canonical(text) for text in texts])
        found: list[Given | None] = []
        for start in range(0, len(asked), _ROWS):
            cosines = asked[start : start + _ROWS] @ self._vectors.T
            for row, best in enumerate(cosines.argmax(axis=1)):
                found.append(Given(self._cached[best], float(cosines[row, best])))
        return found


class Verified:
    """Gives the answer of an equal question, else of one that asks the same in other words: one
    candidate for each group, the last one, as the product keeps it."""

    def __init__(self, cached: Sequence[Labelled], embed: Embed) -> None:
        self._exact = Exact(cached)
        self._embed = embed
        self._kin: dict[tuple[str, ...], tuple[QuestionForm, Labelled]] = {}
        for one in cached:
            if (form := form_of(one.text)) is not None:
                self._kin[form.kin()] = (form, one)

    def look_up(self, texts: Sequence[str]) -> list[Given | None]:
        """See `Cache.look_up`."""
        found = self._exact.look_up(texts)
        same = [
            None if given else self._same(text) for text, given in zip(texts, found, strict=True)
        ]
        pairs = [(text, one) for text, one in zip(texts, same, strict=True) if one is not None]
        if not pairs:
            return found
        asked = self._embed([canonical(text) for text, _ in pairs])
        kept = self._embed([canonical(one.text) for _, one in pairs])
        cosines = iter(np.einsum("ij,ij->i", asked, kept))
        return [
            given if one is None else Given(one, float(next(cosines)))
            for given, one in zip(found, same, strict=True)
        ]

    def _same(self, text: str) -> Labelled | None:
        form = form_of(text)
        if form is None:
            return None
        other, question = self._kin.get(form.kin(), (None, None))
        return question if other is not None and ask_the_same(form, other) else None
