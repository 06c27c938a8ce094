"""Questions in a kept conversation: understood by what was said before, one at a time, and kept as
they ended."""

import asyncio
import json
from typing import Any, Literal

import httpx
import pytest

from app.settings.live.moderation import Moderation
from deployments.contracts.generation import Message
from tests.unit.app.api.kept_conversations.conftest import (
    CAPITAL,
    Service,
    ask,
    begun,
    messages,
)

FOLLOW_UP = "And of Japan?"


def events_of(text: str) -> list[tuple[str, Any]]:
    """Returns the named events of a stream."""
    found = []
    for block in text.split("\n\n"):
        if block.startswith("event: "):
            name, _, data = block.partition("\n")
            found.append((name[7:], json.loads(data[6:])))
    return found


class Turnstile(asyncio.Event):
    """Lets so many words pass."""

    def __init__(self, words: int) -> None:
        super().__init__()
        self._words = words
        self.holds = asyncio.Event()

    async def wait(self) -> Literal[True]:
        self._words -= 1
        if self._words >= 0:
            return True
        self.holds.set()
        return await super().wait()


async def chat(client: httpx.AsyncClient, id: str, text: str, **fields: Any) -> Any:
    body = {"model": "echo", "conversation_id": id} | fields
    body["messages"] = [{"role": "user", "content": text}, *fields.get("messages", [])]
    answer = await client.post("/v1/chat/completions", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_follow_up_is_understood(service: Service, alice: httpx.AsyncClient) -> None:
    id = await begun(alice)
    first = await ask(alice, id)
    assert first["conversation_id"] == id
    second = await ask(alice, id, FOLLOW_UP)
    assert "Tokyo is the capital of Japan." in second["answer"]
    request = service.stages.generation.asked[-1]
    assert request.question == f"{CAPITAL} {FOLLOW_UP}"
    assert request.messages == (
        Message("user", CAPITAL),
        Message("assistant", first["answer"]),
        Message("user", FOLLOW_UP),
    )
    assert [one["content"] for one in await messages(alice, id)] == [
        *(CAPITAL, first["answer"]),
        *(FOLLOW_UP, second["answer"]),
    ]


async def test_a_streamed_answer_is_kept_as_well(alice: httpx.AsyncClient) -> None:
    id = await begun(alice)
    streamed = await alice.post(
        "/v1/query", json={"query": CAPITAL, "conversation_id": id, "stream": True}
    )
    events = dict(events_of(streamed.text))
    assert events["sources"]["conversation_id"] == id
    assert events["done"]["conversation_id"] == id
    [_, reply] = await messages(alice, id)
    assert reply["content"] == events["done"]["answer"]
    assert "Tokyo" in (await ask(alice, id, FOLLOW_UP))["answer"]


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
async def test_a_chat_sends_what_is_new(
    service: Service, alice: httpx.AsyncClient, stream: bool
) -> None:
    id = await begun(alice)
    first = await chat(alice, id, "one two")
    assert first["ragserve"]["conversation_id"] == id
    body = {
        "model": "echo",
        "conversation_id": id,
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "three"},
        ],
        "stream": stream,
    }
    second = await alice.post("/v1/chat/completions", json=body)
    assert second.status_code == 200
    if stream:
        begun_with = json.loads(second.text.split("\n")[0][6:])
        assert begun_with["ragserve"]["conversation_id"] == id
        assert second.text.rstrip().endswith("data: [DONE]")
    prompt = service.stages.echo.engine.prompts[-1].messages
    assert [(one.role, one.content) for one in prompt] == [
        ("system", "Be brief."),
        ("user", "one two"),
        ("assistant", "one two"),
        ("user", "three"),
    ]
    # Instructions hold for the request that has them.
    assert [one["content"] for one in await messages(alice, id)] == [
        *("one two", "one two"),
        *("three", "three"),
    ]


async def test_answers_need_not_come_back(alice: httpx.AsyncClient) -> None:
    id = await begun(alice)
    body = {
        "model": "echo",
        "conversation_id": id,
        "messages": [
            {"role": "user", "content": "one"},
            {"role": "assistant", "content": "one"},
            {"role": "user", "content": "two"},
        ],
    }
    refused = await alice.post("/v1/chat/completions", json=body)
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "messages")
    await chat(alice, id, "one")  # nothing stays taken


