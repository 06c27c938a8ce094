"""Sentences of a Markdown passage, and the words that carry their meaning."""

import re
import threading
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

from deployments.stop_words import STOP_WORDS

if TYPE_CHECKING:
    from snowballstemmer.english_stemmer import EnglishStemmer

_HEADING = re.compile(r"^#{1,6}\s")
_LIST_ITEM = re.compile(r"^\s*(?:[-*+]|\d+[.)])\s+")
_TABLE_RULE = re.compile(r"^[\s|:-]+$")
_MARKUP = re.compile(r"!?\[([^\]]*)\]\([^)]*\)|<[^>\s][^>]*>")
_EMPHASIS = re.compile(r"(?<!\w)(\*\*|__|\*|_)(?=\S)(.+?)(?<=\S)\1(?!\w)")
_WORD = re.compile(r"[^\W_]+(?:['.-][^\W_]+)*")
_local = threading.local()
_SENTENCE_WORDS = 3
"""A fragment shorter than this many words is a label, not a sentence."""
_KEPT_STEMS = 65_536
"""Words whose stem is known; to find one takes longer than all else that is done with a word."""
_MAX_WORD_CHARS = 64
"""Longer ones are not words, and are told apart by their start: what is kept stays small."""


def sentences(text: str) -> Iterator[str]:
    """Yields the sentences of a Markdown passage in reading order; headings, code and table rules
    are left out."""
    from sentencex import segment

    for block in _blocks(text):
        for sentence in segment("en", block):
            plain = sentence.strip()
            if len(_WORD.findall(plain)) >= _SENTENCE_WORDS:
                yield plain


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


def _blocks(text: str) -> Iterator[str]:
    """Yields paragraphs and list items as plain text, each on one line."""
    lines: list[str] = []
    fenced = False
    for line in text.split("\n"):
        if line.lstrip().startswith(("```", "~~~")):
            fenced = not fenced
            line = ""
        elif fenced:
            continue
        boundary = not line.strip() or _HEADING.match(line) or _TABLE_RULE.match(line)
        starts_item = _LIST_ITEM.match(line) or line.lstrip().startswith("|")
        if (boundary or starts_item) and lines:
            yield _plain(" ".join(lines))
            lines = []
        if not boundary:
            lines.append(_LIST_ITEM.sub("", line).strip())
    if lines:
        yield _plain(" ".join(lines))


def _plain(text: str) -> str:
    linked = _MARKUP.sub(lambda match: match.group(1) or "", text)
    return _EMPHASIS.sub(r"\2", linked).replace("`", "").strip()


def _stemmer() -> "EnglishStemmer":
    """Returns this thread's stemmer: it works on the word inside itself, so threads cannot share
    one."""
    import snowballstemmer

    if not hasattr(_local, "stemmer"):
        _local.stemmer = snowballstemmer.stemmer("english")
    stemmer: EnglishStemmer = _local.stemmer
    return stemmer
