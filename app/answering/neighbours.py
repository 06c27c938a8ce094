"""A source with what stands around it: a small chunk is found more exactly, a longer passage is
understood better.

Source: the parent-document and sentence-window retrievers of LangChain and LlamaIndex do the same.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from deployments.contracts.documents import Chunk, chunk_id
from deployments.contracts.fences import CONTINUED
from deployments.contracts.search import ScoredChunk

_MIN_OVERLAP_CHARS = 8
"""A shorter agreement of an end with a beginning is chance."""
_MAX_OVERLAP_CHARS = 1000
_REOPENED = re.compile(rf"\s*(?P<marks>`{{3,}}|~{{3,}})(?:[\w+#.-]+ )?{CONTINUED}")
_RULE = re.compile(r"[\s|:-]*-[\s|:-]*")
_ITEM = re.compile(r"\s*(?:[-*+]|\d{1,9}[.)])\s")


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
    """Returns two texts of one document as one; what the second repeats of the first stands there
    once: its end, and the fence, the header or the sentence that the second begins with because the
    first has its own."""
    text, following = _without_repeats(text, following)
    longest = min(len(text), len(following), _MAX_OVERLAP_CHARS)
    for length in range(longest, _MIN_OVERLAP_CHARS - 1, -1):
        if text.endswith(following[:length]):
            return text + following[length:]
    return f"{text}\n{following}"


def _without_repeats(text: str, following: str) -> tuple[str, str]:
    first, _, rest = following.partition("\n")
    before = text.rpartition("\n")
    if fence := _REOPENED.fullmatch(first):
        is_closed = before[2].strip() == fence["marks"]
        return (before[0], rest) if is_closed else (text, following)
    second, _, rows = rest.partition("\n")
    if "|" in second and _RULE.fullmatch(second):
        return (
            (text, rows) if f"{first}\n{second}" in text and "|" in before[2] else (text, following)
        )
    if first.endswith((":", "：")) and _ITEM.match(second) and first in text.split("\n"):
        return text, rest
    return text, following


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
