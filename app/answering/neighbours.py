"""A source with what stands around it: a small chunk is found more exactly, a longer passage is
understood better.

Source: the parent-document and sentence-window retrievers of LangChain and LlamaIndex do the same.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from deployments.contracts.documents import Chunk, chunk_id
from deployments.contracts.fences import (
    GOES_ON,
    IN_LIST,
    ITEM_GOES_ON,
    REOPENED,
    TORN,
    goes_on,
    is_rule,
    may_go_on,
)
from deployments.contracts.search import MAX_BLOCK_CHUNKS, ScoredChunk

_MIN_OVERLAP_CHARS = 8
"""A shorter agreement of an end with a beginning is chance."""
_MAX_OVERLAP_CHARS = 1000


def widen(
    hits: Sequence[ScoredChunk], neighbours: Mapping[str, Chunk], *, reach: int
) -> list[ScoredChunk]:
    """Returns the hits with the text of their neighbours, in their order and with their ranks.

    A chunk gives its text once: a hit that a better one has taken in is left out. Neighbours of
    another section or page are no part of the passage. Beyond `reach` it goes on to the end of the
    code, the table or the list at its edge; where the block is longer than that, or another passage
    has the rest, a line `…` stands there.
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
        whole = replace(hit.chunk, text=_with_torn_edges(text, passage, known))
        widened.append(replace(hit, chunk=whole))
    return widened


def join(text: str, following: str) -> str:
    """Returns two texts of one document as one; what the second repeats of the first stands there
    once: its end, and the fence, the header or the sentence that the second begins with because the
    first has its own."""
    text, glue, following = _without_repeats(text, following)
    if glue is not None:
        return f"{text}{glue}{following}"
    longest = min(len(text), len(following), _MAX_OVERLAP_CHARS)
    for length in range(longest, _MIN_OVERLAP_CHARS - 1, -1):
        if text.endswith(following[:length]):
            return text + following[length:]
    # A line right below a list or a table would be a part of it.
    ends_block = may_go_on(text) and not may_go_on(following.partition("\n")[0])
    return f"{text}\n\n{following}" if ends_block else f"{text}\n{following}"


def _without_repeats(text: str, following: str) -> tuple[str, str | None, str]:
    """Returns both texts without what the second repeats of a block in the first, and what stands
    between them; None where they may overlap."""
    first, _, rest = following.partition("\n")
    before = text.rpartition("\n")
    if fence := REOPENED.fullmatch(first):
        if before[2].strip() != fence["marks"]:
            return text, None, following
        return before[0], "" if fence["inside"] else "\n", rest
    second, _, rows = rest.partition("\n")
    if is_rule(second):
        if f"{first}\n{second}" not in text or "|" not in before[2]:
            return text, None, following
        return (text, *_glued(rows))
    if first.endswith((":", "：")) and IN_LIST.match(rest) and first in text.split("\n"):
        return (text, *_glued(rest))
    if following.startswith(ITEM_GOES_ON):
        return (text, *_glued(following))
    return text, None, following


def _glued(rest: str) -> tuple[str, str]:
    for mark in (ITEM_GOES_ON, GOES_ON):
        if rest.startswith(mark):
            return " ", rest.removeprefix(mark)
    return "\n", rest


def _passage(chunk: Chunk, known: Mapping[str, Chunk], taken: set[str], reach: int) -> list[Chunk]:
    """Returns the chunk between its neighbours, in reading order."""
    passage = [chunk]
    for direction in (-1, 1):
        edge = chunk
        for step in range(1, reach + MAX_BLOCK_CHUNKS + 1):
            found = _beside(edge, direction, known)
            if found is None or found.id in taken:
                break
            if step > reach and (not reach or not _belong_together(edge, found, direction)):
                break
            passage.insert(0 if direction < 0 else len(passage), found)
            edge = found
    return passage


def _beside(chunk: Chunk, direction: int, known: Mapping[str, Chunk]) -> Chunk | None:
    """Returns the chunk before or after another one, where the passage may go on to it."""
    found = known.get(chunk_id(chunk.document_id, chunk.ordinal + direction))
    return found if found is not None and found.stands_with(chunk) else None


def _belong_together(edge: Chunk, found: Chunk, direction: int) -> bool:
    first, second = (found, edge) if direction < 0 else (edge, found)
    return goes_on(first.text, second.text)


def _with_torn_edges(text: str, passage: Sequence[Chunk], known: Mapping[str, Chunk]) -> str:
    """Returns the text of a passage, with a line where the block at an edge goes on outside."""
    for edge, direction in ((passage[0], -1), (passage[-1], 1)):
        beside = _beside(edge, direction, known)
        if beside is not None and _belong_together(edge, beside, direction):
            text = f"{TORN}\n{text}" if direction < 0 else f"{text}\n{TORN}"
    return text