async def test_functions_are_called_over_turns(service: Service, alice: httpx.AsyncClient) -> None:
    id = await begun(alice)
    tool = {"type": "function", "function": {"name": "book_berth", "parameters": {}}}
    service.stages.echo.engine.script = [("", [("book_berth", '{"feet": 32}')])]
    called = await chat(alice, id, "Book a berth", tools=[tool])
    [call] = called["choices"][0]["message"]["tool_calls"]
    body = {
        "model": "echo",
        "conversation_id": id,
        "tools": [tool],
        "messages": [{"role": "tool", "tool_call_id": call["id"], "content": "berth 7"}],
    }
    answer = await alice.post("/v1/chat/completions", json=body)
    assert answer.json()["choices"][0]["message"]["content"] == "berth 7"
    prompt = service.stages.echo.engine.prompts[-1].messages
    assert [one.role for one in prompt] == ["user", "assistant", "tool"]
    assert prompt[1].calls[0].arguments == '{"feet": 32}'
    kept = await messages(alice, id)
    assert kept[1]["tool_calls"][0]["function"]["name"] == "book_berth"
    assert (kept[2]["role"], kept[2]["tool_call_id"]) == ("tool", call["id"])


async def test_of_two_at_once_the_second_is_refused(
    service: Service, alice: httpx.AsyncClient
) -> None:
    id = await begun(alice)
    gate = service.stages.echo.engine.gate = Turnstile(0)
    first = asyncio.create_task(chat(alice, id, "one two"))
    await gate.holds.wait()
    second = await alice.post("/v1/query", json={"query": CAPITAL, "conversation_id": id})
    assert (second.status_code, second.json()["code"]) == (409, "conflict")
    assert second.headers["retry-after"] == "1"
    service.now_s += 15
    await service.kept.renew()
    service.now_s += 15  # its answer takes longer than a sign of life holds
    third = await alice.post("/v1/query", json={"query": CAPITAL, "conversation_id": id})
    assert third.status_code == 409
    gate.set()
    await first
    await ask(alice, id)
    assert [one["turn"] for one in await messages(alice, id)] == [1, 1, 2, 2]


