"""Sentences of a Markdown passage, and the words that carry their meaning."""

import re
import threading
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from deployments.generator.extractive.blocks import Block, blocks, introduced
from deployments.stop_words import STOP_WORDS

if TYPE_CHECKING:
    from snowballstemmer.english_stemmer import EnglishStemmer

_COLONS = (":", "：")
_ENDS = (".", "!", "?", "…", "。", "！", "？", "؟", "।")
_CLOSING = "\"')]}»”’*"
_POINTS_BELOW = re.compile(
    r"\b(?:as follows|the following|like this|(?:see|shown|listed|given) below)\b", re.IGNORECASE
)
_MAX_INTRODUCED_CHARS = 2000
"""A block that is longer is no part of an answer, nor is the sentence that leads into it."""
_WORD = re.compile(r"[^\W_]+(?:['.-][^\W_]+)*")
_local = threading.local()
_SENTENCE_WORDS = 3
"""A fragment shorter than this many words is a label, not a sentence."""
_KEPT_STEMS = 65_536
"""Words whose stem is known; to find one takes longer than all else that is done with a word."""
_MAX_WORD_CHARS = 64
"""Longer ones are not words, and are told apart by their start: what is kept stays small."""


@dataclass(frozen=True, slots=True)
class Statement:
    """A sentence as an answer may quote it.

    Attributes:
        text: The sentence, as plain text on one line.
        introduces: What it leads into and says nothing without, as Markdown: a list, a table, code,
            or the sentence after a colon. Empty for most.
        is_whole: Whether it says something with that; not where it leads into what the passage does
            not hold.
    """

    text: str
    introduces: str = ""
    is_whole: bool = True

    @property
    def quote(self) -> str:
        """The sentence with what it introduces, as Markdown."""
        return f"{self.text}\n\n{self.introduces}" if self.introduces else self.text


def statements(text: str) -> Iterator[Statement]:
    """Yields the sentences of a Markdown passage in reading order, each with what it leads into;
    headings, code and table rules are no sentences."""
    parts = list(blocks(text))
    for place, block in enumerate(parts):
        if block.kind == "row":
            yield from _plainly(block)
            continue
        found = list(_plainly(block))
        yield from found[:-1]
        # A label at the end of a block is no sentence, and leads into nothing for the one before.
        if found and block.text.endswith(found[-1].text):
            yield _lead(found[-1].text, block, parts[place + 1 :])
        else:
            yield from found[-1:]


def sentences(text: str) -> Iterator[str]:
    """Yields the sentences of a Markdown passage alone, in reading order."""
    return (statement.text for statement in statements(text))


def _plainly(block: Block) -> Iterator[Statement]:
    from sentencex import segment

    if not block.text:
        return
    for sentence in segment("en", block.text):
        plain = sentence.strip()
        if len(_WORD.findall(plain)) >= _SENTENCE_WORDS:
            yield Statement(plain)


def terms(text: str) -> list[str]:
    """Returns the stems of the words that are not stop words, in reading order; a compound counts
    as its parts."""
    return [
        stem(part)
        for word in words(text)
        for part in word.split("-")
        if part and part not in STOP_WORDS
    ]


def words(text: str) -> list[str]:
    """Returns the words of a text in lower case."""
    return [word.lower() for word in raw_words(text)]


def raw_words(text: str) -> list[str]:
    """Returns the words of a text as they stand there."""
    return _WORD.findall(text)


def stem(word: str) -> str:
    """Returns the English stem of a word in lower case, without accents: `jumièges` and `jumieges`
    are the same name."""
    return _stem(word[:_MAX_WORD_CHARS])


@lru_cache(maxsize=_KEPT_STEMS)
def _stem(word: str) -> str:
    if not word.isascii():
        decomposed = unicodedata.normalize("NFKD", word)
        word = "".join(one for one in decomposed if not unicodedata.combining(one))
    stemmed: str = _stemmer().stemWord(word)
    return stemmed


def _lead(sentence: str, block: Block, following: Sequence[Block]) -> Statement:
    """Returns the last sentence of a block, with what it leads into."""
    shown = introduced(following, by=block)
    if sentence.endswith(_COLONS):
        if not shown and following and following[0].kind == "text" and block.kind == "text":
            shown = next((next_.text for next_ in _plainly(following[0])), "")
        return Statement(sentence, shown, is_whole=0 < len(shown) <= _MAX_INTRODUCED_CHARS)
    next_kind = following[0].kind if following else "heading"
    if shown and (
        _POINTS_BELOW.search(sentence)
        or (_is_open(sentence) and (next_kind == "code" or block.kind == "text"))
    ):
        return Statement(sentence, shown, is_whole=len(shown) <= _MAX_INTRODUCED_CHARS)
    return Statement(sentence)


def _is_open(sentence: str) -> bool:
    """Returns whether a sentence has no end: it goes on in the block below."""
    return not sentence.rstrip(_CLOSING).endswith(_ENDS)


def _stemmer() -> "EnglishStemmer":
    """Returns this thread's stemmer: it works on the word inside itself, so threads cannot share
    one."""
    import snowballstemmer

    if not hasattr(_local, "stemmer"):
        _local.stemmer = snowballstemmer.stemmer("english")
    stemmer: EnglishStemmer = _local.stemmer
    return stemmer
