"""The list of documents: a collection with one row for each write of a document, until a later one
removes it."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any

from deployments.contracts.documents import DocumentRecord
from deployments.contracts.tenants import Access
from deployments.retriever.chroma.connection import no_vectors
from deployments.retriever.chroma.versions import Version, latest, parse_row_id, row_id
from deployments.retriever.tenancy.fields import (
    acl_of,
    joined,
    owner_fields,
    where_likely,
    where_tenant,
)

_ASKED_IDS = 500
"""Documents of one question."""

_KNOWN = frozenset(field.name for field in fields(DocumentRecord)) - {"acl"}
"""What the text of a row holds, as every version of the service reads it; who may read a document
is metadata."""


class DocumentRecords:
    """Reads and writes the rows.

    Args:
        open_collection: Returns Chroma's collection.
        guard: Runs a call of the library and turns what it raises into our errors.
    """

    def __init__(
        self,
        open_collection: Callable[[], Any],
        guard: Callable[[Callable[[], Any]], Any],
    ) -> None:
        self._open = open_collection
        self._guard = guard

    def versions(self, document_ids: Sequence[str]) -> list[Version]:
        """Returns all versions that there are of those documents, in no order."""
        versions: list[Version] = []
        for start in range(0, len(document_ids), _ASKED_IDS):
            ids = list(document_ids[start : start + _ASKED_IDS])
            versions += self._get(where={"document_id": {"$in": ids}})
            # What was written before writes had ids; a client may call a document like a row.
            old = self._get(ids=ids)
            versions += [version for version in old if not version.write_id]
        return versions

    def latest(self, document_ids: Sequence[str]) -> dict[str, Version]:
        """Returns the version that counts of each document that there is, or was: deletions
        included."""
        return latest(self.versions(document_ids))

    def there(self, document_ids: Sequence[str]) -> dict[str, Version]:
        """Returns the version that counts of each document that there is."""
        newest = self.latest(document_ids)
        return {name: version for name, version in newest.items() if not version.is_deletion}

    def page(self, *, after: int, limit: int, access: Access) -> tuple[list[Version], int | None]:
        """Returns the versions that count of up to `limit` documents within reach whose sequence is
        above `after`, in order of arrival, and the place after which the next page begins."""
        found: list[Version] = []
        following: int | None = after
        asked = where_likely(access)
        while following is not None and len(found) < limit:
            versions, following = self._page(following, limit, asked)
            in_reach = [version for version in versions if version.is_in_reach(access)]
            if len(in_reach) < len(versions):
                asked = where_tenant(access)
            found += in_reach
        if following is not None or len(found) > limit:
            found = found[:limit]
            # The place of what was passed over would tell when somebody else's came.
            following = found[-1].record.sequence
        return found, following

    def _page(
        self, after: int, limit: int, asked: Mapping[str, Any] | None
    ) -> tuple[list[Version], int | None]:
        """Returns a page of those documents that pass a filter, whoever may see them."""
        above: dict[str, object] = {"sequence": {"$gt": after}}
        rows = _ordered(self._get(where=joined(above, asked), limit=limit + 1))
        following = None
        if len(rows) > limit:
            # The store counts in order of writing, and one request's writes may overtake another's.
            following = rows[-1].record.sequence
            until = {"sequence": {"$lte": following}}
            rows = _ordered(self._get(where=joined(above, until, asked)))
        # One that was replaced since has its place on this page all the same.
        newest = latest(rows) | self.latest(sorted({version.record.id for version in rows}))
        counting = _ordered(
            [
                version
                for version in newest.values()
                if not version.is_deletion
                and version.record.sequence > after
                and (following is None or version.record.sequence <= following)
            ]
        )
        if len(counting) > limit:
            counting = counting[:limit]
            following = counting[-1].record.sequence
        return counting, following

    def count(self, access: Access) -> int:
        """Returns how many documents there are of all tenants, or of one; what its groups may not
        read counts too. One that is written at this moment may count twice."""
        asked = where_tenant(access)
        rows = (
            int(self._guard(lambda: self._open().count())) if asked is None else self._rows(asked)
        )
        return rows - self._rows(joined(asked, {"deleted": True}))

    def write(self, versions: Sequence[Version]) -> None:
        """Makes these the versions that count, where no later one does."""
        self._guard(
            lambda: self._open().upsert(
                ids=_row_ids(versions),
                embeddings=no_vectors(len(versions)),
                documents=[_text(version.record) for version in versions],
                metadatas=[_metadata(version) for version in versions],
            )
        )

    def mark_announced(self, versions: Sequence[Version]) -> None:
        """Says that every replica knows of these versions; those that are gone stay so."""
        marks = [{"announced": True} for _ in versions]
        self._guard(lambda: self._open().update(ids=_row_ids(versions), metadatas=marks))

    def remove(self, versions: Sequence[Version]) -> None:
        """Removes versions that count no more."""
        if versions:
            self._guard(lambda: self._open().delete(ids=_row_ids(versions)))

    def _rows(self, where: Mapping[str, Any] | None) -> int:
        found = self._guard(lambda: self._open().get(where=where, include=[]))
        return len(found["ids"])

    def _get(self, **asked: Any) -> list[Version]:
        found = self._guard(lambda: self._open().get(include=["documents", "metadatas"], **asked))
        rows = zip(found["ids"], found["documents"], found["metadatas"], strict=True)
        return [
            Version(
                _record(text, metadata),
                parse_row_id(row)[1] if "document_id" in metadata else "",
                is_deletion="deleted" in metadata,
                is_announced="announced" in metadata,
            )
            for row, text, metadata in rows
        ]


def _row_ids(versions: Sequence[Version]) -> list[str]:
    return [row_id(version.record.id, version.write_id) for version in versions]


def _text(record: DocumentRecord) -> str:
    return json.dumps({key: value for key, value in asdict(record).items() if key in _KNOWN})


def _record(text: str, metadata: Mapping[str, Any]) -> DocumentRecord:
    """Returns a record; what a later version of the service says of it besides is left out."""
    said = {key: value for key, value in json.loads(text).items() if key in _KNOWN}
    return DocumentRecord(**said, acl=acl_of(metadata))


def _metadata(version: Version) -> dict[str, object]:
    metadata: dict[str, object] = {"document_id": version.record.id}
    metadata |= owner_fields(version.record.id, version.record.acl)
    if version.is_deletion:
        # Without a sequence it is on no page.
        metadata["deleted"] = True
    else:
        metadata["sequence"] = version.record.sequence
    return metadata


def _ordered(versions: Iterable[Version]) -> list[Version]:
    return sorted(versions, key=lambda version: version.record.sequence)
