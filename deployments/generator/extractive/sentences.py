"""Sentences of a passage, and what else in it says something by itself: items of lists, rows of
tables, records, headings with nothing below."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import regex

from deployments.contracts.documents import Markup
from deployments.generator.extractive.blocks import Block, blocks, introduced, is_pair
from deployments.generator.extractive.terms import raw_words

_COLONS = (":", "：")
_ENDS = (".", "!", "?", "…", "。", "！", "？", "؟", "।")
_CLOSING = "\"')]}»”’*"
_POINTS_BELOW = re.compile(
    r"\b(?:as follows|the following|like this|(?:see|shown|listed|given) below)\b", re.IGNORECASE
)
_MAX_INTRODUCED_CHARS = 2000
"""A block that is longer is no part of an answer, nor is the sentence that leads into it."""
_MAX_RECORD_CHARS = 400
"""A record that is longer is said line by line, each with the first, which names it."""
_SENTENCE_WORDS = 3
"""A fragment of a paragraph that is shorter than this many words is a label, not a sentence."""
_LANGUAGES = tuple(
    (language, regex.compile(rf"\p{{{script}}}"))
    for language, script in (
        *(("ja", "Hiragana"), ("ja", "Katakana"), ("zh", "Han"), ("ko", "Hangul"), ("th", "Thai")),
        *(("hi", "Devanagari"), ("ar", "Arabic"), ("el", "Greek"), ("ru", "Cyrillic")),
        *(("he", "Hebrew"), ("hy", "Armenian"), ("my", "Myanmar"), ("km", "Khmer")),
    )
)
"""By whose rules sentences end, by the script; English is read by its own, and so are other
languages in Latin letters."""


@dataclass(frozen=True, slots=True)
class Statement:
    """A sentence as an answer may quote it.

    Attributes:
        text: The sentence, as plain text on one line.
        introduces: What it leads into and says nothing without, as Markdown: a list, a table, code,
            or the sentence after a colon. Empty for most.
        is_whole: Whether it says something with that; not where it leads into what the passage does
            not hold.
        is_fragment: Whether it is no sentence, and what it is about may stand above it.
        label: The heading above a fragment.
        section: The heading above it that stands in the passage itself.
        shown: How it stands in a block that another sentence leads into.
    """

    text: str
    introduces: str = ""
    is_whole: bool = True
    is_fragment: bool = False
    label: str = ""
    shown: str = ""
    section: str = ""

    @property
    def said(self) -> str:
        """The sentence, a fragment with the heading that it stands under."""
        return f"{self.label} - {self.text}" if self.label else self.text

    @property
    def quote(self) -> str:
        """The sentence with what it introduces, as Markdown."""
        return f"{self.said}\n\n{self.introduces}" if self.introduces else self.said


def statements(text: str, markup: Markup = "markdown", label: str = "") -> Iterator[Statement]:
    """Yields what a passage says in reading order, each with what it leads into; code and table
    rules are not said, and a heading only where nothing stands below it.

    Args:
        text: The passage.
        markup: How it is read.
        label: The heading above the passage, for fragments without another one.
    """
    parts = list(blocks(text, markup))
    section = ""
    for place, block in enumerate(parts):
        following = parts[place + 1 :]
        if block.kind == "heading":
            section = block.text or section
            if block.text and (not following or following[0].kind == "heading"):
                yield from _headings(block)
            continue
        is_fragments = block.kind in ("row", "record")
        found = _fragments(block) if is_fragments else _sentences(block, following)
        for one in found:
            yield _labelled(replace(one, section=section) if section else one, section or label)


def sentences(text: str) -> Iterator[str]:
    """Yields the sentences of a Markdown passage alone, in reading order."""
    return (statement.text for statement in statements(text))


def _headings(block: Block) -> Iterator[Statement]:
    if len(raw_words(block.text)) >= _SENTENCE_WORDS:
        yield Statement(block.text)


def _fragments(block: Block) -> Iterator[Statement]:
    """Yields a row or a record as a whole, or line by line."""
    if not raw_words(block.text):
        return
    if block.kind == "record" and len(block.text) > _MAX_RECORD_CHARS:
        first, *others = block.shown.split("\n")
        yield from (Statement(f"{first}; {line}", is_fragment=True) for line in others)
    else:
        yield Statement(block.text, is_fragment=True, shown=block.shown)


def _sentences(block: Block, following: Sequence[Block]) -> Iterator[Statement]:
    found = list(_plainly(block))
    yield from found[:-1]
    # A label at the end of a block is no sentence, and leads into nothing for the one before.
    if found and block.text.endswith(found[-1].text):
        yield _lead(found[-1], block, following)
    else:
        yield from found[-1:]


def _plainly(block: Block) -> Iterator[Statement]:
    from sentencex import segment

    if not block.text:
        return
    is_item = block.kind == "item"
    for sentence in segment(_language(block.text), block.text):
        plain = sentence.strip()
        count = len(raw_words(plain))
        is_fragment = (is_item or is_pair(plain)) and _is_open(plain)
        if count >= _SENTENCE_WORDS or (count and is_fragment):
            yield Statement(plain, is_fragment=is_fragment)


def _language(text: str) -> str:
    if text.isascii():
        return "en"
    return next((language for language, script in _LANGUAGES if script.search(text)), "en")


def _labelled(statement: Statement, label: str) -> Statement:
    """Returns a fragment with the heading above it, where it does not say that itself."""
    if not statement.is_fragment or statement.introduces or not label:
        return statement
    if {word.lower() for word in raw_words(label)} <= {
        word.lower() for word in raw_words(statement.text)
    }:
        return statement
    return replace(statement, label=label)


def _lead(statement: Statement, block: Block, following: Sequence[Block]) -> Statement:
    """Returns the last sentence of a block, with what it leads into."""
    sentence = statement.text
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
    return statement


def _is_open(sentence: str) -> bool:
    """Returns whether a sentence has no end: it goes on in the block below."""
    return not sentence.rstrip(_CLOSING).endswith(_ENDS)
