"""Cuts a document into chunks that fit the embedder's window together with their headings.

The cuts are semantic_text_splitter's: at the largest Markdown block that still fits. Decided here
are the room that the headings take, which headings a chunk stands under, and what is no chunk.
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from pathlib import Path

from semantic_text_splitter import MarkdownSplitter, TextSplitter
from tokenizers import Tokenizer

from deployments.contracts.documents import Chunk, Document, chunk_id
from deployments.contracts.errors import ConfigError
from deployments.indexer.composer import Composer, is_records
from deployments.indexer.markup import find_headings
from deployments.indexer.outline import Outline
from deployments.indexer.windows import windows

_MAX_CHARS_PER_TOKEN = 16
"""A chunk has at most this many characters per token of the window. English has four or five; but
a word without end, or a run of blanks, counts as one token or none, and would never be cut."""

_MIN_TOKENS = 32
_SPARE_CHARS = 256
"""Characters that a chunk may have beside its piece of the text."""
_LEAST_CHARS_PER_TOKEN = 3
_FITTING_TRIES = 6
"""How often a piece is cut again that does not fit with what is repeated around it."""
_SPARE_TOKENS = 2
"""Texts that are put together may have a few tokens more than each has alone."""

_SEPARATOR = " > "
_KEPT = "whole blocks and source"
"""What an index keeps of a document: where it kept something else, it is written again."""


class TooManyChunks(Exception):
    """A document would have more chunks than one may have; `args` says how many that is."""


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
        self._max_chars = max_tokens * _MAX_CHARS_PER_TOKEN - _SPARE_CHARS
        self._by_chars = MarkdownSplitter(self._max_chars)
        self._by_tokens: dict[tuple[int, bool, bool], MarkdownSplitter | TextSplitter] = {}

    def split(self, document: Document, *, max_chunks: int | None = None) -> list[Chunk]:
        """Returns the chunks in order; none for a document without text.

        A chunk is a stretch of one part, so that its page is right. Headings at its start move
        into `heading`, those inside it and those with nothing below stay in its text; a plain
        document has no headings. Code, a table and a list that go on from the chunk before begin
        with their fence, their header and the sentence that leads into them. Title and headings
        take half of the window at most: a longer title is cut at its end, a longer path loses its
        outer headings.

        Raises:
            TooManyChunks: There are more than `max_chunks`; most of them were not made.
        """
        if max_chunks is not None and self._least_chunks(document) > max_chunks:
            raise TooManyChunks(max_chunks)
        chunks = list(islice(self._chunks(document), max_chunks and max_chunks + 1))
        if max_chunks is not None and len(chunks) > max_chunks:
            raise TooManyChunks(max_chunks)
        return chunks

    def _least_chunks(self, document: Document) -> int:
        """Returns how many chunks there are at the least."""
        longest = self._max_chars + _SPARE_CHARS
        return sum(len(part.text.strip()) // longest for part in document.parts) // 2

    def _chunks(self, document: Document) -> Iterator[Chunk]:
        title = self._cut(document.title, self._max_title_tokens)
        split = self._split_plain if document.markup == "plain" else self._split_markdown
        ordinal = 0
        for part in document.parts:
            for heading, text in split(part.text, title):
                yield Chunk(
                    id=chunk_id(document.id, ordinal),
                    document_id=document.id,
                    ordinal=ordinal,
                    text=text,
                    path=document.path,
                    title=title,
                    heading=heading,
                    page=part.page,
                    metadata=document.metadata,
                    markup=document.markup,
                )
                ordinal += 1

    def _split_plain(self, text: str, title: str) -> Iterator[tuple[str, str]]:
        """Yields the text of each chunk of one part, under no heading."""
        capacity = self._room_tokens - self._count(f"{title}\n")
        # A record is a paragraph: what is repeated of the one before has lost its name.
        cut = partial(self._cut_text, is_plain=True, overlaps=not is_records(text))
        for _, piece in cut(text, capacity):
            if body := piece.strip("\n"):
                yield "", body

    def _split_markdown(self, text: str, title: str) -> Iterator[tuple[str, str]]:
        """Yields heading path and text of each chunk of one part."""
        outline = Outline(text, find_headings(text), title)
        limit = self._max_prefix_tokens - self._count(title) - self._count(_SEPARATOR)
        known: dict[tuple[str, ...], str] = {}
        labels = [known.get(path) or self._join(path, limit, known) for path in outline.paths]
        prefixes = {_SEPARATOR.join(filter(None, (title, label))) for label in set(labels)}
        capacity = self._room_tokens - max(self._count(f"{prefix}\n") for prefix in prefixes)
        composer = Composer(text, outline, self._fits_above(capacity // 2))
        repeated = composer.repeated_around(_LEAST_CHARS_PER_TOKEN * capacity)
        # Where much is cut, all pieces leave room; where little is, the few are cut again.
        room = capacity - max(map(self._count, repeated), default=-_SPARE_TOKENS) - _SPARE_TOKENS
        pieces = self._cut_text(text, room, belongs_together=composer.is_inside)
        for offset, piece in composer.without_gaps(pieces):
            for begin, end in self._fitting(composer, offset, piece, capacity):
                composed = composer.compose(begin, end)
                if composed.strip():
                    yield labels[outline.path_number(composer.begin(begin))], composed

    def _fitting(
        self,
        composer: Composer,
        offset: int,
        piece: str,
        capacity: int,
        tries: int = _FITTING_TRIES,
    ) -> Iterator[tuple[int, int]]:
        """Yields where a piece begins and ends, in several parts where it does not fit with what is
        repeated around it."""
        end = offset + len(piece)
        extra = composer.extra(offset, end)
        surplus = self._count(composer.compose(offset, end)) - capacity if extra else 0
        if surplus <= 0 or not tries:
            yield offset, end
            return
        begin = composer.begin(offset)
        # A part may begin inside of what the whole piece does not, and have more repeated than it.
        room = capacity - self._count(extra) - _SPARE_TOKENS
        smaller = max(min(room, self._count(piece) - surplus), 1)
        pieces = self._cut_text(piece[begin - offset :], smaller)
        parts = ((begin + inner, part) for inner, part in pieces)
        for inner, part in composer.without_gaps(parts, start=begin):
            yield from self._fitting(composer, inner, part, capacity, tries - 1)

    def _fits_above(self, limit: int) -> Callable[[str], bool]:
        """Returns what says whether something may be repeated at the start of a chunk."""
        return lambda text: len(text) <= _SPARE_CHARS and self._count(text) <= limit

    def _cut_text(
        self,
        text: str,
        capacity: int,
        *,
        is_plain: bool = False,
        overlaps: bool = True,
        belongs_together: Callable[[int], bool] = lambda position: False,
    ) -> Iterator[tuple[int, str]]:
        """Yields offset and text of pieces within `capacity` tokens and the bound of characters."""
        splitter = self._find_splitter(capacity, is_plain, overlaps)
        for start, window in windows(text, belongs_together):
            for offset, piece in splitter.chunk_indices(window):
                if len(piece) <= self._max_chars:
                    yield start + offset, piece
                    continue
                for inner_offset, stretch in self._by_chars.chunk_indices(piece):
                    for innermost_offset, small in splitter.chunk_indices(stretch):
                        yield start + offset + inner_offset + innermost_offset, small

    def _find_splitter(
        self, capacity: int, is_plain: bool, overlaps: bool
    ) -> MarkdownSplitter | TextSplitter:
        """Returns the splitter for at most `capacity` tokens, of which there are a few sizes.

        Making one costs some 30 ms and a copy of the vocabulary, so that prefixes of about the
        same length share it.
        """
        capacity = max(capacity - capacity % self._capacity_step, 1)
        key = capacity, is_plain, overlaps
        if key not in self._by_tokens:
            kind = TextSplitter if is_plain else MarkdownSplitter
            overlap = min(self._overlap_tokens, capacity // 2) if overlaps else 0
            self._by_tokens[key] = kind.from_huggingface_tokenizer(
                self._tokenizer, capacity, overlap=overlap
            )
        return self._by_tokens[key]

    def _join(self, path: tuple[str, ...], limit: int, known: dict[tuple[str, ...], str]) -> str:
        """Returns the headings as one line within `limit` tokens, the innermost kept longest, and
        remembers it in `known`."""
        whole = (_SEPARATOR.join(path[first:]) for first in range(len(path)))
        fitting = (label for label in whole if self._count(label) <= limit)
        label = next(fitting, "") or (self._cut(path[-1], limit) if path else "")
        known[path] = label
        return label

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
        document: Its id is left out; the order of its metadata does not matter. Who may read it
            stands with every chunk.
        chunking: Tokenizer, window and overlap in words: a change of them must change the result.
    """
    parts = [(part.page, part.text) for part in document.parts]
    metadata = sorted(document.metadata.items())
    content = [_KEPT, chunking, document.path, document.title, parts, metadata]
    if document.markup != "markdown":
        content.append(document.markup)
    if document.acl is not None:
        content.append(["acl", *sorted(document.acl)])
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()
