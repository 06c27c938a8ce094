"""Responses as turns of kept conversations, asked by OpenAI's own client."""

from collections.abc import AsyncIterator
from typing import Any

import openai
import pytest
from openai.types.responses import Response

from tests.unit.app.api.kept_conversations.conftest import CAPITAL, Service, begun, messages


@pytest.fixture
async def api(service: Service) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(
        base_url="http://test/v1",
        api_key="alice",
        max_retries=0,
        http_client=service.client(),  # type: ignore[arg-type]
    ) as client:
        yield client


async def ask(api: openai.AsyncOpenAI, input: Any, **wishes: Any) -> Response:
    asked: dict[str, Any] = {"model": "echo", "input": input} | wishes
    answer: Response = await api.responses.create(**asked)
    return answer


def shown(service: Service) -> list[str]:
    """Returns what the model was shown last."""
    return [one.content for one in service.stages.echo.engine.prompts[-1].messages]


async def test_a_response_follows_another(service: Service, api: openai.AsyncOpenAI) -> None:
    first = await ask(api, "one")
    assert first.store is True  # type: ignore[attr-defined]
    assert first.conversation is not None
    second = await ask(api, "two", previous_response_id=first.id, instructions="Be brief.")
    assert second.previous_response_id == first.id
    assert second.conversation == first.conversation
    assert shown(service) == ["Be brief.", "one", "one", "two"]
    await ask(api, "three", previous_response_id=second.id)
    # Instructions are not carried over, as with OpenAI.
    assert shown(service) == ["one", "one", "two", "two", "three"]


async def test_a_streamed_response_as_well(service: Service, api: openai.AsyncOpenAI) -> None:
    first = await ask(api, "one")
    events = [
        event
        async for event in await api.responses.create(
            model="echo", input="two", previous_response_id=first.id, stream=True
        )
    ]
    assert events[0].type == "response.created"
    assert events[-1].type == "response.completed"
    assert events[0].response.id == events[-1].response.id
    await ask(api, "three", previous_response_id=events[-1].response.id)
    assert shown(service) == ["one", "one", "two", "two", "three"]


@pytest.mark.parametrize("as_object", [False, True])
async def test_a_conversation_is_named(
    service: Service, api: openai.AsyncOpenAI, as_object: bool
) -> None:
    id = await begun(service.client())
    named: Any = {"id": id} if as_object else id
    first = await ask(api, "one", conversation=named)
    assert first.conversation is not None
    assert first.conversation.id == id
    await ask(api, "two", conversation=named)
    assert shown(service) == ["one", "one", "two"]


async def test_a_response_is_found(service: Service, api: openai.AsyncOpenAI) -> None:
    made = await ask(api, CAPITAL, model="ragserve")
    found = await api.responses.retrieve(made.id)
    assert (found.id, found.status, found.output_text) == (
        made.id,
        "completed",
        made.output_text,
    )
    assert found.usage is not None
    assert made.usage is not None
    assert found.usage.total_tokens == made.usage.total_tokens
    for name in ("bob", "eve"):
        other = await service.client(name).get(f"/v1/responses/{made.id}")
        assert other.status_code == 404
        follows = {"model": "echo", "input": "x", "previous_response_id": made.id}
        refused = await service.client(name).post("/v1/responses", json=follows)
        assert refused.status_code == 404
        assert refused.json()["errors"][0]["field"] == "previous_response_id"


async def test_functions_go_on_by_what_came_of_them(
    service: Service, api: openai.AsyncOpenAI
) -> None:
    tool: Any = {"type": "function", "name": "book", "parameters": {}, "strict": False}
    service.stages.echo.engine.script = [("", [("book", '{"feet": 32}')])]
    first = await ask(api, "Book a berth", tools=[tool])
    [call] = first.output
    assert call.type == "function_call"
    found = await api.responses.retrieve(first.id)
    assert found.output[0].type == "function_call"
    came: Any = [{"type": "function_call_output", "call_id": call.call_id, "output": "berth 7"}]
    second = await ask(api, came, previous_response_id=first.id, tools=[tool])
    assert second.output_text == "berth 7"
    roles = [one.role for one in service.stages.echo.engine.prompts[-1].messages]
    assert roles == ["user", "assistant", "tool"]


async def test_a_response_that_was_followed_is_not_followed_again(
    service: Service, api: openai.AsyncOpenAI
) -> None:
    first = await ask(api, "one")
    await ask(api, "two", previous_response_id=first.id)
    with pytest.raises(openai.ConflictError, match="followed"):
        await ask(api, "other", previous_response_id=first.id)


async def test_what_broke_off_may_be_asked_again(service: Service, api: openai.AsyncOpenAI) -> None:
    first = await ask(api, "one")
    engine = service.stages.echo.engine
    engine.fails_after = 1
    with pytest.raises(openai.APIError):
        async for _ in await api.responses.create(
            model="echo", input="two words", previous_response_id=first.id, stream=True
        ):
            pass
    engine.fails_after = None
    assert first.conversation is not None
    broken = (await messages(service.client(), first.conversation.id))[-1]["response_id"]
    assert (await api.responses.retrieve(broken)).status == "failed"
    with pytest.raises(openai.NotFoundError):
        await ask(api, "three", previous_response_id=broken)
    await ask(api, "two words", previous_response_id=first.id)
    assert shown(service) == ["one", "one", "two words"]


async def test_store_false_leaves_nothing(service: Service, api: openai.AsyncOpenAI) -> None:
    first = await ask(api, "one", store=False)
    assert first.conversation is None
    with pytest.raises(openai.NotFoundError):
        await api.responses.retrieve(first.id)
    with pytest.raises(openai.NotFoundError):
        await ask(api, "two", previous_response_id=first.id)
    kept = await ask(api, "one")
    aside = await ask(api, "two", previous_response_id=kept.id, store=False)
    assert shown(service) == ["one", "one", "two"]
    with pytest.raises(openai.NotFoundError):
        await api.responses.retrieve(aside.id)


async def test_what_fails_leaves_no_conversation(service: Service, api: openai.AsyncOpenAI) -> None:
    with pytest.raises(openai.NotFoundError):
        await ask(api, "one", model="nobody")
    assert (await service.client().get("/v1/conversations")).json()["data"] == []


async def test_a_conversation_may_come_with_its_first_request(
    service: Service, api: openai.AsyncOpenAI
) -> None:
    turns: Any = [
        {"role": "user", "content": "one"},
        {"role": "assistant", "content": "ONE"},
        {"role": "user", "content": "two"},
    ]
    first = await ask(api, turns)
    second = await ask(api, "three", previous_response_id=first.id)
    assert shown(service) == ["one", "ONE", "two", "two", "three"]
    with pytest.raises(openai.UnprocessableEntityError):
        await ask(api, turns, previous_response_id=second.id)


async def test_both_names_are_one_too_many(service: Service, api: openai.AsyncOpenAI) -> None:
    first = await ask(api, "one")
    assert first.conversation is not None
    with pytest.raises(openai.UnprocessableEntityError):
        await ask(api, "x", previous_response_id=first.id, conversation=first.conversation.id)


async def test_off_nothing_is_kept(service: Service, api: openai.AsyncOpenAI) -> None:
    service.use(enabled=False)
    first = await ask(api, "one")
    assert first.conversation is None
    service.use()
    assert (await service.client().get("/v1/conversations")).json()["data"] == []
