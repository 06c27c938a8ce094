"""The traces that are written, and what they say."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan

from app.request.attempt import StageTime
from app.request.trace_context import TraceContext
from app.settings.live.gateway import GatewayLive
from app.settings.live.prices import Prices, PriceTable
from app.settings.live.recording import Recording
from app.settings.live.release import Release
from app.telemetry.requests import FinishedRequest
from app.telemetry.traces.recorder import TraceRecorder
from deployments.contracts.erasure import user_mark
from deployments.contracts.errors import ConfigError
from deployments.contracts.generation import Message
from deployments.contracts.tools import ToolCall
from deployments.tracing.counters import TraceCounters
from tests.unit.app.telemetry.requests import MS, STARTED_NS, finished, written

SALT = b"0123456789abcdef"
SPANS = 7
SECRET = "write to bob.smith@example.com"


class KeptSpans:
    """The end of a provider that keeps spans in a list."""

    resource = Resource.create({"service.name": "tests"})

    def __init__(self) -> None:
        self.spans: list[ReadableSpan] = []
        self.closed = False

    def keep(self, spans: Sequence[ReadableSpan]) -> None:
        self.spans.extend(spans)

    def shutdown(self, timeout_s: float) -> None:
        self.closed = True


class Recorded:
    """A recorder, and what it has written once it is closed."""

    def __init__(self, *, salt: bytes = SALT, join_client_span: bool = False) -> None:
        self.kept = KeptSpans()
        self.counters = TraceCounters()
        self.recorder = TraceRecorder(
            self.kept,  # type: ignore[arg-type]
            self.counters,
            salt=salt,
            join_client_span=join_client_span,
        )

    def use(self, prices: PriceTable | None = None, **recording: Any) -> None:
        self.recorder.use(
            GatewayLive(
                releases={"one": Release(retrieval="r", generator=("g",))},
                traffic={"one": 1.0},
                recording=Recording(**recording),
                prices=prices or PriceTable(),
            )
        )

    def of(self, *requests: FinishedRequest) -> dict[str, Mapping[str, Any]]:
        """Returns the attributes of the spans by name."""
        for request in requests:
            self.recorder.take(request)
        self.recorder.close(5.0)
        return {span.name: span.attributes or {} for span in self.kept.spans}


@pytest.fixture
def recorded() -> Iterator[Recorded]:
    one = Recorded()
    one.use(content="full")
    yield one
    one.recorder.close(1.0)


def test_a_request_has_a_span_for_every_stage_and_step(recorded: Recorded) -> None:
    recorded.of(finished())
    spans = {span.name: span for span in recorded.kept.spans}
    parents = {
        name: next(
            (
                other.name
                for other in spans.values()
                if span.parent and other.context and other.context.span_id == span.parent.span_id
            ),
            None,
        )
        for name, span in spans.items()
    }
    assert parents == {
        "POST /v1/query": None,
        "embedder": "POST /v1/query",
        "retriever": "POST /v1/query",
        "dense": "retriever",
        "reranker": "POST /v1/query",
        "generator": "POST /v1/query",
        "prompt": "generator",
    }
    assert len({span.context.span_id for span in recorded.kept.spans if span.context}) == 7
    root, dense = spans["POST /v1/query"], spans["dense"]
    assert (root.start_time, root.end_time) == (STARTED_NS, STARTED_NS + 125 * MS)
    assert root.context
    assert root.context.trace_id == finished().trace.trace_id
    # 20 ms of which 16 at the replica: 2 ms on the way, 1 ms until the search began.
    assert dense.start_time == STARTED_NS + 13 * MS
    assert recorded.kept.closed


def test_the_page_of_a_trace_finds_question_answer_documents_tokens(recorded: Recorded) -> None:
    found = recorded.of(finished())
    root, generator = found["POST /v1/query"], found["generator"]
    assert root["mlflow.spanInputs"] == {"question": "What happens when a queue is full?"}
    assert root["mlflow.spanOutputs"] == {"answer": "It is refused. [1]"}
    assert root["mlflow.traceTag.ragserve.release"] == "one"
    assert generator["gen_ai.usage.input_tokens"] == 600
    assert generator["gen_ai.usage.output_tokens"] == 5
    assert generator["gen_ai.input.messages"][0]["parts"][0]["content"].startswith("What happens")
    documents = found["retriever"]["mlflow.spanOutputs"]
    assert [one["page_content"] for one in documents] == ["text of a", "text of b"]
    assert documents[0]["metadata"]["doc_uri"] == "docs/a.md"
    assert found["embedder"]["ragserve.batch_size"] == 3


def test_cost_is_that_of_the_price_table_with_its_version() -> None:
    recorded = Recorded()
    price = Prices(
        prompt_usd_per_million_tokens=2.0,
        cached_usd_per_million_tokens=0.5,
        completion_usd_per_million_tokens=10.0,
    )
    recorded.use(PriceTable(version="2026-11", models={"extractive": price}), content="full")
    generator = recorded.of(finished())["generator"]
    # 500 fresh tokens at 2, 100 kept ones at 0.5, 5 written ones at 10 millionths of a dollar.
    assert generator["mlflow.llm.cost"] == pytest.approx(
        {"input_cost": 1050e-6, "output_cost": 50e-6, "total_cost": 1100e-6}
    )
    assert generator["ragserve.prices"] == "2026-11"


def secretive(**fields: Any) -> FinishedRequest:
    request = finished()
    notes = replace(
        request.notes,
        messages=(Message("user", SECRET), Message("assistant", SECRET), Message("user", SECRET)),
        written=written(text=SECRET),
        user="bob.smith@example.com",
        session=SECRET,
        **fields,
    )
    assert notes.attempt is not None
    notes.attempt.query = SECRET
    for hit in notes.attempt.found:
        for name in ("id", "text", "title", "path"):
            object.__setattr__(hit.chunk, name, f"{SECRET} {hit.rank}")
    return replace(request, notes=notes)


@pytest.mark.parametrize("policy", ["redacted", "hash", "none"])
def test_no_text_leaves_against_the_policy(policy: str) -> None:
    recorded = Recorded()
    recorded.use(content=policy)
    assert "bob.smith" not in str(recorded.of(secretive()))


def test_the_policy_of_a_key_comes_before_the_default() -> None:
    recorded = Recorded()
    recorded.use(content="full", content_by_key={"0123456789ab": "none"})
    assert "bob.smith" not in str(recorded.of(secretive()))
    others = Recorded()
    others.use(content="full", content_by_key={"0123456789ab": "none"})
    assert "bob.smith" in str(others.of(secretive(key_id="ffffffffffff")))


def test_a_policy_that_cannot_be_kept_is_refused_and_the_one_before_stays() -> None:
    recorded = Recorded(salt=b"")
    recorded.use(content="none")
    with pytest.raises(ConfigError):
        recorded.use(content="hash")
    assert "bob.smith" not in str(recorded.of(secretive()))


def test_nothing_is_written_before_the_first_settings() -> None:
    assert Recorded().of(finished()) == {}


@pytest.mark.parametrize(("join", "parent"), [(True, 0x99), (False, None)])
def test_a_clients_span_is_the_parent_where_that_is_wanted(join: bool, parent: int | None) -> None:
    recorded = Recorded(join_client_span=join)
    recorded.use()
    recorded.of(finished(trace=TraceContext(0xABC, 0x123, 0x99)))
    root = recorded.kept.spans[-1]
    assert (root.parent.span_id if root.parent else None) == parent


def test_questions_of_a_batch_hang_below_it_even_where_only_they_are_kept() -> None:
    recorded = Recorded()
    recorded.use(sample_ratio=0.0)
    batch = finished(trace=TraceContext(0xABC, 0x1))
    item = finished(
        kind="item", trace=TraceContext(0xABC, 0x2, 0x1), route="/item", total_ms=5000.0
    )
    recorded.of(item, batch)
    roots = {span.name: span for span in recorded.kept.spans if span.name.startswith("POST")}
    assert roots["POST /item"].parent is not None
    assert roots["POST /item"].parent.span_id == 0x1
    assert roots["POST /v1/query"].parent is None


def test_what_cannot_wait_is_dropped_and_counted() -> None:
    recorded = Recorded()
    recorded.use(content="none")
    written, go_on = threading.Event(), threading.Event()

    def keep(spans: Sequence[ReadableSpan]) -> None:
        written.set()
        go_on.wait(5)

    recorded.kept.keep = keep  # type: ignore[method-assign]
    recorded.recorder.take(finished())
    assert written.wait(5)
    for _ in range(2003):
        recorded.recorder.take(finished())
    assert recorded.counters.snapshot().dropped["queue_full"] == 3 * SPANS
    recorded.recorder.close(0.2)
    assert recorded.counters.snapshot().dropped["shut_down"] == 2000 * SPANS
    recorded.recorder.take(finished())
    assert recorded.counters.snapshot().dropped["shut_down"] == 2001 * SPANS
    go_on.set()


def test_a_very_long_text_is_kept_in_part() -> None:
    recorded = Recorded()
    recorded.use(content="full")
    request = finished()
    long = replace(request.notes, messages=(Message("user", "x" * 40_000),))
    root = recorded.of(replace(request, notes=long))["POST /v1/query"]
    assert len(root["mlflow.spanInputs"]["question"]) < 33_000
    assert root["mlflow.spanInputs"]["question"].endswith("8000 more characters)")


def test_the_query_that_a_model_wrote_has_its_tokens(recorded: Recorded) -> None:
    request = finished()
    attempt = request.notes.attempt
    assert attempt is not None
    attempt.times["condense"] = StageTime(5, started_ns=STARTED_NS)
    attempt.model_steps["condense"] = written(
        text="full queue", prompt_tokens=40, completion_tokens=3
    )
    condense = recorded.of(request)["condense"]
    assert condense["gen_ai.usage.input_tokens"] == 40
    assert condense["mlflow.spanOutputs"] == {"query": "full queue"}


def test_calls_and_their_results_are_parts_of_messages(recorded: Recorded) -> None:
    request = finished()
    call = ToolCall("c1", "book", '{"feet": 32}')
    turns = (
        Message("user", "Room?"),
        Message("assistant", "", (call,)),
        Message("tool", "seven", call_id="c1"),
    )
    answer = written(text="", calls=(call,), finish_reason="tool_calls")
    notes = replace(request.notes, messages=turns, written=answer)
    generator = recorded.of(replace(request, notes=notes))["generator"]
    _, called, returned = generator["gen_ai.input.messages"]
    part = {"type": "tool_call", "id": "c1", "name": "book", "arguments": '{"feet": 32}'}
    assert called == {"role": "assistant", "parts": [part]}
    told = {"type": "tool_call_response", "id": "c1", "response": "seven"}
    assert returned == {"role": "tool", "parts": [told]}
    [said] = generator["gen_ai.output.messages"]
    assert (said["parts"], said["finish_reason"]) == ([part], "tool_calls")


def test_what_a_model_wrote_to_search_counts_with_its_answer(recorded: Recorded) -> None:
    request = finished()
    attempt = request.notes.attempt
    assert attempt is not None
    assert request.notes.written is not None
    before = request.notes.written.prompt_tokens
    attempt.rounds.append(written(text="", prompt_tokens=40, completion_tokens=3))
    after = recorded.of(request)["generator"]["gen_ai.usage.input_tokens"]
    assert after == before + 40
    assert request.notes.generations()[-2].prompt_tokens == 40


@pytest.mark.parametrize(
    ("content", "is_marked"), [("full", True), ("redacted", True), ("hash", False), ("none", False)]
)
def test_a_trace_is_found_by_its_conversation_and_its_user(content: Any, is_marked: bool) -> None:
    recorded = Recorded()
    recorded.use(content=content)
    request = finished()
    request.notes.tenant, request.notes.user = "acme", "zoe"
    request.notes.conversation = "conv_1"
    found = recorded.of(request)
    mark = user_mark("acme", "zoe") if is_marked else None
    root = found["POST /v1/query"]
    assert root["mlflow.traceTag.ragserve.conversation"] == "conv_1"
    assert root.get("mlflow.traceTag.ragserve.user") == mark
    # Spans that hold texts say it, too: they may travel without the first one.
    for name in ("POST /v1/query", "retriever", "generator"):
        assert found[name]["ragserve.conversation"] == "conv_1"
        assert found[name].get("ragserve.user") == mark
