"""What a server's complaint becomes, and what of its words anybody may read."""

import logging
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployments.contracts.errors import (
    BackendFailed,
    InvalidRequest,
    PromptTooLong,
    RagError,
    RateLimited,
    RequestTooLarge,
    Unavailable,
    UnsupportedField,
)
from deployments.generator.openai.refusals import (
    Complaint,
    complaint_of,
    error_of,
    retry_after_s,
    safe_text,
)

SECRETS = ("sk-secret-key", "http://model.internal:8000/v1", "model.internal:8000", "")


def error_for(complaint: Complaint) -> RagError:
    return error_of(complaint, secrets=SECRETS, request_id="r1")


@pytest.mark.parametrize(
    ("complaint", "expected"),
    [
        (Complaint(400, "Bad temperature."), InvalidRequest),
        (Complaint(422, "Bad temperature."), InvalidRequest),
        (Complaint(400, "'logprobs' is not supported with this model."), UnsupportedField),
        (Complaint(400, code="unsupported_parameter"), UnsupportedField),
        (Complaint(422, "body.top_k: Extra inputs are not permitted"), UnsupportedField),
        (Complaint(400, code="context_length_exceeded"), PromptTooLong),
        (Complaint(400, "This model's maximum context length is 8 tokens."), PromptTooLong),
        (Complaint(400, "exceeds the available context size (8 tokens)"), PromptTooLong),
        (Complaint(400, code="exceed_context_size_error"), PromptTooLong),
        (Complaint(400, "longer than the maximum model length of 8."), PromptTooLong),
        (Complaint(400, "prompt is too long: 9 tokens > 8 maximum"), PromptTooLong),
        (Complaint(422, "inputs tokens + max_new_tokens must be <= 8"), PromptTooLong),
        (Complaint(500, "Context size has been exceeded."), PromptTooLong),
        (Complaint(413), RequestTooLarge),
        (Complaint(413, "too many tokens"), PromptTooLong),
        (Complaint(401, "Wrong key."), BackendFailed),
        (Complaint(403), BackendFailed),
        (Complaint(404, "No such model."), BackendFailed),
        (Complaint(400, code="model_not_found"), BackendFailed),
        (Complaint(429, "Slow down."), RateLimited),
        (Complaint(429, code="insufficient_quota"), BackendFailed),
        (Complaint(408), Unavailable),
        (Complaint(502), Unavailable),
        (Complaint(503), Unavailable),
        (Complaint(504), Unavailable),
        (Complaint(529), Unavailable),
        (Complaint(500), BackendFailed),
        (Complaint(501), BackendFailed),
        (Complaint(301), BackendFailed),
        (Complaint(418), BackendFailed),
    ],
    ids=lambda value: f"{value.status}-{value.code}" if isinstance(value, Complaint) else "",
)
def test_who_is_at_fault_decides(complaint: Complaint, expected: type[RagError]) -> None:
    assert type(error_for(complaint)) is expected


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (
            {"error": {"message": "M", "type": "T", "code": "C", "param": "p"}},
            Complaint(400, "M", "c", "p"),
        ),
        ({"error": {"message": "M", "type": "T", "code": 400}}, Complaint(400, "M", "t")),
        ({"object": "error", "message": "M", "type": "T"}, Complaint(400, "M", "t")),
        ({"error": "M"}, Complaint(400, "M")),
        ({"detail": "M"}, Complaint(400, "M")),
        (
            {"detail": [{"loc": ["body", "top_k"], "msg": "Bad", "input": "private"}]},
            Complaint(400, "body.top_k: Bad"),
        ),
        ({"message": {"detail": [{"msg": "Bad"}]}}, Complaint(400, ": Bad")),
        ({"error": {}}, None),
        ({}, None),
        ([], None),
        (None, None),
    ],
)
def test_a_body_is_read_in_every_dialect(payload: object, expected: Complaint | None) -> None:
    assert complaint_of(payload, status=400) == expected


