"""The order of what was found, corrected by what a question names.

A code is as good as a name: of two passages that are equally near in meaning and in words, the one
that holds it is meant. And of records of one template, which differ in little else, the one that
has the numbers and names of the question comes first.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from app.answering.copies import Marks, shingles
from deployments.contracts.search import ScoredChunk
from deployments.words.identifiers import is_strict
from deployments.words.named import Held, Named, held_by, held_by_path, holds_phrase, named_in

_JOINED = 1.0
"""For all codes that cannot be said otherwise and phrases of a question; scores are between 0 and
1."""
_OTHERS = 0.1
"""For all its other codes, and stop words that are spelled as names, which a reranker does not see;
where none has judged, the search by words has counted them. More costs nDCG@10 on SciFact, whose
claims name genes and proteins."""
_FIGURE = re.compile(r"\S*\d\S*")
_ALIKE = 0.5
"""Share of its marks from which a passage is of the same template as another."""
_MAX_COMPARED = 40


@dataclass(frozen=True, slots=True)
class _Judged:
    """A hit with what is added to its score, and how much of all that is named it holds."""

    hit: ScoredChunk
    score: float
    share: float


def prefer_named(question: str, hits: Sequence[ScoredChunk]) -> list[ScoredChunk]:
    """Returns the hits, best first: those that hold what the question names before others like
    them. Where it names nothing, nothing changes."""
    named = named_in(question)
    if not named or not hits:
        return list(hits)
    judged = [_judge(named, hit) for hit in hits]
    ordered = sorted(judged, key=lambda one: (-one.score, one.hit.rank))
    chosen = _within_templates(ordered)
    return [
        replace(one.hit, score=scored.score, rank=rank)
        for rank, (one, scored) in enumerate(zip(chosen, ordered, strict=True), start=1)
    ]


def _judge(named: Named, hit: ScoredChunk) -> _Judged:
    text = hit.chunk.passage()
    held = held_by(text)
    there = Held(held.codes | held_by_path(hit.chunk.path), held.numbers)
    phrases = [phrase for phrase in named.phrases if holds_phrase(phrase, text)]
    joined = set(filter(is_strict, named.codes))
    others = named.codes - joined
    wanted = len(joined) + len(named.phrases)
    found = len(joined & there.codes) + len(phrases)
    score = hit.score
    if wanted:
        score += _JOINED * found / wanted
    if others and hit.signals.rerank is not None:
        score += _OTHERS * len(others & there.codes) / len(others)
    everything = wanted + len(others) + len(named.numbers)
    all_found = found + len(others & there.codes) + len(named.numbers & there.numbers)
    return _Judged(hit, score, all_found / everything)


def _within_templates(ordered: Sequence[_Judged]) -> list[_Judged]:
    """Returns the same, with records of one template in the order of what they hold: they share the
    places that they had."""
    chosen = list(ordered)
    if len({one.share for one in ordered}) == 1:
        return chosen
    for places in _templates([one.hit.chunk.text for one in ordered[:_MAX_COMPARED]]):
        members = sorted((ordered[place] for place in places), key=lambda one: -one.share)
        for place, member in zip(places, members, strict=True):
            chosen[place] = member
    return chosen


def _templates(texts: Sequence[str]) -> Iterator[list[int]]:
    """Yields the places of texts that look alike."""
    marks: list[Marks] = [shingles(_FIGURE.sub("0", text)) for text in texts]
    left = list(range(len(texts)))
    while left:
        first, *others = left
        alike = [first, *(place for place in others if _alike(marks[first], marks[place]))]
        if len(alike) > 1:
            yield alike
        left = [place for place in others if place not in alike]


def _alike(one: Marks, other: Marks) -> bool:
    least = _ALIKE * max(len(one), len(other), 1)
    return min(len(one), len(other)) >= least and len(one & other) >= least
