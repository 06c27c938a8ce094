"""Puts the documents of a data set into what is measured."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.load.output import progress
from benchmarks.quality.datasets import CorpusDocument
from benchmarks.quality.in_flight import each
from benchmarks.quality.subject import NotMeasured, Subject, whole
from deployments.contracts.documents import Document, IngestOutcome, Part
from deployments.indexer.cleaning import clean_text, document_id

DATASET_KEY = "dataset"
"""Metadata of every document: which data set it is from."""
_MAX_TITLE_CHARS = 512
"""What the service takes; a longer one becomes part of the text."""
_BATCH_DOCUMENTS = 64
_BATCH_CHARS = 128_000
_AT_ONCE = 3


@dataclass(frozen=True, slots=True)
class Indexed:
    """What became of the documents; `failures` are pairs of path and reason."""

    documents: int
    chunks: int
    written: int
    failures: tuple[tuple[str, str], ...]

    def to_json(self) -> dict[str, Any]:
        """Returns it for a result."""
        return {
            "documents": self.documents,
            "chunks": self.chunks,
            "not_indexed": dict(self.failures),
        }


def path_of(dataset: str, corpus_id: str) -> str:
    """Returns the path under which the index knows a document."""
    return f"{dataset}/{corpus_id}"


def id_of(dataset: str, corpus_id: str) -> str:
    """Returns the id of a document in the index: data sets may use the same ids."""
    return document_id(path_of(dataset, corpus_id))


async def index_documents(
    subject: Subject, dataset: str, corpus: Sequence[CorpusDocument | Document]
) -> Indexed:
    """Writes the documents, those that the index knows already at no cost; one that was read
    already is taken as it is.

    Raises:
        NotMeasured: none of them could be indexed.
    """
    batches = list(_batches([to_document(dataset, record) for record in corpus]))
    with progress(len(batches), f"{dataset}: indexing") as steps:
        written = await each(
            batches,
            lambda batch: whole(lambda: subject.add(batch)),
            at_once=_AT_ONCE,
            on_done=steps.done,
        )
    outcomes = [outcome for outcomes in written for outcome in outcomes]
    failures = tuple((one.path, one.message) for one in outcomes if one.status == "failed")
    if len(failures) == len(outcomes):
        reason = failures[0][1] if failures else "there are none"
        raise NotMeasured(f"No document of {dataset} could be indexed: {reason}")
    return Indexed(
        documents=len(outcomes) - len(failures),
        chunks=sum(one.chunk_count for one in outcomes),
        written=sum(_is_written(one) for one in outcomes),
        failures=failures,
    )


def to_document(dataset: str, record: CorpusDocument | Document) -> Document:
    """Returns a document as the service makes it of what it is sent."""
    if isinstance(record, Document):
        return record
    title, text = record.title, record.text
    if not text.strip() or len(title) > _MAX_TITLE_CHARS:
        title, text = "", f"{title} {text}".strip()
    return Document(
        id_of(dataset, record.id),
        path_of(dataset, record.id),
        clean_text(title),
        (Part(clean_text(text)),),
        {DATASET_KEY: dataset},
    )


def _batches(documents: Sequence[Document]) -> Iterator[list[Document]]:
    batch: list[Document] = []
    chars = 0
    for document in documents:
        batch.append(document)
        chars += sum(len(part.text) for part in document.parts)
        if len(batch) == _BATCH_DOCUMENTS or chars >= _BATCH_CHARS:
            yield batch
            batch, chars = [], 0
    if batch:
        yield batch


def _is_written(outcome: IngestOutcome) -> bool:
    return outcome.status in ("added", "updated")
