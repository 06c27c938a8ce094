"""Words of a question that no passage has, though one has a word that is spelled almost like it.

The vocabulary is that of the passages which were found by meaning: bounded, and the index's own.
"""

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain

from deployments.stop_words import STOP_WORDS

_WORD = re.compile(r"[^\W\d_]+(?:_[^\W\d_]+)*")
_MIN_CHARS = 4
_TWO_EDITS_FROM_CHARS = 7
"""Shorter words differ by two letters from too many others."""
_REPLACED_FROM_CHARS = 5
"""In shorter words a letter in place of another one makes another word, as in `seat` and `sent`."""
_MAX_WORDS = 24
"""Of a longer question no word is looked at: it has context enough."""
_OF_QUESTIONS = frozenset(
    """about because between could does have many much need should there what when where which with
    without would""".split()  # noqa: SIM905
)
"""Words that questions are made of, which are meant though no passage need have them."""
_PASSED_OVER = STOP_WORDS | _OF_QUESTIONS
"""Words that are right as they are."""
_SUFFIXES = ("s", "es", "ed", "d", "ing", "ly", "er")


def respellings(question: str, texts: Iterable[str]) -> dict[str, str]:
    """Returns what words of a question may be meant to be, by the word; empty for most questions.

    A word in capitals, or with one inside the question, is a name and stays; so does a word that
    a passage has in another form.

    >>> respellings("how do i instal it", ["To install it, run the command."])
    {'instal': 'install'}
    """
    words = _WORD.findall(question)
    if len(words) > _MAX_WORDS:
        return {}
    unknown = dict.fromkeys(
        word
        for place, word in enumerate(words)
        if len(word) >= _MIN_CHARS and word.lower() not in _PASSED_OVER
        if word.islower() or (place == 0 and word[1:].islower())
    )
    if not unknown:
        return {}
    known: Counter[str] = Counter()
    for text in texts:
        known.update(word.lower() for word in _WORD.findall(text))
        unknown = {word: None for word in unknown if not _is_known(word.lower(), known)}
        # Mostly the first passages have all words, and the others need not be read.
        if not unknown:
            return {}
    return {word: meant for word in unknown if (meant := _nearest(word.lower(), known))}


def are_certain(respellings: Mapping[str, str]) -> bool:
    """Returns whether one of the words is the name of something, such as `max_tokns`, which
    cannot mean anything but the one that is spelled almost like it."""
    return any("_" in word for word in respellings)


def respelled(question: str, respellings: Mapping[str, str]) -> str:
    """Returns the question with its words replaced."""
    return _WORD.sub(lambda match: respellings.get(match.group(), match.group()), question)


def _is_known(word: str, known: Mapping[str, int]) -> bool:
    if word in known or any(word + suffix in known for suffix in _SUFFIXES):
        return True
    return any(word.endswith(suffix) and word.removesuffix(suffix) in known for suffix in _SUFFIXES)


def _nearest(word: str, known: Mapping[str, int]) -> str | None:
    # In names of settings a letter in place of another one makes another name: min_, max_.
    is_name = "_" in word
    limit = 2 if len(word) >= _TWO_EDITS_FROM_CHARS and not is_name else 1
    may_replace = len(word) >= _REPLACED_FROM_CHARS and not is_name
    of_passages = ((other, count) for other, count in known.items() if other not in _PASSED_OVER)
    of_questions = ((other, math.inf) for other in _OF_QUESTIONS)
    near = [
        (distance, -count, other)
        for other, count in chain(of_passages, of_questions)
        if other[0] == word[0]
        and abs(len(other) - len(word)) <= limit
        and len(other) >= _MIN_CHARS
        and (may_replace or sorted(word) == sorted(other) or len(word) != len(other))
        and (distance := _distance(word, other, limit)) <= limit
    ]
    return min(near)[2] if near else None


def _distance(one: str, other: str, limit: int) -> int:
    """Returns how many letters have to be put in, taken out, replaced or exchanged with the next
    one to make one word of the other; more than `limit` where it is more.

    Source: optimal string alignment; Damerau, A technique for computer detection and correction of
    spelling errors, Communications of the ACM 7, 1964.
    """
    before: Sequence[int] = ()
    row = list(range(len(other) + 1))
    for place, letter in enumerate(one, start=1):
        following = [place]
        for column, wanted in enumerate(other, start=1):
            cost = min(row[column] + 1, following[-1] + 1, row[column - 1] + (letter != wanted))
            if before and column > 1 and letter == other[column - 2] and one[place - 2] == wanted:
                cost = min(cost, before[column - 2] + 1)
            following.append(cost)
        before, row = row, following
        if min(row) > limit:
            return limit + 1
    return row[-1]
