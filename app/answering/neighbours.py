"""A source with what stands around it: a small chunk is found more exactly, a longer passage is
understood better.

Source: the parent-document and sentence-window retrievers of LangChain and LlamaIndex do the same.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from deployments.contracts.documents import Chunk, chunk_id
from deployments.contracts.search import ScoredChunk

_MIN_OVERLAP_CHARS = 8
"""A shorter agreement of an end with a beginning is chance."""
_MAX_OVERLAP_CHARS = 1000


def widen(
    hits: Sequence[ScoredChunk], neighbours: Mapping[str, Chunk], *, reach: int
) -> list[ScoredChunk]:
    """Returns the hits with the text of their neighbours, in their order and with their ranks.

    A chunk gives its text once: a hit that a better one has taken in is left out. Neighbours of
    another section or page are no part of the passage.
    """
    known = {**neighbours, **{hit.chunk.id: hit.chunk for hit in hits}}
    taken: set[str] = set()
    widened: list[ScoredChunk] = []
    for hit in hits:
        if hit.chunk.id in taken:
            continue
        passage = _passage(hit.chunk, known, taken, reach)
        taken.update(chunk.id for chunk in passage)
        text = passage[0].text
        for chunk in passage[1:]:
            text = join(text, chunk.text)
        whole = replace(hit.chunk, text=text)
        widened.append(replace(hit, chunk=whole))
    return widened


def join(text: str, following: str) -> str:
    """Returns two texts of one document as one; what the second repeats of the first's end stands
    there once."""
    longest = min(len(text), len(following), _MAX_OVERLAP_CHARS)
    for length in range(longest, _MIN_OVERLAP_CHARS - 1, -1):
        if text.endswith(following[:length]):
            return text + following[length:]
    return f"{text}\n{following}"


def _passage(chunk: Chunk, known: Mapping[str, Chunk], taken: set[str], reach: int) -> list[Chunk]:
    """Returns the chunk between its neighbours, in reading order."""
    passage = [chunk]
    for direction in (-1, 1):
        for step in range(1, reach + 1):
            found = known.get(chunk_id(chunk.document_id, chunk.ordinal + direction * step))
            if found is None or found.id in taken or not found.stands_with(chunk):
                break
            passage.insert(0 if direction < 0 else len(passage), found)
    return passage
