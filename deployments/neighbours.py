"""The chunks around those that were found, as far as a passage may go on to them."""

from collections.abc import Callable, Sequence

from deployments.contracts.documents import Chunk
from deployments.contracts.fences import goes_on, may_go_on, may_have_begun_before
from deployments.contracts.search import MAX_BLOCK_CHUNKS


def neighbours_of(
    chunks: Sequence[Chunk], reach: int, read: Callable[[str, int], Chunk | None]
) -> tuple[Chunk, ...]:
    """Returns the chunks up to `reach` places before and after others, without those themselves:
    walks from each both ways, as long as what comes next stands with it. Beyond `reach` it goes on
    as long as one block does, for some chunks at most, and one more, by which one sees that the
    block is longer.

    Args:
        chunks: What was found.
        reach: Places to go; 0 for none.
        read: Returns the chunk of a document with an ordinal, None where there is none.
    """
    known = {(chunk.document_id, chunk.ordinal): chunk for chunk in chunks}
    around: dict[tuple[str, int], Chunk] = {}
    for chunk in chunks:
        for direction in (-1, 1):
            edge = chunk
            for step in range(1, reach + MAX_BLOCK_CHUNKS + 2 if reach else 1):
                if step > reach and not _may_reach_beyond(edge, direction):
                    break
                place = chunk.document_id, chunk.ordinal + direction * step
                following = known.get(place) or around.get(place) or read(*place)
                if following is None or not following.stands_with(chunk):
                    break
                first, second = (edge, following) if direction > 0 else (following, edge)
                if step > reach and not goes_on(first.text, second.text):
                    break
                edge = following
                if place not in known:
                    around[place] = following
    return tuple(around.values())


def _may_reach_beyond(edge: Chunk, direction: int) -> bool:
    """Returns whether the block at the edge of a passage may go on, which is seen without reading
    what comes next."""
    return may_go_on(edge.text) if direction > 0 else may_have_begun_before(edge.text)