async def test_a_refusal_for_now_is_not_what_a_key_stands_for(
    service: Service, alice: httpx.AsyncClient
) -> None:
    id = await begun(alice)
    gate = service.stages.echo.engine.gate = Turnstile(0)
    first = asyncio.create_task(chat(alice, id, "one"))
    await gate.holds.wait()
    body, key = {"query": CAPITAL, "conversation_id": id}, {"Idempotency-Key": "k"}
    assert (await alice.post("/v1/query", json=body, headers=key)).status_code == 409
    gate.set()
    await first
    answers = [await alice.post("/v1/query", json=body, headers=key) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[1].headers["idempotent-replayed"] == "true"
    assert [one["turn"] for one in await messages(alice, id)] == [1, 1, 2, 2]


async def test_what_breaks_off_is_kept_and_not_shown_to_the_model(
    service: Service, alice: httpx.AsyncClient
) -> None:
    id = await begun(alice)
    await chat(alice, id, "zero")
    engine = service.stages.echo.engine
    engine.fails_after = 2
    body = {
        "model": "echo",
        "conversation_id": id,
        "messages": [{"role": "user", "content": "one two three"}],
        "stream": True,
    }
    broken = await alice.post("/v1/chat/completions", json=body)
    assert '"error"' in broken.text
    engine.fails_after = None
    await chat(alice, id, "four")
    assert [one.content for one in engine.prompts[-1].messages] == ["zero", "zero", "four"]
    kept = await messages(alice, id)
    assert [(one["content"].strip(), one["status"]) for one in kept[2:4]] == [
        ("one two three", "incomplete"),
        ("one two", "incomplete"),
    ]
    assert kept[3]["finish_reason"] is None


@pytest.mark.parametrize(("words", "kept"), [(0, []), (1, ["one two", "one"])])
async def test_whoever_leaves_has_what_was_written(
    service: Service, alice: httpx.AsyncClient, words: int, kept: list[str]
) -> None:
    id = await begun(alice)
    engine = service.stages.echo.engine
    gate = engine.gate = Turnstile(words)
    asking = asyncio.create_task(chat(alice, id, "one two", stream=True))
    await gate.holds.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    engine.gate = None
    await service.kept.close(5)
    await ask(alice, id)  # nothing stays taken
    found = (await messages(alice, id))[:-2]
    assert [one["content"].strip() for one in found] == kept
    assert all(one["status"] == "incomplete" for one in found)


async def test_what_fails_before_it_begins_is_no_turn(
    service: Service, alice: httpx.AsyncClient
) -> None:
    from deployments.contracts.errors import StageFailed

    id = await begun(alice)
    service.stages.retriever.failure = StageFailed("broken", "retriever")
    failed = await alice.post("/v1/query", json={"query": CAPITAL, "conversation_id": id})
    assert failed.status_code == 500
    service.stages.retriever.failure = None
    await ask(alice, id)
    assert [one["turn"] for one in await messages(alice, id)] == [1, 1]


async def test_store_false_reads_and_keeps_nothing(
    service: Service, alice: httpx.AsyncClient
) -> None:
    id = await begun(alice)
    await ask(alice, id)
    answer = await ask(alice, id, FOLLOW_UP, store=False)
    assert "Tokyo" in answer["answer"]
    assert answer["conversation_id"] == id
    assert [one["turn"] for one in await messages(alice, id)] == [1, 1]
    await chat(alice, id, "three", store=False)
    assert len(await messages(alice, id)) == 2


async def test_history_is_bounded(service: Service, alice: httpx.AsyncClient) -> None:
    id = await begun(alice)
    for word in ("a" * 400, "b" * 400, "c" * 400):
        await chat(alice, id, word)
    service.use(max_history_tokens=410)
    await chat(alice, id, "now")
    prompt = service.stages.echo.engine.prompts[-1].messages
    assert [one.content[0] for one in prompt] == ["b", "b", "c", "c", "n"]
    service.use(max_history_tokens=0)
    await chat(alice, id, "alone")
    assert [one.content for one in service.stages.echo.engine.prompts[-1].messages] == ["alone"]


async def test_history_is_a_part_of_what_is_asked(
    service: Service, alice: httpx.AsyncClient
) -> None:
    """Of two equal questions, each is answered by what went before it."""
    france, japan = await begun(alice), await begun(alice)
    first = await alice.post("/v1/query", json={"query": CAPITAL, "conversation_id": france})
    assert first.headers["x-ragserve-cache"] == "miss"
    alone = await alice.post("/v1/query", json={"query": CAPITAL})
    assert alone.headers["x-ragserve-cache"] == "hit"  # nothing was said before
    await ask(alice, japan, "What is the capital of Japan?")
    which = "What is it called?"
    body = {"query": which, "conversation_id": japan}
    other = await alice.post("/v1/query", json=body)
    assert other.headers["x-ragserve-cache"] == "miss"
    same = await alice.post("/v1/query", json=body | {"conversation_id": france})
    assert same.headers["x-ragserve-cache"] == "miss"
    assert "Tokyo" in other.json()["answer"]
    assert "Paris" in same.json()["answer"]
    # The same history and the same question again: given again, and kept in its conversation.
    twin = await begun(alice)
    await ask(alice, twin)
    again = await alice.post("/v1/query", json=body | {"conversation_id": twin})
    assert again.headers["x-ragserve-cache"] == "hit"
    assert [one["content"] for one in await messages(alice, twin)][-1] == same.json()["answer"]


async def test_moderation_reads_all_of_it(service: Service, alice: httpx.AsyncClient) -> None:
    id = await begun(alice)
    await ask(alice, id, "What is the capital of France, gadzooks?")
    policy = {
        "blocklists": {"own": {"terms": ["gadzooks"]}},
        "policies": {"p": {"input": {"blocklist": ["own"], "action": "block"}}},
        "default": "p",
    }
    service.live = service.live.model_copy(update={"moderation": Moderation.model_validate(policy)})
    refused = await alice.post("/v1/query", json={"query": FOLLOW_UP, "conversation_id": id})
    assert (refused.status_code, refused.json()["code"]) == (400, "content_filter")
    assert len(await messages(alice, id)) == 2


async def test_what_is_replaced_is_not_kept(service: Service, alice: httpx.AsyncClient) -> None:
    policy = {"policies": {"p": {"input": {"personal_data": "redact"}}}, "default": "p"}
    service.live = service.live.model_copy(update={"moderation": Moderation.model_validate(policy)})
    id = await begun(alice)
    await ask(alice, id, "Is zoe@example.org in the capital of France?")
    await chat(alice, id, "Write to zoe@example.org")
    asked = [one["content"] for one in await messages(alice, id) if one["role"] == "user"]
    assert all("zoe@example.org" not in text and "EMAIL" in text for text in asked), asked


async def test_a_conversation_stays_with_its_release(
    service: Service, alice: httpx.AsyncClient
) -> None:
    id = await begun(alice)
    await ask(alice, id)
    [request] = [one for one in service.heard.requests if one.route == "/v1/query"]
    assert (request.notes.session, request.notes.conversation) == (id, id)
