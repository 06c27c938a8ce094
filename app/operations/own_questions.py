"""Questions that a collection answers, made from its own chunks.

A few content words in a row are what people type who know roughly what they look for. Whole
sentences are repeated word by word and score far better than any real question; and a question
whose own chunk is hidden is one that the collection does not answer.
"""

import random
import re
from collections.abc import Sequence

from deployments.contracts.documents import Chunk
from deployments.stop_words import STOP_WORDS

_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\n+")
_MARKS = "#*-|`.,;:()[]{}<>\"'!?"
_MIN_SENTENCE_WORDS = 6
_MAX_SENTENCE_WORDS = 40
_MIN_QUERY_WORDS = 3
_QUERY_WORDS = 4
_SEED = 7
"""Any number: the same chunks give the same questions."""


def own_questions(chunks: Sequence[Chunk]) -> list[str]:
    """Returns a question for every chunk that has a sentence to make one from, in their order."""
    draw = random.Random(_SEED)
    made = [question_of(chunk.text, draw) for chunk in chunks]
    return [question for question in made if question]


def question_of(text: str, draw: random.Random) -> str:
    """Returns a few content words in a row of a sentence, which is drawn; empty where no sentence
    has enough."""
    sentences = [
        words
        for sentence in _SENTENCE_END.split(text)
        if _MIN_SENTENCE_WORDS <= len(words := sentence.split()) <= _MAX_SENTENCE_WORDS
    ]
    if not sentences:
        return ""
    words = _content_words(draw.choice(sentences))
    if len(words) < _MIN_QUERY_WORDS:
        return ""
    first = draw.randrange(max(len(words) - _QUERY_WORDS + 1, 1))
    return " ".join(words[first : first + _QUERY_WORDS])


def _content_words(words: Sequence[str]) -> list[str]:
    bare = [word.strip(_MARKS) for word in words]
    return [word for word in bare if word and word.lower() not in STOP_WORDS]
