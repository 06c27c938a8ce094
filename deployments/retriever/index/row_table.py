"""The rows of an index while it changes, by number and by the chunk's id."""

from collections.abc import Iterable

from deployments.contracts.documents import Chunk
from deployments.retriever.disk.base import Base
from deployments.retriever.index.row import Row, row_of
from deployments.retriever.index.rows import BLOCK_NUMBERS, Rows
from deployments.retriever.tenancy.partitions import PartitionTable


class RowTable:
    """Gives every chunk that is added a number of its own. One thread at a time may change it;
    others may ask meanwhile.

    A snapshot shares all blocks of rows with the table, and whoever changes a block changes a copy:
    a commit of one document among 100,000 copies no more than that.

    Args:
        first_number: The number of the first chunk.
    """

    def __init__(self, first_number: int = 0) -> None:
        self._blocks: dict[int, dict[int, Row]] = {}
        self._own: set[int] = set()
        self._documents: dict[str, dict[int, int]] = {}
        self._own_documents: set[str] = set()
        self._partitions = PartitionTable()
        self._last: Row | None = None
        self._first = self._next = first_number

    @property
    def given(self) -> int:
        """How many numbers were given."""
        return self._next - self._first

    def add(self, chunk: Chunk) -> tuple[int, int | None]:
        """Returns the chunk's number, and the one that it had until now, if it was known."""
        numbers = self._ordinals(chunk.document_id)
        former = numbers.get(chunk.ordinal)
        number, self._next = self._next, self._next + 1
        self._last = self._block(number)[number] = row_of(chunk, self._last)
        self._partitions.add(number, self._last)
        numbers[chunk.ordinal] = number
        if former is not None:
            self._drop(former)
        return number, former

    def remove(self, document_ids: Iterable[str]) -> list[int]:
        """Forgets all chunks of those documents that are known, and returns their numbers."""
        gone = [
            number
            for document_id in document_ids
            for number in self._documents.pop(document_id, {}).values()
        ]
        for number in gone:
            self._drop(number)
        return gone

    def snapshot(self, base: Base | None = None) -> Rows:
        """Returns the rows as they are, by number.

        Args:
            base: Rows of other documents, under numbers below.
        """
        self._own.clear()
        self._own_documents.clear()
        partitions = self._partitions.snapshot()
        return Rows(self._blocks.copy(), self._documents.copy(), partitions, base)

    def _drop(self, number: int) -> None:
        block = self._block(number)
        self._partitions.remove(number, block.pop(number))
        if not block:
            del self._blocks[number // BLOCK_NUMBERS]

    def _ordinals(self, document_id: str) -> dict[int, int]:
        """Returns the numbers of a document's rows by ordinal, which no snapshot shares."""
        if document_id not in self._own_documents or document_id not in self._documents:
            self._documents[document_id] = self._documents.get(document_id, {}).copy()
            self._own_documents.add(document_id)
        return self._documents[document_id]

    def _block(self, number: int) -> dict[int, Row]:
        """Returns the block of a number, which no snapshot shares."""
        place = number // BLOCK_NUMBERS
        if place not in self._own or place not in self._blocks:
            self._blocks[place] = self._blocks.get(place, {}).copy()
            self._own.add(place)
        return self._blocks[place]
