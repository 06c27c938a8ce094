"""Measures data sets: opens what is measured, puts the documents in, studies it."""

import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from benchmarks.load.output import progress
from benchmarks.quality.datasets import CorpusDocument
from benchmarks.quality.ingest import DATASET_KEY, index_documents, to_document
from benchmarks.quality.over_http import OverHttp
from benchmarks.quality.subject import Subject
from benchmarks.quality.way import Way
from deployments.contracts.documents import Document

if TYPE_CHECKING:
    from benchmarks.quality.in_process import InProcess
    from benchmarks.quality.local_stages import LocalApplications

Corpora = Mapping[str, Sequence[CorpusDocument | Document]]
"""The documents, by data set."""

Study = Callable[[Subject, str], Awaitable[dict[str, Any]]]
"""Returns the figures of a data set, by its name."""


async def measure(
    way: Way, corpora: Corpora, study: Study, *, answers: bool
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Returns the figures by data set, and the settings that they were measured with.

    Raises:
        NotMeasured: there is no figure.
    """
    results: dict[str, Any] = {}
    settings: dict[str, Any] = {}
    with _Opener(way, answers=answers) as opener:
        for dataset, corpus in corpora.items():
            async with opener.open(dataset) as subject:
                indexed = await index_documents(subject, dataset, corpus)
                results[dataset] = indexed.to_json() | await study(subject, dataset)
                settings = subject.describe()
                if way.clean and isinstance(subject, OverHttp):
                    failed = {path for path, _ in indexed.failures}
                    sent = (to_document(dataset, record) for record in corpus)
                    await _remove(subject, dataset, [one for one in sent if one.path not in failed])
    return results, settings


async def _remove(subject: OverHttp, dataset: str, corpus: Sequence[Document]) -> None:
    with progress(len(corpus), f"{dataset}: taking out") as steps:
        for document in corpus:
            await subject.remove(document.id)
            steps.done()


class _Opener:
    """Opens what is measured for one data set after the other; as a context it removes in the end
    what nobody asked to keep."""

    def __init__(self, way: Way, *, answers: bool) -> None:
        self._way = way
        self._answers = answers
        self._applications: LocalApplications | None = None
        self._folder = TemporaryDirectory(prefix="ragserve-quality-", ignore_cleanup_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._folder.cleanup()

    def open(self, dataset: str) -> "InProcess | OverHttp":
        """Returns what is measured, not entered yet."""
        way = self._way
        if way.http is not None:
            key = os.environ.get("RAGSERVE_ADMIN_KEY", "")
            where = None if way.no_filter else {DATASET_KEY: dataset}
            return OverHttp(way.http, where=where, admin_key=key, release=way.release)
        # Whoever asks a service needs neither Ray nor the models.
        from benchmarks.quality.in_process import InProcess
        from benchmarks.quality.local_stages import LocalApplications

        self._applications = self._applications or LocalApplications()
        index = (way.index or Path(self._folder.name)) / f"{dataset}-{way.chunking}"
        index.mkdir(parents=True, exist_ok=True)
        return InProcess(way.deployed, index, self._applications, answers=self._answers)
