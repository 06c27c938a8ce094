"""The ways in which a question is put to the index, and that none of them can fail it."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import pytest

from app.answering.query_expansion import formulate
from app.answering.question import Question
from app.answering.search import search
from app.releases.attempt import Attempt
from app.releases.releases import Releases
from app.releases.route import Route
from app.request.attempt import AttemptRecord
from app.request.scope import RequestScope
from app.settings.live.gateway import GatewayLive
from app.settings.live.release import FilterField, Release
from deployments.contracts.calls import CallContext
from deployments.contracts.documents import Chunk, DocumentRecord, IndexedDocument
from deployments.contracts.errors import InvalidRequest, Overloaded, RagError
from deployments.contracts.generation import Events, Generation, GenerationRequest
from deployments.contracts.search import Embedded, InputType
from tests.doubles import DoubleDirectory, HashEmbedder, vector_of
from tests.generator_doubles import ExtractiveGenerator

YEAR = {"year": FilterField(kind="integer", description="Year of the document.")}
ALL = {"extra_queries": 2, "hypothetical_passage": True, "filter_fields": YEAR}


class Writer(ExtractiveGenerator):
    """A language model with an answer for every prompt."""

    def __init__(self, **answers: str | RagError) -> None:
        super().__init__()
        self.answers = answers
        self.requests: dict[str, GenerationRequest] = {}
        self.timeouts_s: dict[str, float] = {}
        self.at_once = 0
        self.most_at_once = 0

    async def describe(self, *, call: CallContext) -> dict[str, object]:
        return {"language_model": True}

    async def stream(
        self, request: GenerationRequest, *, call: CallContext, begin_timeout_s: float
    ) -> Events:
        step = request.prompt.removesuffix("-v1")
        self.requests[step] = request
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(0)
        self.at_once -= 1
        answer = self.answers[step]
        if isinstance(answer, RagError):
            raise answer
        self.timeouts_s[step] = call.timeout_s
        yield (Generation(answer, (), False, "stop", 10, 5, "writer"),)


class WatchedEmbedder(HashEmbedder):
    """Remembers its calls."""

    def __init__(self) -> None:
        super().__init__()
        self.embedded: list[list[str]] = []

    async def embed(
        self,
        texts: Sequence[str],
        *,
        input_type: InputType,
        with_tokens: bool = False,
        call: CallContext,
    ) -> Embedded:
        self.embedded.append(list(texts))
        return await super().embed(texts, input_type=input_type, call=call)


class Service:
    """A service with a language model."""

    def __init__(self, generator: ExtractiveGenerator, **parameters: Any) -> None:
        self.stages = DoubleDirectory()
        self.stages.generation = generator
        self.embedder = WatchedEmbedder()
        self.stages.embedder = self.embedder
        self.record = AttemptRecord()
        self.live = GatewayLive(
            releases={
                "one": Release(retrieval="r", generator=("g",), rerank=False, **parameters),
            },
            traffic={"one": 1.0},
        )
        for year, (name, text) in enumerate({"a": "red tower", "b": "blue bread"}.items(), 2020):
            record = DocumentRecord(name, f"{name}.md", "", text, 1, "2026", year)
            chunk = Chunk(f"{name}-00000", name, 0, text, record.path, "", metadata={"year": year})
            self.stages.retriever.written[name] = IndexedDocument(
                record, (chunk,), vector_of(text)[None, :]
            )

    def route(self) -> Route:
        return Releases(self.stages, lambda: self.live).route("one")

    def scope(self) -> RequestScope:
        return RequestScope("request", 30.0, "one", now=lambda: 0.0)

    def attempt(self) -> Attempt:
        return Attempt(self.route(), self.scope(), self.record)

    async def queries(self, text: str = "tower?", *others: str) -> tuple[str, ...]:
        question = Question(text, queries=others)
        return (await formulate(question, self.attempt())).queries

    async def find(self, text: str, **wishes: Any) -> list[str]:
        hits = await search(Question(text, **wishes), self.attempt())
        return [hit.chunk.document_id for hit in hits]


def taken_apart(query: str, year: int) -> str:
    conditions = [{"field": "year", "operator": "equal", "value": year}]
    return json.dumps({"query": query, "conditions": conditions})


async def test_by_default_no_model_is_asked() -> None:
    service = Service(Writer())
    assert await service.queries("tower?", "other", "tower?") == ("tower?", "other")
    assert service.record.times == {}


async def test_what_the_model_writes_is_searched_for_as_well() -> None:
    writer = Writer(
        queries='["high building", "tower?", "third"]',
        passage="The tower is high.\n",
        filter=taken_apart("tower", 2020),
    )
    service = Service(writer, **ALL)
    assert await service.queries("tower?", "mine") == (
        *("tower", "tower?", "mine", "high building"),
        "The tower is high.",
    )
    assert writer.most_at_once == 3
    assert list(service.record.times) == ["queries", "passage", "filter"]
    assert service.record.model_steps.keys() == {"queries", "passage", "filter"}


async def test_formulations_are_one_call_of_the_embedder_and_all_are_searched_for() -> None:
    service = Service(Writer(queries='["blue bread"]'), extra_queries=1, top_n=2)
    assert sorted(await service.find("red tower")) == ["a", "b"]
    assert service.embedder.embedded == [["red tower", "blue bread"]]


async def test_a_filter_in_words_filters() -> None:
    service = Service(Writer(filter=taken_apart("bread", 2020)), filter_fields=YEAR)
    assert await service.find("bread from 2020") == ["a"]
    assert service.record.degraded == []


async def test_it_holds_beside_the_clients_filter() -> None:
    service = Service(Writer(filter=taken_apart("bread", 2020)), filter_fields=YEAR)
    question = Question("bread", where={"path": "a.md"})
    asked = await formulate(question, service.attempt())
    assert asked.where == {"$and": [{"path": "a.md"}, {"year": 2020}]}
    assert asked.given_where == {"path": "a.md"}


async def test_a_filter_that_nothing_fulfils_is_dropped() -> None:
    service = Service(Writer(filter=taken_apart("bread", 1999)), filter_fields=YEAR)
    assert sorted(await service.find("bread from 1999")) == ["a", "b"]
    assert service.record.degraded == ["filter"]


@pytest.mark.parametrize(
    "failure", [Overloaded("Full.", "generator", 1.0), InvalidRequest("No schemas here.")]
)
async def test_a_model_that_fails_never_fails_the_request(failure: RagError) -> None:
    service = Service(Writer(queries=failure, passage=failure, filter=failure), **ALL)
    assert await service.find("red tower") == ["a", "b"]
    assert sorted(service.record.degraded) == ["filter", "passage", "queries"]


@pytest.mark.parametrize(
    ("step", "answer"),
    [
        ("queries", "no JSON"),
        ("queries", '{"a": 1}'),
        ("queries", "[1, null, '']"),
        ("queries", '["", "!?"]'),
        ("passage", "  \n"),
        ("filter", '{"query": "x"}'),
    ],
)
async def test_what_cannot_be_used_is_left_out(step: str, answer: str) -> None:
    answers: dict[str, Any] = {"queries": "[]", "passage": "", "filter": "{}", step: answer}
    service = Service(Writer(**answers), **ALL)
    assert await service.queries("red tower") == ("red tower",)


async def test_a_generator_that_is_no_language_model_is_not_asked() -> None:
    service = Service(ExtractiveGenerator(), **ALL)
    assert await service.queries("red tower") == ("red tower",)
    assert service.record.degraded == []


async def test_the_model_gets_half_of_the_time_a_schema_and_the_fields() -> None:
    writer = Writer(queries="[]", passage="", filter="{}")
    await Service(writer, **ALL).queries("tower?")
    asked = writer.requests["queries"].sampling.output_format.json_schema
    assert asked is not None
    assert asked["maxItems"] == 2
    told = writer.requests["filter"].messages
    assert "year (integer)" in told[0].content
    assert told[-1].content == "tower?"
    assert writer.requests["passage"].sampling.max_tokens
    assert writer.timeouts_s["passage"] == pytest.approx(15.0, abs=0.1)
