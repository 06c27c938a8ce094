"""The product's own path in this process: its stages, its search, its story of an answer."""

import itertools
import logging
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from app.answering.pipeline import answer_from_documents
from app.answering.question import Question
from app.answering.search import search
from app.builder import build_generator, build_retrieval
from app.releases.attempt import attempt_of
from app.releases.releases import Releases
from app.releases.route import RetrievalStages, Route
from app.request.attempt import AttemptRecord
from app.request.scope import RequestScope
from app.settings.retrieval import RetrievalArgs
from benchmarks.quality.deployed import Deployed, with_changes
from benchmarks.quality.local_stages import LocalApplications
from benchmarks.quality.subject import Answered, Asked, NotMeasured, NotNow, Searched
from deployments.contracts.calls import CallContext
from deployments.contracts.documents import Document, IngestOutcome
from deployments.contracts.errors import DeadlineExceeded, Overloaded, RagError, Unavailable
from deployments.contracts.generation import Events, Generation, GenerationRequest, collect
from deployments.contracts.search import ScoredChunk
from deployments.generator.config import GeneratorArgs

_REQUEST_S = 120.0
_INGEST_S = 3600.0


class InProcess:
    """A release of a config file, over an embedded index. See `Subject`.

    Args:
        deployed: The release; the store that it names is left alone.
        index: Folder of the index.
        applications: Builds the stages.
        answers: Whether it is asked for answers, which takes its generators.
    """

    def __init__(
        self, deployed: Deployed, index: Path, applications: LocalApplications, *, answers: bool
    ) -> None:
        store = {
            **{key: value for key, value in deployed.retrieval["store"].items() if key != "url"},
            "path": str(index.resolve()),
        }
        self._args = with_changes(deployed.retrieval, {"store": store})
        self._deployed = deployed
        self._applications = applications
        self._answers = answers
        self._count = itertools.count()
        self._route: Route | None = None

    async def __aenter__(self) -> Self:
        # What a start says between progress bars, nobody can read.
        logging.getLogger("ray.serve").setLevel(logging.WARNING)
        generators = {}
        try:
            built = await self._applications.build(build_retrieval(self._args))
            # An embedded store that is opened by several at once breaks.
            await built["Retriever"].describe(call=self._scope().call())
            for name, args in self._deployed.generators.items() if self._answers else ():
                generators[name] = await self._applications.build(build_generator(dict(args)))
        except RagError as error:
            raise NotMeasured(str(error)) from error
        stages = RetrievalStages(
            built["Embedder"], built["Retriever"], built["Reranker"], built["Indexer"]
        )
        directory = _Directory(
            stages, {name: made["Generator"] for name, made in generators.items()}
        )
        releases = Releases(directory, lambda: self._deployed.live)
        self._route = releases.route(self._deployed.name)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._route = None

    def describe(self) -> dict[str, Any]:
        """See `Subject.describe`."""
        return {
            "release": self._deployed.name,
            "parameters": self._deployed.release.model_dump(mode="json"),
            "retrieval": RetrievalArgs.model_validate(self._args).model_dump(
                mode="json", exclude={"store"}
            ),
            "generators": {
                name: GeneratorArgs.model_validate(args).model_dump(mode="json")
                for name, args in self._deployed.generators.items()
            },
        }

    async def add(self, documents: Sequence[Document]) -> list[IngestOutcome]:
        """See `Subject.add`."""
        call = CallContext("quality", _INGEST_S)
        try:
            return await self._open().retrieval.indexer.ingest(documents, (), call=call)
        except RagError as error:
            raise _translated(error) from error

    async def search(self, asked: Asked) -> Searched:
        """See `Subject.search`."""
        question = Question(
            asked.text,
            top_k=asked.top_k,
            top_n=asked.top_n,
            rerank=asked.rerank,
            mode=asked.mode,
        )
        attempt = attempt_of(self._open(), self._scope())
        started_s = time.perf_counter()
        try:
            hits = await search(question, attempt)
        except RagError as error:
            raise _translated(error) from error
        total_ms = (time.perf_counter() - started_s) * 1e3
        _check_whole(attempt.record)
        stage_ms = {name: spent.total_ms for name, spent in attempt.record.times.items()}
        return Searched(tuple(hit.chunk.path for hit in hits), total_ms, stage_ms)

    async def answer(self, question: str) -> Answered:
        """See `Subject.answer`."""
        attempt = attempt_of(self._open(), self._scope())
        try:
            begun = await answer_from_documents(Question(question), attempt, timeout_s=_REQUEST_S)
            written = await collect(begun.events)
        except RagError as error:
            raise _translated(error) from error
        _check_whole(attempt.record)
        return Answered(
            text=written.text,
            grounded=written.grounded,
            cited=_cited(written, begun.sources),
            answerability=written.answerability,
            signals=_signals(begun.sources[0]) if begun.sources else {},
        )

    def _open(self) -> Route:
        assert self._route is not None, "a subject is used inside `async with`"
        return self._route

    def _scope(self) -> RequestScope:
        request_id = f"quality-{next(self._count)}"
        return RequestScope(request_id, time.monotonic() + _REQUEST_S, self._deployed.name)


class _Directory:
    """Finds the stages that were built. See `app.releases.Directory`."""

    def __init__(self, stages: RetrievalStages, generators: dict[str, Any]) -> None:
        self._stages = stages
        self._generators = generators

    def retrieval(self, application: str) -> RetrievalStages:
        return self._stages

    def generator(self, application: str) -> "_Generator":
        return _Generator(self._generators.get(application))


class _Generator:
    """A generator that was built, as the gateway sees one: it has all the time of its call."""

    def __init__(self, built: Any) -> None:
        self._built = built

    async def describe(self, *, call: CallContext) -> dict[str, object]:
        facts: dict[str, object] = await self._built.describe(call=call)
        return facts

    async def description(self, *, call: CallContext) -> dict[str, object]:
        return await self.describe(call=call)

    def stream(
        self, request: GenerationRequest, *, call: CallContext, begin_timeout_s: float
    ) -> Events:
        events: Events = self._built.stream(request, call=call)
        return events


def _check_whole(record: AttemptRecord) -> None:
    if record.degraded:
        raise NotNow(f"An answer did without: {', '.join(record.degraded)}.")


def _cited(written: Generation, sources: Sequence[ScoredChunk]) -> tuple[str, ...]:
    named = dict.fromkeys(citation.source for citation in written.citations)
    return tuple(
        sources[source - 1].chunk.passage() for source in named if 0 < source <= len(sources)
    )


def _signals(best: ScoredChunk) -> dict[str, float]:
    known = {name: value for name, value in asdict(best.signals).items() if value is not None}
    return {"score": best.score, **known}


def _translated(error: RagError) -> Exception:
    if isinstance(error, Overloaded | Unavailable | DeadlineExceeded):
        return NotNow(str(error))
    return NotMeasured(str(error))
