"""Which version of each document an index holds."""

from collections.abc import Iterator, Mapping

from deployments.retriever.disk.base import Base


class Held:
    """The marks of versions: those of a generation, and over them what changed since. One thread at
    a time may change it.

    Args:
        base: The rows of the generation, all of which count; None for none.
    """

    def __init__(self, base: Base | None = None) -> None:
        self._base = base
        self._changed: dict[str, str | None] = {}

    def get(self, document_id: str) -> str | None:
        """Returns the mark of a document, None where it is not held."""
        if document_id in self._changed:
            return self._changed[document_id]
        return None if self._base is None else self._base.mark(document_id)

    def set(self, document_id: str, mark: str | None) -> None:
        """Notes the mark of a document; None for one that is held no more."""
        if mark is None and self._base is None:
            self._changed.pop(document_id, None)
        else:
            self._changed[document_id] = mark

    def changed(self) -> Mapping[str, str | None]:
        """Returns the marks that differ from those of the generation, or may."""
        return self._changed

    def items(self) -> Iterator[tuple[str, str]]:
        """Yields the ids and marks of all documents that are held."""
        for document_id, mark in self._changed.items():
            if mark is not None:
                yield document_id, mark
        if self._base is not None:
            for document_id, mark in self._base.documents():
                if document_id not in self._changed:
                    yield document_id, mark
