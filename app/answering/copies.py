"""Which passages say the same again, and which only look alike.

Copies of one page crowd everything else out, while records of one template, such as invoices, are
each what somebody may ask for. They differ where a copy does not: in numbers, names, negations, or
in a word or two that stand in place of others.
"""

from collections.abc import Sequence
from dataclasses import replace
from difflib import SequenceMatcher
from functools import cached_property

import regex

from deployments.contracts.search import ScoredChunk
from deployments.stop_words import STOP_WORDS
from deployments.words.folding import fold
from deployments.words.scripts import pairs, unspaced_runs

_SHINGLE_WORDS = 3
"""Words that count as one mark of a text: single words are shared by all texts on a subject."""
_MAX_SLOT_WORDS = 4
"""Words of a template that another record fills otherwise; more of them are another wording."""
_SAME_SPELLING = 0.8
"""Share of its letters from which a word in place of another is that word, spelled otherwise."""
_NEGATIONS = frozenset("cannot neither never no nobody none nor not nothing without".split())  # noqa: SIM905
_WORD = regex.compile(r"[\p{L}\p{N}\p{M}]+(?:['’.-][\p{L}\p{N}\p{M}]+)*")

Marks = frozenset[tuple[str, ...]]


class _Text:
    """A passage's marks, and its words, which few passages are asked for."""

    def __init__(self, text: str) -> None:
        self._text = text
        self.marks = shingles(text)

    @cached_property
    def spelled(self) -> list[str]:
        """The words as they stand."""
        return _words(self._text)

    @cached_property
    def words(self) -> list[str]:
        """The words folded."""
        return [fold(word) for word in self.spelled]


def distinct(
    hits: Sequence[ScoredChunk], *, top_n: int, max_repeated_ratio: float
) -> list[ScoredChunk]:
    """Returns the best `top_n` chunks of which none is a copy of a better one: repeats more of it
    than the given share of its own marks, three words in a row each, and differs in nothing that
    tells two records apart.

    Neighbours that overlap by a few sentences stay. Source: Broder, On the resemblance and
    containment of documents, SEQUENCES 1997.
    """
    kept: list[ScoredChunk] = []
    texts: list[_Text] = []
    known: set[tuple[str, ...]] = set()
    for hit in hits:
        if len(kept) == top_n:
            break
        text = _Text(hit.chunk.text)
        bearable = max_repeated_ratio * len(text.marks)
        # What all better ones together do not repeat, none of them does.
        if len(text.marks & known) > bearable and any(
            len(text.marks & other.marks) > bearable and not _differ(other, text) for other in texts
        ):
            continue
        known |= text.marks
        texts.append(text)
        kept.append(replace(hit, rank=len(kept) + 1))
    return kept


def _differ(kept: _Text, other: _Text) -> bool:
    """Returns whether one of two texts that look alike says something else."""
    new = set(other.words) - set(kept.words)
    gone = set(kept.words) - set(other.words)
    if (new | gone) & _NEGATIONS or any(word.endswith(("n't", "n’t")) for word in new | gone):
        return True
    if any(_has_digit(word) for word in new) or new & _names(other):
        return True
    if not new:
        figures = [list(filter(_has_digit, text.words)) for text in (kept, other)]
        return figures[0] != figures[1] and sorted(figures[0]) == sorted(figures[1])
    return _fills_a_slot(kept, other, new)


def _fills_a_slot(kept: _Text, other: _Text, new: set[str]) -> bool:
    """Returns whether the other text has words of meaning where the kept one has others."""
    steps = SequenceMatcher(None, kept.words, other.words, autojunk=False).get_opcodes()
    for tag, start, end, other_start, other_end in steps:
        if tag != "replace" or max(end - start, other_end - other_start) > _MAX_SLOT_WORDS:
            continue
        former = kept.words[start:end]
        for word in other.words[other_start:other_end]:
            is_new = word in new and word not in STOP_WORDS
            if is_new and not any(_is_spelling(word, one) for one in former):
                return True
    return False


def _is_spelling(word: str, other: str) -> bool:
    return SequenceMatcher(None, word, other, autojunk=False).ratio() >= _SAME_SPELLING


def _names(text: _Text) -> set[str]:
    """Returns the words that have a capital where the one before has none, as names have."""
    return {
        word
        for before, spelled, word in zip(
            text.spelled, text.spelled[1:], text.words[1:], strict=False
        )
        if spelled[0].isupper() and before[0].islower() and word not in STOP_WORDS
    }


def _has_digit(word: str) -> bool:
    return any(map(str.isdigit, word))


def _words(text: str) -> list[str]:
    found: list[str] = []
    for word in _WORD.findall(text):
        runs = unspaced_runs(word)
        found += [pair for run in runs for pair in pairs(run)] if runs else [word]
    return found


def shingles(text: str) -> Marks:
    """Returns the marks of a text: every three words that follow each other."""
    words = text.lower().split()
    if len(words) < _SHINGLE_WORDS:
        return frozenset({tuple(words)} if words else ())
    return frozenset(zip(*(words[start:] for start in range(_SHINGLE_WORDS)), strict=False))
