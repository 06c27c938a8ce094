"""Whether an answer is one."""

import pytest

from benchmarks.locust_support.answers import judge_answer, judge_stream

ID = {"X-Request-ID": "1"}


def test_good_answer_gives_its_value() -> None:
    judgement, value = judge_answer(200, ID, b'{"answer": "yes"}', field="answer")
    assert (judgement.outcome, judgement.retry_after_s, value) == ("ok", 0.0, "yes")


@pytest.mark.parametrize(
    ("headers", "content", "detail"),
    [
        ({}, b'{"answer": "yes"}', "no request id"),
        (ID, b'{"answer": ""}', "nothing under 'answer'"),
        (ID, b'{"results": [1]}', "nothing under 'answer'"),
        (ID, b"[1]", "nothing under 'answer'"),
        (ID, b"<html>", "the body is not JSON"),
    ],
    ids=["no-id", "empty", "other-field", "no-object", "no-json"],
)
def test_answer_without_content_fails(headers: dict[str, str], content: bytes, detail: str) -> None:
    judgement, value = judge_answer(200, headers, content, field="answer")
    assert (judgement.outcome, judgement.detail, value) == ("failed", detail, None)


@pytest.mark.parametrize(
    ("status", "headers", "content", "outcome"),
    [
        (200, ID, b'data: {"choices": []}\n\ndata: [DONE]\n\n', "ok"),
        (200, ID, b'data: {"error": {"code": "unavailable"}}\n\n', "failed"),
        (200, ID, b"", "failed"),
        (200, {}, b"data: [DONE]\n\n", "failed"),
        (503, {"Retry-After": "1"}, b"", "refused"),
        (500, ID, b"", "failed"),
    ],
    ids=["whole", "broken", "empty", "no-id", "refused", "error"],
)
def test_a_stream_counts_when_it_came_to_its_end(
    status: int, headers: dict[str, str], content: bytes, outcome: str
) -> None:
    assert judge_stream(status, headers, content).outcome == outcome


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("told", "wait_s"), [("3", 3.0), ("9999", 30.0), ("Wed, 21 Oct 2026 07:28:00 GMT", 1.0)]
)
def test_refusal_says_when_to_come_back(status: int, told: str, wait_s: float) -> None:
    judgement, _ = judge_answer(status, {"retry-after": told}, b"", field="answer")
    assert (judgement.outcome, judgement.retry_after_s) == ("refused", wait_s)


@pytest.mark.parametrize(
    ("status", "headers", "detail"),
    [
        (503, {}, "HTTP 503"),
        (500, {"Retry-After": "1"}, "HTTP 500"),
        (422, ID, "HTTP 422"),
        (0, {}, "no answer: ConnectionRefusedError"),
    ],
)
def test_everything_else_fails(status: int, headers: dict[str, str], detail: str) -> None:
    error = ConnectionRefusedError() if not status else None
    judgement, _ = judge_answer(status, headers, b"{}", field="answer", error=error)
    assert (judgement.outcome, judgement.detail) == ("failed", detail)
