"""An index in files, as a follower and a keeper make one, without a store."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("tantivy", reason="the library of the lexical index is not installed")

from deployments.contracts.documents import Chunk, Scalar, chunk_id
from deployments.contracts.tenants import Acl
from deployments.retriever.disk import files as files_module
from deployments.retriever.disk.building import write_generation
from deployments.retriever.disk.folder import IndexFolder
from deployments.retriever.followed import followed_from
from deployments.retriever.index.chunk_index import ChunkIndex
from tests.doubles import vector_of


def chunks_of(
    document_id: str,
    texts: Sequence[str],
    *,
    acl: Acl = None,
    metadata: Mapping[str, Scalar] | None = None,
) -> list[Chunk]:
    return [
        Chunk(
            chunk_id(document_id, ordinal),
            document_id,
            ordinal,
            text,
            f"{document_id}.md",
            "",
            heading=f"part {ordinal}",
            page=ordinal or None,
            metadata=metadata or {},
            markup="plain" if ordinal == 1 else "markdown",
            acl=acl,
        )
        for ordinal, text in enumerate(texts)
    ]


class FiledIndex:
    """Documents that come and go, and are written to files now and then."""

    def __init__(self, root: Path, identity: str = "collection") -> None:
        self.folder = IndexFolder(root, identity)
        assert self.folder.try_lock()
        self.followed = followed_from(self.folder.load())
        self.followed.index.commit()
        self._marks = 0

    @property
    def index(self) -> ChunkIndex:
        return self.followed.index

    def write(
        self,
        document_id: str,
        texts: Sequence[str],
        *,
        acl: Acl = None,
        metadata: Mapping[str, Scalar] | None = None,
    ) -> None:
        """Has a document say this; nothing removes it."""
        self.index.remove([document_id])
        chunks = chunks_of(document_id, texts, acl=acl, metadata=metadata)
        if chunks:
            self.index.add(chunks, np.stack([vector_of(chunk.text) for chunk in chunks]))
        self._marks += 1
        self.followed.note(document_id, f"mark {self._marks}" if chunks else None)

    def commit(self) -> None:
        self.index.commit(self.followed.states.digests())

    def keep(self, seen: Mapping[str, int] | None = None) -> None:
        """Writes a generation, and goes on from it."""
        self.commit()
        self.followed.seen = dict(seen or {})
        manifest = write_generation(self.folder, self.followed.changes())
        generation = self.folder.load()
        assert generation is not None
        self.followed.rest_on(followed_from(generation))
        self.folder.clean(manifest)

    def close(self) -> None:
        self.folder.unlock()


Make = Callable[..., FiledIndex]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Opens the index of this test, as it is on the disk."""
    return lambda **wishes: FiledIndex(tmp_path / "index", **wishes)


@pytest.fixture(autouse=True)
def nothing_reaches_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test cuts the power."""
    monkeypatch.setattr(files_module, "flush", lambda _: None)
