"""Streamed `/v1/responses`: the events that OpenAI's own client builds an answer from."""

from typing import Any

import httpx
import openai
import pytest
from openai.types.responses import ResponseStreamEvent

from deployments.contracts.errors import RateLimited, StageFailed
from tests.doubles import DoubleDirectory
from tests.generator_doubles import read_to_failure

CAPITAL = "What is the capital of France?"


async def events_of(api: openai.AsyncOpenAI, **wishes: Any) -> list[ResponseStreamEvent]:
    asked: dict[str, Any] = {"model": "ragserve", "input": CAPITAL} | wishes
    return [event async for event in await api.responses.create(**asked, stream=True)]


async def test_events_come_in_order_and_are_numbered(api: openai.AsyncOpenAI) -> None:
    events = await events_of(api)
    assert [event.type for event in events] == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.annotation.added",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ]
    assert [event.sequence_number for event in events] == list(range(len(events)))


async def test_the_last_event_is_the_whole_answer(api: openai.AsyncOpenAI) -> None:
    whole = await api.responses.create(model="ragserve", input=CAPITAL)
    *_, last = await events_of(api)
    assert last.type == "response.completed"
    streamed = last.response
    assert streamed.output_text == whole.output_text
    assert streamed.output[0].content == whole.output[0].content  # type: ignore[union-attr]
    assert streamed.usage == whole.usage
    assert streamed.model_extra["ragserve"]["grounded"] is True  # type: ignore[index]


async def test_the_first_event_names_the_sources(api: openai.AsyncOpenAI) -> None:
    first, second, *_ = await events_of(api)
    assert first.type == "response.created"
    own = first.response.model_extra["ragserve"]  # type: ignore[index]
    assert (own["release"], own["sources"][0]["path"]) == ("one", "geo/paris.md")
    assert second.type == "response.in_progress"
    assert second.response.model_extra["ragserve"] is None  # type: ignore[index]


async def test_the_clients_helper_puts_the_answer_together(api: openai.AsyncOpenAI) -> None:
    text = ""
    async with api.responses.stream(model="echo", input="one two three") as stream:
        async for event in stream:
            if event.type == "response.output_text.delta":
                text += event.delta
                assert event.snapshot == text
        final = await stream.get_final_response()
    assert text == final.output_text == "one two three"


async def test_a_streamed_answer_that_is_cut_off_ends_as_incomplete(
    api: openai.AsyncOpenAI,
) -> None:
    *_, last = await events_of(api, model="echo", input="one two three", max_output_tokens=2)
    assert last.type == "response.incomplete"
    assert last.response.incomplete_details is not None
    assert last.response.output[0].status == "incomplete"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("failure", "code", "kind"),
    [
        (StageFailed("The engine broke.", "generator"), "internal", "server_error"),
        (RateLimited("Slower.", "generator", 2.0), "rate_limited", "rate_limit_exceeded"),
    ],
    ids=["broken", "limited"],
)
async def test_an_answer_that_breaks_off_is_raised_by_the_client(
    api: openai.AsyncOpenAI,
    stages: DoubleDirectory,
    failure: Any,
    code: str,
    kind: str,
) -> None:
    stages.echo.engine.fails_after, stages.echo.engine.failure = 2, failure
    stream = await api.responses.create(model="echo", input="one two three", stream=True)
    seen, error = await read_to_failure(aiter_of(stream))
    assert isinstance(error, openai.APIError)
    assert (error.code, error.message) == (code, str(failure))
    last = seen[-1]
    assert last.type == "response.failed"
    assert last.response.error.code == kind
    assert last.response.output_text == "one two "


async def aiter_of(stream: Any) -> Any:
    async for event in stream:
        yield event


async def test_events_are_named_as_they_are_typed(loaded: httpx.AsyncClient) -> None:
    body = {"model": "ragserve", "input": CAPITAL, "stream": True}
    response = await loaded.post("/v1/responses", json=body)
    assert response.headers["content-type"].startswith("text/event-stream")
    assert response.text.startswith('event: response.created\ndata: {"type":"response.created"')
    assert response.text.rstrip().split("\n\n")[-1].startswith("event: response.completed")


async def test_a_failure_before_the_first_event_has_its_status(
    api: openai.AsyncOpenAI, stages: DoubleDirectory
) -> None:
    stages.echo.engine.fails_after = 0
    with pytest.raises(openai.InternalServerError):
        await api.responses.create(model="echo", input="one", stream=True)
