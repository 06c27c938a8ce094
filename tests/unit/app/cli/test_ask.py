"""`ragserve ask` and `ragserve search`: what is sent, what is printed, how errors look."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.unit.app.cli.conftest import Answer, CannedService, Ended

NOBODY = "http://127.0.0.1:9"  # the discard port: nothing answers there

Ragserve = Callable[..., Ended]


def source(index: int, **parts: Any) -> dict[str, Any]:
    return {
        "index": index,
        "path": f"docs/{index}.md",
        "heading": "Overload",
        "page": None,
        "score": 0.5,
        "text": f"Text of {index}.",
        **parts,
    }


FOOTER = {
    "timings": {"total_ms": 12.4, "stages": {"embedder": {"total_ms": 5.2}}},
    "release": "stable",
    "degraded": [],
}
ANSWER = {
    "answer": "It answers 503 [2].",
    "grounded": True,
    "citations": [{"start": 0, "end": 19, "source": 2}],
    "sources": [source(1), source(2, page=4), source(3)],
    **FOOTER,
}
FOUND = {"results": [source(1), source(2, text="[bold] text")], **FOOTER}
PROBLEM = {
    "type": "urn:ragserve:problem:invalid_request",
    "title": "Invalid request",
    "status": 422,
    "detail": "The request is not valid: top_n.",
    "instance": "/v1/query",
    "code": "invalid_request",
    "request_id": "abc123",
    "errors": [{"field": "top_n", "message": "too many", "type": "less_than"}],
}
BUSY = {**PROBLEM, "detail": "The embedder has a full queue; retry shortly.", "errors": []}
AT_ONCE = {"Retry-After": "0"}


def test_an_answer_comes_with_the_sources_it_cites(
    service: CannedService, ragserve: Ragserve
) -> None:
    service.answers = [Answer(ANSWER)]
    ended = ragserve("ask", "What happens?", "--url", service.url)
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.splitlines() == [
        "It answers 503 [2].",
        "",
        "[2] docs/2.md, page 4  Overload  score 0.50",
        "12 ms (embedder 5) · release stable",
    ]
    assert service.asked == [("/v1/query", {"query": "What happens?"})]


def events(*parts: tuple[str, Any]) -> Answer:
    text = "".join(f"event: {name}\ndata: {json.dumps(data)}\n\n" for name, data in parts)
    return Answer(text, headers={"content-type": "text/event-stream"})


def test_a_streamed_answer_looks_like_a_whole_one(
    service: CannedService, ragserve: Ragserve
) -> None:
    service.answers = [Answer(ANSWER)]
    whole = ragserve("ask", "What happens?", "--url", service.url)
    done = {name: value for name, value in ANSWER.items() if name != "sources"}
    service.answers = [
        events(
            ("sources", {"sources": ANSWER["sources"]}),
            ("delta", {"text": "It answers "}),
            ("delta", {"text": "503 [2]."}),
            ("citation", ANSWER["citations"][0]),  # type: ignore[index]
            ("done", done),
        )
    ]
    streamed = ragserve("ask", "What happens?", "--stream", "--url", service.url)
    assert streamed == whole
    assert service.asked[-1] == ("/v1/query", {"query": "What happens?", "stream": True})


def test_a_stream_that_breaks_off_is_an_error(service: CannedService, ragserve: Ragserve) -> None:
    service.answers = [events(("delta", {"text": "It "}), ("error", PROBLEM))]
    ended = ragserve("ask", "What happens?", "--stream", "--url", service.url)
    assert ended.code == 1
    assert "not valid: top_n" in ended.err


def test_a_busy_service_is_asked_again_for_a_stream(
    service: CannedService, ragserve: Ragserve
) -> None:
    service.answers = [
        Answer(BUSY, 503, AT_ONCE),
        events(("delta", {"text": "Yes."}), ("done", {**ANSWER})),
    ]
    assert ragserve("ask", "Q", "--stream", "--url", service.url).code == 0


def test_options_become_fields_of_the_request(service: CannedService, ragserve: Ragserve) -> None:
    service.answers = [Answer(ANSWER)]
    where = '{"path": "docs/api.md"}'
    ragserve("ask", "Q", "--url", f"{service.url}/", "--top-n", "3", "--filter", where)
    body = {"query": "Q", "top_n": 3, "filter": {"path": "docs/api.md"}}
    assert service.asked == [("/v1/query", body)]


@pytest.mark.parametrize(("verb", "answer"), [("ask", ANSWER), ("search", FOUND)])
def test_json_is_the_answer_of_the_service(
    service: CannedService, ragserve: Ragserve, verb: str, answer: dict[str, Any]
) -> None:
    service.answers = [Answer(answer)]
    ended = ragserve(verb, "Q", "--url", service.url, "--json")
    assert ended.code == 0
    assert json.loads(ended.out) == answer


def test_stages_that_were_missing_are_named(service: CannedService, ragserve: Ragserve) -> None:
    service.answers = [Answer({**ANSWER, "degraded": ["reranker"]})]
    assert "· without reranker" in ragserve("ask", "Q", "--url", service.url).out


def test_the_answer_is_never_taken_for_markup(service: CannedService, ragserve: Ragserve) -> None:
    service.answers = [Answer({**ANSWER, "answer": "Write [bold]x[/bold] or [/] 🎉."})]
    ended = ragserve("ask", "Q", "--url", service.url)
    assert ended.out.startswith("Write [bold]x[/bold] or [/] 🎉.\n")


def test_search_shows_the_chunks(service: CannedService, ragserve: Ragserve) -> None:
    service.answers = [Answer(FOUND)]
    ended = ragserve("search", "Q", "--url", service.url)
    assert service.asked == [("/v1/search", {"query": "Q"})]
    assert "[1] docs/1.md  Overload  score 0.50\nText of 1.\n" in ended.out
    assert "[bold] text" in ended.out


def test_search_without_results_says_what_to_do(service: CannedService, ragserve: Ragserve) -> None:
    service.answers = [Answer({**FOUND, "results": []})]
    assert "ragserve ingest PATH" in ragserve("search", "Q", "--url", service.url).out


def test_a_problem_is_a_line_with_its_fields_and_its_id(
    service: CannedService, ragserve: Ragserve
) -> None:
    service.answers = [Answer(PROBLEM, 422)]
    ended = ragserve("ask", "Q", "--url", service.url)
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.splitlines() == [
        "Error: The request is not valid: top_n.",
        "  top_n: too many",
        "Request id for the logs: abc123",
    ]
    assert len(service.asked) == 1


@pytest.mark.parametrize("body", ["<html>Bad gateway</html>", "", [1], {"other": 1}])
def test_an_error_of_somebody_else_is_one_line(
    service: CannedService, ragserve: Ragserve, body: Any
) -> None:
    service.answers = [Answer(body, 502)]
    ended = ragserve("ask", "Q", "--url", service.url)
    assert ended.code == 1
    assert ended.err == "Error: The service answered with HTTP 502.\n"


def test_an_answer_of_somebody_else_is_one_line_and_a_hint(
    service: CannedService, ragserve: Ragserve
) -> None:
    service.answers = [Answer("<html>Hello</html>")]
    ended = ragserve("ask", "Q", "--url", service.url)
    assert ended.code == 1
    assert ended.err.startswith(f"Error: What answers at {service.url} is not ragserve.\n")
    assert "--url" in ended.err


def test_a_busy_service_is_asked_again(service: CannedService, ragserve: Ragserve) -> None:
    busy = Answer(BUSY, 503, AT_ONCE)
    service.answers = [busy, busy, Answer(ANSWER)]
    ended = ragserve("ask", "Q", "--url", service.url)
    assert (ended.code, ended.err) == (0, "")
    assert len(service.asked) == 3


def test_a_service_that_stays_busy_is_left_alone(
    service: CannedService, ragserve: Ragserve
) -> None:
    service.answers = [Answer(BUSY, 503, AT_ONCE)]
    ended = ragserve("ask", "Q", "--url", service.url)
    assert ended.code == 1
    assert ended.err.startswith("Error: The embedder has a full queue; retry shortly.\n")
    assert len(service.asked) == 6


def test_the_wait_is_what_the_service_said(
    service: CannedService, ragserve: Ragserve, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []
    monkeypatch.setattr("tenacity.nap.time.sleep", slept.append)
    service.answers = [
        Answer(BUSY, 503, {"Retry-After": "3"}),
        Answer(BUSY, 503, {"Retry-After": "3"}),
        Answer(BUSY, 503),
        Answer(BUSY, 503, {"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}),
        Answer(ANSWER),
    ]
    assert ragserve("ask", "Q", "--url", service.url).code == 0
    bounds = [(3.0, 3.5), (3.0, 4.0), (0.0, 2.0), (0.0, 0.0)]
    assert len(slept) == len(bounds)
    for waited_s, (least_s, most_s) in zip(slept, bounds, strict=True):
        assert least_s <= waited_s <= most_s


def test_nobody_waits_for_a_service_that_is_away_for_long(
    service: CannedService, ragserve: Ragserve
) -> None:
    service.answers = [Answer(BUSY, 503, {"Retry-After": "1000"}), Answer(ANSWER)]
    assert ragserve("ask", "Q", "--url", service.url).code == 1
    assert len(service.asked) == 1


@pytest.mark.parametrize("verb", ["ask", "search"])
def test_nobody_there_is_a_hint(ragserve: Ragserve, verb: str) -> None:
    ended = ragserve(verb, "Q", "--url", NOBODY)
    assert ended.code == 1
    first, second = ended.err.splitlines()
    assert first == f"Error: No service answers at {NOBODY}."
    assert "ragserve up" in second


@pytest.mark.parametrize("url", ["nonsense", "http://", "http://a:x", "ftp://127.0.0.1:9"])
def test_what_is_no_address_is_an_error_without_a_traceback(ragserve: Ragserve, url: str) -> None:
    ended = ragserve("ask", "Q", "--url", url)
    assert ended.code == 1
    assert ended.err.startswith("Error: ")
    assert "--url" in ended.err


def test_a_filter_that_is_not_json_is_refused_here(
    service: CannedService, ragserve: Ragserve
) -> None:
    ended = ragserve("ask", "Q", "--url", service.url, "--filter", "path=docs")
    assert ended.code == 1
    assert ended.err.startswith("Error: --filter is not JSON:")
    assert service.asked == []


@pytest.mark.parametrize(
    "arguments",
    [("ask",), ("ask", "Q", "--top-n", "0"), ("ask", "Q", "--top-n", "x"), ("ask", "Q", "--what")],
    ids=["no-question", "too-few", "no-number", "unknown-option"],
)
def test_wrong_usage_has_its_own_exit_code(ragserve: Ragserve, arguments: tuple[str, ...]) -> None:
    assert ragserve(*arguments).code == 2
