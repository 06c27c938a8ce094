"""An answer that is given again, as the events of one that is being written."""

import asyncio
import re
from collections.abc import Iterator
from dataclasses import replace

from deployments.contracts.generation import Citation, Events, Generation, Started, TextDelta

_WORDS = 8
"""Of one piece: a client shows it as it shows a fresh answer, and reads few events."""
_PIECE = re.compile(rf"\s*(?:\S+\s*){{1,{_WORDS}}}|\s+")


async def replay(written: Generation) -> Events:
    """Yields an answer in pieces of some words. Its whole prompt counts as kept from before."""
    again = replace(written, cached_tokens=written.prompt_tokens)
    yield (
        Started(
            again.model,
            again.prompt_tokens,
            cached_tokens=again.cached_tokens,
            prompt=again.prompt,
            context=again.context,
        ),
        *_first(pieces := _pieces(written)),
    )
    for piece in pieces:
        await asyncio.sleep(0)  # who reads it may leave, and others have their turn
        yield (piece,)
    yield (again,)


def _first(pieces: Iterator[TextDelta]) -> tuple[TextDelta, ...]:
    piece = next(pieces, None)
    return () if piece is None else (piece,)


def _pieces(written: Generation) -> Iterator[TextDelta]:
    """Yields the text with the citations that each piece completes; tokens go by characters."""
    left_tokens = written.completion_tokens
    citations = sorted(written.citations, key=lambda citation: citation.end)
    for found in _PIECE.finditer(written.text):
        is_last = found.end() == len(written.text)
        share = round(written.completion_tokens * len(found[0]) / len(written.text))
        tokens = left_tokens if is_last else min(share, left_tokens)
        left_tokens -= tokens
        complete: list[Citation] = []
        while citations and (citations[0].end <= found.end() or is_last):
            complete.append(citations.pop(0))
        yield TextDelta(found[0], tokens, citations=tuple(complete))
