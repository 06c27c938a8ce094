"""Chunks around others: as many as are asked for, and on to the end of a block."""

from deployments.contracts.documents import Chunk, chunk_id
from deployments.contracts.search import MAX_BLOCK_CHUNKS
from deployments.neighbours import neighbours_of


def chunk(ordinal: int, text: str = "prose", heading: str = "") -> Chunk:
    return Chunk(chunk_id("a", ordinal), "a", ordinal, text, "a.md", "", heading)


CODE = [
    chunk(0),
    chunk(1, "```sh\none\n```"),
    *(chunk(n, f"```sh continued\nline {n}\n```") for n in range(2, 20)),
    chunk(20),
]


def around(place: int, chunks: list[Chunk], *, reach: int = 1) -> tuple[list[int], list[int]]:
    read: list[int] = []

    def read_one(document_id: str, ordinal: int) -> Chunk | None:
        read.append(ordinal)
        return chunks[ordinal] if 0 <= ordinal < len(chunks) else None

    found = neighbours_of([chunks[place]], reach, read_one)
    return sorted(one.ordinal for one in found), read


def test_prose_has_as_many_neighbours_as_are_asked_for() -> None:
    prose = [chunk(n) for n in range(9)]
    assert around(4, prose) == ([3, 5], [3, 5])
    assert around(4, prose, reach=2)[0] == [2, 3, 5, 6]
    assert around(4, prose, reach=0) == ([], [])


def test_code_is_followed_to_its_ends() -> None:
    assert around(3, CODE[:6])[0] == [1, 2, 4, 5]


def test_code_without_end_is_followed_so_far() -> None:
    found, _ = around(1, CODE)
    assert found == [0, *range(2, 2 + 1 + MAX_BLOCK_CHUNKS + 1)]


def test_another_section_ends_a_passage() -> None:
    parts = [chunk(0, heading="One"), chunk(1, heading="Two"), chunk(2, heading="Three")]
    assert around(1, parts)[0] == []
