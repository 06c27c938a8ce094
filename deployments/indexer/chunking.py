"""Cuts a document into chunks that fit the embedder's window together with their headings.

The cuts are semantic_text_splitter's: at the largest Markdown block that still fits. Decided here
are the room that the headings take, which headings a chunk stands under, and what is no chunk.
"""

import hashlib
import json
from bisect import bisect_right
from collections.abc import Iterator
from pathlib import Path

from semantic_text_splitter import MarkdownSplitter
from tokenizers import Tokenizer

from deployments.contracts.documents import Chunk, Document
from deployments.contracts.errors import ConfigError
from deployments.indexer.markup import Heading, find_headings

_MAX_CHARS_PER_TOKEN = 16
"""A chunk has at most this many characters per token of the window. English has four or five; but
a word without end, or a run of blanks, counts as one token or none, and would never be cut."""

_MIN_TOKENS = 32

_SEPARATOR = " > "
_KEPT = "chunks and source"
"""What an index keeps of a document: where it kept less, the document is written again."""


class Chunker:
    """Splits documents for one tokenizer and window. Safe to share between threads.

    Args:
        tokenizer_path: The embedder's `tokenizer.json`.
        max_tokens: Window of the embedder, special tokens included; at least 32.
        overlap_tokens: Tokens that a chunk may repeat from the end of the one before it, where
            the text between two cuts allows it; at most half the window. 0 repeats nothing.

    Raises:
        ConfigError: A bound does not hold.
    """

    def __init__(self, tokenizer_path: str | Path, *, max_tokens: int, overlap_tokens: int) -> None:
        if max_tokens < _MIN_TOKENS:
            raise ConfigError(f"max_tokens must be at least {_MIN_TOKENS}, not {max_tokens}.")
        if not 0 <= overlap_tokens <= max_tokens // 2:
            raise ConfigError(f"overlap_tokens must be from 0 to {max_tokens // 2}.")
        self._tokenizer = Tokenizer.from_file(str(tokenizer_path))
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._overlap_tokens = overlap_tokens
        self._room_tokens = max_tokens - self._tokenizer.num_special_tokens_to_add(is_pair=False)
        self._max_title_tokens = max_tokens // 3
        self._max_prefix_tokens = max_tokens // 2
        self._capacity_step = max(max_tokens // 16, 1)
        self._max_chars = max_tokens * _MAX_CHARS_PER_TOKEN
        self._by_chars = MarkdownSplitter(self._max_chars)
        self._by_tokens: dict[int, MarkdownSplitter] = {}

    def split(self, document: Document) -> list[Chunk]:
        """Returns the chunks in order; none for a document that has only headings.

        A chunk is a stretch of one part, so that its page is right. Headings at its start move
        into `heading`, and those inside it stay in its text. Title and headings take half of the
        window at most: a longer title is cut at its end, a longer path loses its outer headings.
        """
        title = self._cut(document.title, self._max_title_tokens)
        chunks: list[Chunk] = []
        for part in document.parts:
            for heading, text in self._split_part(part.text, title):
                ordinal = len(chunks)
                chunks.append(
                    Chunk(
                        id=f"{document.id}-{ordinal:05d}",
                        document_id=document.id,
                        ordinal=ordinal,
                        text=text,
                        path=document.path,
                        title=title,
                        heading=heading,
                        page=part.page,
                        metadata=document.metadata,
                    )
                )
        return chunks

    def _split_part(self, text: str, title: str) -> Iterator[tuple[str, str]]:
        """Yields heading path and text of each chunk of one part."""
        headings = find_headings(text)
        title_tokens = self._count(title)
        limit = self._max_prefix_tokens - title_tokens - self._count(_SEPARATOR)
        labels = ["", *(self._join(path, limit) for path in _list_paths(headings, title))]
        prefixes = {_SEPARATOR.join(filter(None, (title, label))) for label in labels}
        prefix_tokens = max(self._count(f"{prefix}\n") for prefix in prefixes)
        starts = [heading.start for heading in headings]
        for offset, piece in self._split_text(text, self._room_tokens - prefix_tokens):
            position = _skip_headings(text, offset, headings, starts)
            body = piece[position - offset :].strip("\n")
            if body.strip():
                yield labels[bisect_right(starts, position)], body

    def _split_text(self, text: str, capacity: int) -> Iterator[tuple[int, str]]:
        """Yields offset and text of pieces within `capacity` tokens and the bound of characters."""
        splitter = self._find_splitter(capacity)
        for offset, piece in splitter.chunk_indices(text):
            if len(piece) <= self._max_chars:
                yield offset, piece
                continue
            for inner_offset, stretch in self._by_chars.chunk_indices(piece):
                for innermost_offset, small in splitter.chunk_indices(stretch):
                    yield offset + inner_offset + innermost_offset, small

    def _find_splitter(self, capacity: int) -> MarkdownSplitter:
        """Returns the splitter for at most `capacity` tokens, of which there are a few sizes.

        Making one costs some 30 ms and a copy of the vocabulary, so that prefixes of about the
        same length share it.
        """
        capacity -= capacity % self._capacity_step
        if capacity not in self._by_tokens:
            self._by_tokens[capacity] = MarkdownSplitter.from_huggingface_tokenizer(
                self._tokenizer, capacity, overlap=min(self._overlap_tokens, capacity // 2)
            )
        return self._by_tokens[capacity]

    def _join(self, path: tuple[str, ...], limit: int) -> str:
        """Returns the headings as one line within `limit` tokens, the innermost kept longest."""
        for first in range(len(path)):
            label = _SEPARATOR.join(path[first:])
            if self._count(label) <= limit:
                return label
        return self._cut(path[-1], limit) if path else ""

    def _cut(self, text: str, limit: int) -> str:
        """Returns the text, cut to `limit` tokens with an ellipsis where it has more."""
        text = text[: limit * _MAX_CHARS_PER_TOKEN]
        encoding = self._tokenizer.encode(text, add_special_tokens=False)
        if len(encoding.ids) <= limit:
            return text
        end = encoding.offsets[limit - 2][1] if limit > 1 else 0
        return f"{text[:end]}…" if end else ""

    def _count(self, text: str) -> int:
        return len(self._tokenizer.encode(text, add_special_tokens=False).ids)


def fingerprint(document: Document, *, chunking: str) -> str:
    """Returns the SHA-256 of all that decides a document's chunks.

    Args:
        document: Its id is left out; the order of its metadata does not matter.
        chunking: Tokenizer, window and overlap in words: a change of them must change the result.
    """
    parts = [(part.page, part.text) for part in document.parts]
    metadata = sorted(document.metadata.items())
    content = [_KEPT, chunking, document.path, document.title, parts, metadata]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def _list_paths(headings: list[Heading], title: str) -> Iterator[tuple[str, ...]]:
    """Yields the path from the outermost heading to each heading, without the document's title."""
    unsaid = ("", title.casefold())
    stack: list[Heading] = []
    for heading in headings:
        while stack and stack[-1].level >= heading.level:
            stack.pop()
        stack.append(heading)
        yield tuple(h.title for h in stack if h.title.casefold() not in unsaid)


def _skip_headings(text: str, position: int, headings: list[Heading], starts: list[int]) -> int:
    """Returns where the text after the headings at `position` begins, its indentation kept."""
    while True:
        first = position
        while first < len(text) and text[first].isspace():
            first += 1
        index = bisect_right(starts, first) - 1
        if index < 0 or first >= headings[index].end:
            return position
        position = headings[index].end
