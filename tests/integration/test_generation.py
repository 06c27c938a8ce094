"""Chat and streams through real sockets, and a backend that does whatever goes wrong."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import openai
import pytest

from tests.integration.cluster import Cluster, until
from tests.openai_peer import OpenAIPeer

QUESTION = "What happens when a queue is full?"


@pytest.fixture
def api(cluster: Cluster, http: httpx.Client) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(
        base_url=f"{cluster.url}/v1", api_key="any", max_retries=0, timeout=30
    ) as client:
        yield client


def said(text: str) -> list[Any]:
    return [{"role": "user", "content": text}]


def texts_of(stream: openai.Stream[Any]) -> list[str]:
    return [chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices]


def close_breaker(api: openai.OpenAI) -> None:
    """Asks for something that works until it does: failures of the test before do not count."""

    def works() -> bool:
        try:
            api.chat.completions.create(model="peer", messages=said("echo"))
        except openai.APIStatusError:
            return False
        return True

    until(works, within_s=15, what="the backend is asked again")


def test_the_guide_answers_in_openais_form(api: openai.OpenAI, guide: str) -> None:
    answer = api.chat.completions.create(model="ragserve", messages=said(QUESTION))
    message = answer.choices[0].message
    assert "503" in (message.content or "")
    assert message.annotations
    assert message.annotations[0].url_citation.url == "docs/errors.md"
    stream = api.chat.completions.create(model="ragserve", messages=said(QUESTION), stream=True)
    assert "".join(texts_of(stream)) == message.content


def test_a_question_is_answered_in_events(http: httpx.Client, guide: str) -> None:
    with http.stream("POST", "/v1/query", json={"query": QUESTION, "stream": True}) as response:
        lines = list(response.iter_lines())
    names = [line.removeprefix("event: ") for line in lines if line.startswith("event: ")]
    assert (names[0], names[-1]) == ("sources", "done")
    done = json.loads([line for line in lines if line.startswith("data: ")][-1][6:])
    assert done["grounded"]
    assert "503" in done["answer"]


def test_a_follow_up_is_understood(api: openai.OpenAI, guide: str) -> None:
    turns = [
        *said("What does the Retry-After header hold?"),
        {"role": "assistant", "content": "Seconds."},
        *said("Is it always a whole number?"),
    ]
    answer = api.chat.completions.create(model="ragserve", messages=turns)
    assert "docs/errors.md" in [
        source["path"] for source in (answer.model_extra or {})["ragserve"]["sources"]
    ]


def test_tokens_of_a_backend_pass_through(api: openai.OpenAI) -> None:
    stream = api.chat.completions.create(
        model="peer",
        messages=said("echo one two three"),
        stream=True,
        stream_options={"include_usage": True},
    )
    chunks = list(stream)
    assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == (
        "echo one two three"
    )
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens == 4


def test_an_answer_with_sources_is_written_by_the_backend(
    api: openai.OpenAI, openai_peer: OpenAIPeer, guide: str
) -> None:
    answer = api.chat.completions.create(model="ragserve:peer", messages=said(QUESTION))
    # The prompt begins with a source, which is no behaviour that the peer knows: it refuses.
    assert (answer.model_extra or {})["ragserve"]["model"] == "extractive"
    asked = openai_peer.requests[-1].body["messages"]
    assert asked[0]["role"] == "system"
    assert "<source-" in asked[-1]["content"]
    assert QUESTION in asked[-1]["content"]


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize(
    ("behaviour", "status", "code", "retry_after"),
    [
        ("rate-limited", 429, "rate_limited", "7"),
        ("broken", 502, "backend_failed", None),
        ("unavailable", 503, "unavailable", None),
        ("hangs", 504, "deadline_exceeded", None),
        ("garbage", 502, "backend_failed", None),
        ("html", 502, "backend_failed", None),
        ("too-long", 400, "context_length_exceeded", None),
        ("refuses", 422, "invalid_request", None),
        ("unauthorized", 502, "backend_failed", None),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_backends_failures_are_told_faithfully(
    api: openai.OpenAI,
    behaviour: str,
    status: int,
    code: str,
    retry_after: str | None,
    stream: bool,
) -> None:
    close_breaker(api)
    with pytest.raises(openai.APIStatusError) as caught:
        api.chat.completions.create(model="peer", messages=said(behaviour), stream=stream)
    assert (caught.value.status_code, caught.value.code) == (status, code)
    if retry_after is not None:
        assert caught.value.response.headers["retry-after"] == retry_after
    assert "127.0.0.1" not in caught.value.response.text
    assert "/srv" not in caught.value.response.text


@pytest.mark.parametrize("behaviour", ["cut", "stalls", "error-event"])
def test_a_stream_that_breaks_says_so_and_does_not_end(
    cluster: Cluster, api: openai.OpenAI, behaviour: str
) -> None:
    close_breaker(api)
    body = {"model": "peer", "messages": said(f"{behaviour} one two three"), "stream": True}
    response = httpx.post(f"{cluster.url}/v1/chat/completions", json=body, timeout=20)
    assert response.status_code == 200
    last = response.text.strip().split("\n\n")[-1]
    assert "error" in json.loads(last.removeprefix("data: "))
    assert "[DONE]" not in response.text


def test_a_client_that_leaves_is_gone_for_the_backend_too(
    api: openai.OpenAI, openai_peer: OpenAIPeer
) -> None:
    close_breaker(api)
    words = "slow " + "word " * 400
    with api.chat.completions.create(model="peer", messages=said(words), stream=True) as stream:
        next(iter(stream))
    left = openai_peer.requests[-1]
    assert openai_peer.wait_until(lambda: left.disconnected, within_s=1.0)
    assert left.tokens < 400


def test_the_next_generator_answers_for_one_that_cannot(api: openai.OpenAI, guide: str) -> None:
    answer = api.chat.completions.create(model="ragserve:peer", messages=said(QUESTION))
    own = (answer.model_extra or {})["ragserve"]
    assert (answer.model, own["model"]) == ("ragserve:peer", "extractive")
    assert own["degraded"] == ["generator"]
    assert own["grounded"]
