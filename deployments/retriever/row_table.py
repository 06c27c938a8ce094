"""The rows of an index while it changes, by number and by the chunk's id."""

from collections.abc import Iterable

from deployments.contracts.documents import Chunk
from deployments.retriever.row import Row, row_of
from deployments.retriever.rows import BLOCK_NUMBERS, Rows


class RowTable:
    """Gives every chunk that is added a number of its own. One thread at a time may change it;
    others may ask meanwhile.

    A snapshot shares all blocks of rows with the table, and whoever changes a block changes a copy:
    a commit of one document among 100,000 copies no more than that.
    """

    def __init__(self) -> None:
        self._blocks: dict[int, dict[int, Row]] = {}
        self._own: set[int] = set()
        self._numbers: dict[str, dict[str, int]] = {}
        self._last: Row | None = None
        self._next = 0

    def add(self, chunk: Chunk) -> tuple[int, int | None]:
        """Returns the chunk's number, and the one that it had until now, if it was known."""
        numbers = self._numbers.setdefault(chunk.document_id, {})
        former = numbers.get(chunk.id)
        number, self._next = self._next, self._next + 1
        self._last = self._block(number)[number] = row_of(chunk, self._last)
        numbers[chunk.id] = number
        if former is not None:
            self._drop(former)
        return number, former

    def remove(self, document_ids: Iterable[str]) -> list[int]:
        """Forgets all chunks of those documents that are known, and returns their numbers."""
        gone = [
            number
            for document_id in document_ids
            for number in self._numbers.pop(document_id, {}).values()
        ]
        for number in gone:
            self._drop(number)
        return gone

    def find(self, chunk_ids: Iterable[str]) -> dict[str, Row]:
        """Returns the rows of those chunks that are known."""
        found: dict[str, Row] = {}
        for chunk_id in chunk_ids:
            # What an id looks like is said in the contracts: the document's, and a number.
            numbers = self._numbers.get(chunk_id.rpartition("-")[0], {})
            number = numbers.get(chunk_id, -1)
            row = self._blocks.get(number // BLOCK_NUMBERS, {}).get(number)
            if row is not None:
                found[chunk_id] = row
        return found

    def snapshot(self) -> Rows:
        """Returns the rows as they are, by number."""
        self._own.clear()
        return Rows(self._blocks.copy())

    def _drop(self, number: int) -> None:
        block = self._block(number)
        del block[number]
        if not block:
            del self._blocks[number // BLOCK_NUMBERS]

    def _block(self, number: int) -> dict[int, Row]:
        """Returns the block of a number, which no snapshot shares."""
        place = number // BLOCK_NUMBERS
        if place not in self._own or place not in self._blocks:
            self._blocks[place] = self._blocks.get(place, {}).copy()
            self._own.add(place)
        return self._blocks[place]
