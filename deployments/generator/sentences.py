"""Sentences of a Markdown passage, and the words that carry their meaning."""

import re
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

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

STOP_WORDS = frozenset(
    """a about after all also am an and any are as at be because been before being between both but
    by can could did do does doing done during each either every few for from further get gets give
    given had has have having he her here him his how i if in into is it its itself just let many
    may me might more most much must my no nor not of off on once one only onto or other our out
    over own per please same shall she should so some such tell than that the their them then there
    these they this those through to too under until up upon us use used using very was we were what
    when where whether which while who whom whose why will with within without would you
    your""".split()  # noqa: SIM905
)


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
    """Returns the stems of the words that are not stop words, in reading order."""
    stem = _stemmer().stemWord
    return [stem(word) for word in words(text) if word not in STOP_WORDS]


def words(text: str) -> list[str]:
    """Returns the words of a text in lower case."""
    return [word.lower() for word in _WORD.findall(text)]


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
