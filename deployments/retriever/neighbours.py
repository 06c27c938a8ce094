"""The chunks around those that were found, as far as a passage may go on to them."""

from collections.abc import Callable, Sequence

from deployments.contracts.documents import Chunk


def neighbours_of(
    chunks: Sequence[Chunk], reach: int, read: Callable[[str, int], Chunk | None]
) -> tuple[Chunk, ...]:
    """Returns the chunks up to `reach` places before and after others, without those themselves:
    walks from each both ways, as long as what comes next stands with it.

    Args:
        chunks: What was found.
        reach: Places to go; 0 for none.
        read: Returns the chunk of a document with an ordinal, None where there is none.
    """
    known = {(chunk.document_id, chunk.ordinal): chunk for chunk in chunks}
    around: dict[tuple[str, int], Chunk] = {}
    for chunk in chunks:
        for direction in (-1, 1):
            for step in range(1, reach + 1):
                place = chunk.document_id, chunk.ordinal + direction * step
                following = known.get(place) or around.get(place) or read(*place)
                if following is None or not following.stands_with(chunk):
                    break
                if place not in known:
                    around[place] = following
    return tuple(around.values())
