"""Sentences of a passage, and what else in it says something by itself: items of lists, rows of
tables, records, headings with nothing below."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import regex

from deployments.contracts.documents import Markup
from deployments.generator.extractive.reading.blocks import (
    Block,
    Kind,
    blocks,
    introduced,
    is_pair,
    shown_block,
)
from deployments.generator.extractive.reading.terms import raw_words

_COLONS = (":", "：")
_ENDS = (".", "!", "?", "…", "。", "！", "？", "؟", "।")
_CLOSING = "\"')]}»”’*"
_POINTS_BELOW = re.compile(
    r"\b(?:as follows|the following|like this|(?:see|shown|listed|given) below)\b", re.IGNORECASE
)
_POINTS_THERE = re.compile(r"(?:for (?:example|instance)|e\.g\.|here|then|and then|like)\b", re.I)
"""A sentence that begins so says nothing without what it leads to."""
_MAX_INTRODUCED_CHARS = 3000
"""A block that is longer is no part of an answer, nor is the sentence that leads into it."""
_MAX_RECORD_CHARS = 400
"""A record that is longer is said line by line, each with the first, which names it."""
_MAX_ITEM_CHARS = 280
_SENTENCE_WORDS = 3
"""A fragment of a paragraph that is shorter than this many words is a label, not a sentence."""
_HEAD = re.compile(r"(?:yes|no|nope|yep|yeah|never|always|correct|wrong)\b", re.IGNORECASE)
_HEAD_WORDS = 6
"""A sentence of so many words that begins with yes or no says little without the next one."""
_ABBREVIATED = re.compile(r"\b(?:e\.g|i\.e|etc|cf|vs|approx|resp|incl|ca)\.\s*$", re.IGNORECASE)
_NUMBERED = re.compile(r"\(?\d{1,2}[.)]\s")
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
        block: What kind of block it shows and is about, with the sentence before it; None for
            sentences.
        content: The words of that block.
        language: That of code.
        marker: What the item of a list begins with.
    """

    text: str
    introduces: str = ""
    is_whole: bool = True
    is_fragment: bool = False
    label: str = ""
    shown: str = ""
    section: str = ""
    block: Kind | None = None
    content: str = ""
    language: str = ""
    marker: str = ""

    @property
    def said(self) -> str:
        """The sentence, a fragment with the heading that it stands under."""
        return f"{self.label} - {self.text}" if self.label else self.text

    @property
    def quote(self) -> str:
        """The sentence with what it introduces, as Markdown."""
        return "\n\n".join(filter(None, (self.said, self.introduces)))


def statements(text: str, markup: Markup = "markdown", label: str = "") -> Iterator[Statement]:
    """Yields what a passage says in reading order, each with what it leads into; code and table
    rules are not said, and a heading only where nothing stands below it.

    Args:
        text: The passage.
        markup: How it is read.
        label: The heading above the passage, for fragments without another one.
    """
    parts = blocks(text, markup)
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


def shown_blocks(
    text: str, markup: Markup = "markdown", label: str = ""
) -> Iterator[tuple[str, Statement]]:
    """Yields the code, the tables and the lists of a passage that it holds whole, each with the
    heading above it, as a statement that leads into it.

    Args:
        text: The passage.
        markup: How it is read.
        label: The heading above the passage.
    """
    parts = blocks(text, markup)
    section = ""
    for place, block in enumerate(parts):
        if block.kind == "heading":
            section = block.text or section
        before = parts[place - 1] if place else None
        for one in _block(before, parts[place:]):
            yield section or label, replace(one, section=section) if section else one


def sentences(text: str) -> Iterator[str]:
    """Yields the sentences of a Markdown passage alone, in reading order."""
    return (statement.text for statement in statements(text))


def _block(before: Block | None, parts: Sequence[Block]) -> Iterator[Statement]:
    """Yields the code, the table or the list that begins with the first of some blocks, as a whole,
    with the sentence before it."""
    first = parts[0]
    goes_on = before is not None and (
        before.kind == first.kind == "item"
        and before.indent <= first.indent
        or {before.kind, first.kind} <= {"row", "rule"}
    )
    whole = None if goes_on else shown_block(parts)
    if whole is None or whole.is_torn or len(whole.shown) > _MAX_INTRODUCED_CHARS:
        return
    lead = ""
    if before is not None and (
        before.kind == "text" or (before.kind == "item" and before.indent < first.indent)
    ):
        lead = next(reversed([one.text for one in _plainly(before)]), "")
    yield Statement(
        lead,
        whole.shown,
        block=whole.kind,
        content=whole.text or whole.shown.replace("`", " "),
        language=whole.language,
        marker=whole.marker,
    )


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
    if not block.text:
        return
    is_item = block.kind == "item"
    is_whole = is_item and len(block.text) <= _MAX_ITEM_CHARS
    # An item that is as short as that says one thing: its second sentence is about the first.
    for plain in [block.text] if is_whole else _segments(block.text):
        count = len(raw_words(plain))
        is_fragment = (is_item or is_pair(plain)) and _is_open(plain)
        if count >= _SENTENCE_WORDS or (count and is_fragment):
            yield Statement(plain, is_fragment=is_fragment, marker=block.marker if is_item else "")


def _segments(text: str) -> Iterator[str]:
    """Yields the sentences of a text; one goes on where no blank follows its end, through an
    enumeration, and behind a bare yes or no."""
    from sentencex import segment

    pending = ""
    for piece in segment(language_of(text), text):
        if pending and not _belong_together(pending, piece):
            yield pending.strip()
            pending = ""
        pending += piece
    if pending.strip():
        yield pending.strip()


def _belong_together(sentence: str, following: str) -> bool:
    if not sentence[-1].isspace():
        return sentence.rstrip(_CLOSING).endswith(".")
    if _ABBREVIATED.search(sentence):
        return True
    if _NUMBERED.match(following) and _NUMBERED.search(sentence):
        return True
    is_head = _HEAD.match(sentence) is not None and not _HEAD.match(following)
    return is_head and len(raw_words(sentence)) <= _HEAD_WORDS


def language_of(text: str) -> str:
    """Returns the code of a text's language by its script; that of English for Latin letters."""
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
        if following and following[0].kind == "include":
            # What a site shows there is not in the text, and the sentence has said what it does.
            is_whole = _POINTS_THERE.match(sentence) is None
            return replace(statement, text=f"{sentence[:-1]}.", is_whole=is_whole)
        if not shown and following and following[0].kind == "text" and block.kind == "text":
            shown = next((next_.text for next_ in _plainly(following[0])), "")
        is_whole = 0 < len(shown) <= _MAX_INTRODUCED_CHARS
        return replace(statement, introduces=shown, is_whole=is_whole, is_fragment=False)
    next_kind = following[0].kind if following else "heading"
    if block.kind == "item" and next_kind == "item" and shown:
        # What is indented below an item is about it.
        is_whole = len(shown) <= _MAX_INTRODUCED_CHARS
        return replace(statement, introduces=shown, is_whole=is_whole, is_fragment=False)
    if shown and (
        _POINTS_BELOW.search(sentence)
        or (_is_open(sentence) and (next_kind == "code" or block.kind == "text"))
    ):
        return replace(
            statement,
            introduces=shown,
            is_whole=len(shown) <= _MAX_INTRODUCED_CHARS,
            is_fragment=False,
        )
    return statement


def _is_open(sentence: str) -> bool:
    """Returns whether a sentence has no end: it goes on in the block below."""
    return not sentence.rstrip(_CLOSING).endswith(_ENDS)