@pytest.mark.parametrize(
    ("payload", "status"),
    [
        ({"error": {"code": 503}}, 503),
        ({"error": {"code": "429"}}, 429),
        ({"error": {"code": "context_length_exceeded"}}, 400),
        ({"error": {"code": None, "type": "overloaded_error"}}, 503),
        ({"error": {"code": 7, "type": "odd"}}, 500),
        ({"error": {"code": 10**30}}, 500),
        ({"error": {"code": "²"}}, 500),
        ({"error": "M"}, 500),
    ],
)
def test_inside_a_stream_the_code_is_the_status(payload: object, status: int) -> None:
    complaint = complaint_of(payload)
    assert complaint is not None
    assert complaint.status == status


@pytest.mark.parametrize("payload", [{"choices": []}, {"error": None, "choices": []}, [], "x"])
def test_a_chunk_without_an_error_is_no_complaint(payload: object) -> None:
    assert complaint_of(payload) is None


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "²"}, None),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.0),
        ({"retry-after": "7", "retry-after-ms": "250"}, 0.25),
        ({"retry-after-ms": "inf"}, None),
        ({"retry-after-ms": "nan"}, None),
    ],
)
def test_the_wait_that_is_asked_for_is_read(
    headers: dict[str, str], expected: float | None
) -> None:
    assert retry_after_s(headers) == expected


def test_a_date_to_come_again_is_a_wait() -> None:
    when = datetime.fromtimestamp(time.time(), UTC) + timedelta(seconds=60)
    wait_s = retry_after_s({"retry-after": format_datetime(when, usegmt=True)})
    assert wait_s is not None
    assert 55 < wait_s <= 60


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("temperature must be below 2.", "temperature must be below 2."),
        ("Key sk-secret-key is wrong.", "Key [...] is wrong."),
        ("Key SK-SECRET-KEY is wrong.", "Key [...] is wrong."),
        ("Key sk-other123 is wrong.", "Key [...] is wrong."),
        ("Authorization: Bearer abc.def", "Authorization: [...]"),
        ("See https://x.example/a?b=c for more.", "See [...] for more."),
        ("At 10.0.0.7:8000 and localhost:11434.", "At [...] and [...]."),
        ("In /usr/lib/python3/model.py line 7", "In [...] line 7"),
        ("and/or 1/2 is a ratio: 16:9", "and/or 1/2 is a ratio: 16:9"),
        ("a\nb\tc", "a ? b ? c"),
        ("Größe", "Gr ? e"),
        ("x" * 500, "x" * 197 + "..."),
    ],
)
def test_a_message_is_made_safe(text: str, expected: str) -> None:
    assert safe_text(text, SECRETS) == expected


@given(
    parts=st.lists(
        st.sampled_from([*SECRETS, "sk-", "secret-key", "é", "\n", "http:", "//", ":8000", " "])
        | st.text(max_size=9),
        max_size=9,
    )
)
def test_no_message_holds_a_secret(parts: list[str]) -> None:
    said = safe_text("".join(parts), SECRETS)
    assert len(said) <= 200
    assert said.isascii()
    assert not said or said.isprintable()
    assert not [secret for secret in SECRETS if secret and secret in said.lower()]


def test_a_field_is_named_only_if_it_looks_like_one() -> None:
    assert error_for(Complaint(400, "Bad.", param="messages[0].content")).errors == (
        {
            "field": "messages[0].content",
            "message": "refused by the model server",
            "type": "invalid_request",
        },
    )
    for param in ("sk-secret-key", "http://x/y", "a b", "", "x" * 99):
        assert error_for(Complaint(400, "Bad.", param=param)).errors == ()


def test_only_what_is_not_the_clients_fault_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "ray.serve")
    error_for(Complaint(400, "Bad temperature."))
    assert caplog.text == ""
    error_for(Complaint(401, "Key sk-secret-key is wrong.", "invalid_api_key"))
    assert "request r1: the model server answered 401 invalid_api_key: Key [...]" in caplog.text
