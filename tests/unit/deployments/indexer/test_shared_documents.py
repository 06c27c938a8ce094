"""Real files of every format: each is read, or reported by its name with a reason."""

import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from deployments.contracts.documents import Document, ReadFailure, Upload
from deployments.indexer.documents import read_documents

UNREADABLE = {
    "non_text_searchable.pdf": "scan",
    "doc_4": "without an extension",
}
"""Names of the files that give no document, and a word of the reason."""


def read_archive(archive: Path) -> Iterator[Upload]:
    if not archive.is_file():
        pytest.skip(f"no {archive.parent.name} among the sample files")
    with tarfile.open(archive) as members:
        for member in members:
            file = members.extractfile(member)
            if file is not None:
                yield Upload(member.name, file.read())


@pytest.fixture(scope="module")
def binary_outcomes(shared_data: Path) -> list[Document | ReadFailure]:
    uploads = list(read_archive(shared_data / "docs_binary/files.tar.gz"))
    outcomes = [outcome for upload in uploads for outcome in read_documents(upload)]
    assert [outcome.path for outcome in outcomes] == [upload.name for upload in uploads]
    return outcomes


def test_binary_documents_are_read_or_reported_by_name(
    binary_outcomes: list[Document | ReadFailure],
) -> None:
    failures: dict[str, str] = {}
    for outcome in binary_outcomes:
        if isinstance(outcome, ReadFailure):
            failures[Path(outcome.path).name] = outcome.message
        else:
            assert outcome.title
            assert any(part.text.strip() for part in outcome.parts)
    assert failures.keys() == UNREADABLE.keys()
    assert all(reason in failures[name] for name, reason in UNREADABLE.items())


def test_pages_of_paged_formats_are_numbered(
    binary_outcomes: list[Document | ReadFailure],
) -> None:
    for outcome in binary_outcomes:
        if isinstance(outcome, Document):
            is_paged = outcome.path.endswith((".pdf", ".pptx"))
            pages = [part.page for part in outcome.parts]
            assert all(pages) if is_paged else pages == [None] * len(pages)


def test_markdown_documents_have_their_heading_as_title(shared_data: Path) -> None:
    titles = {}
    for upload in read_archive(shared_data / "docs_fastapi/files.tar.gz"):
        (document,) = read_documents(upload)
        assert isinstance(document, Document), document
        titles[document.path] = document.title
    assert len(titles) == 155
    assert titles["docs/en/docs/tutorial/body.md"] == "Request Body"
    assert not any("{ #" in title for title in titles.values())


def test_compressed_records_are_documents_with_their_own_ids(shared_data: Path) -> None:
    file = shared_data / "medquad_faq/faq.jsonl.gz"
    if not file.is_file():
        pytest.skip("no medquad_faq among the sample files")
    ids = set()
    for document in read_documents(Upload(file.name, file.read_bytes())):
        assert isinstance(document, Document), document
        assert document.title.strip()
        ids.add(document.id)
    assert len(ids) == 16_373
