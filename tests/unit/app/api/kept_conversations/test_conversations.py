"""`/v1/conversations`: made, listed, read and deleted by their owner alone."""

import random
from typing import Any

import httpx
import pytest

from tests.unit.app.api.kept_conversations.conftest import (
    CAPITAL,
    Service,
    ask,
    begun,
    messages,
)


async def test_a_conversation_is_made_and_found(alice: httpx.AsyncClient) -> None:
    made = await alice.post(
        "/v1/conversations", json={"title": "Leave", "metadata": {"ticket": "7"}}
    )
    assert made.status_code == 201
    body = made.json()
    assert (body["title"], body["metadata"], body["turns"]) == ("Leave", {"ticket": "7"}, 0)
    found = await alice.get(f"/v1/conversations/{body['id']}")
    assert found.json() == body
    assert (await alice.get("/v1/conversations")).json()["data"] == [body]
    assert await messages(alice, body["id"]) == []


async def test_messages_say_all_of_a_turn(alice: httpx.AsyncClient) -> None:
    id = await begun(alice)
    answer = await ask(alice, id)
    question, reply = await messages(alice, id)
    assert (question["role"], question["content"], question["turn"]) == ("user", CAPITAL, 1)
    assert (reply["role"], reply["content"]) == ("assistant", answer["answer"])
    assert reply["status"] == "completed"
    [cited] = reply["citations"]
    assert cited["document_id"] == "paris"
    assert answer["answer"][cited["start"] : cited["end"]] == answer["answer"]
    assert (reply["release"], reply["finish_reason"]) == ("one", "stop")
    assert reply["request_id"] == answer["id"]
    for name in ("prompt_tokens", "completion_tokens"):
        assert reply["usage"][name] == answer["usage"][name]


async def test_pages(service: Service, alice: httpx.AsyncClient) -> None:
    ids = []
    for _ in range(5):
        service.now_s += 1
        ids.append(await begun(alice))
    first = (await alice.get("/v1/conversations", params={"limit": 3})).json()
    rest = (
        await alice.get("/v1/conversations", params={"limit": 3, "after": first["last_id"]})
    ).json()
    assert [one["id"] for one in (*first["data"], *rest["data"])] == ids[::-1]
    assert (first["has_more"], rest["has_more"]) == (True, False)
    for _ in range(3):
        await ask(alice, ids[0])
    page = (
        await alice.get(f"/v1/conversations/{ids[0]}/messages", params={"limit": 2, "after": 1})
    ).json()
    assert [one["turn"] for one in page["data"]] == [2, 2, 3, 3]
    assert (page["has_more"], page["last_turn"]) == (False, 3)


async def test_it_goes_when_it_is_deleted(alice: httpx.AsyncClient) -> None:
    id = await begun(alice)
    await ask(alice, id)
    gone = await alice.delete(f"/v1/conversations/{id}")
    assert (gone.status_code, gone.json()["deleted"]) == (200, True)
    for answer in (
        await alice.get(f"/v1/conversations/{id}"),
        await alice.delete(f"/v1/conversations/{id}"),
        await alice.get(f"/v1/conversations/{id}/messages"),
        await alice.post("/v1/query", json={"query": CAPITAL, "conversation_id": id}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_it_goes_with_time(service: Service, alice: httpx.AsyncClient) -> None:
    id, other = await begun(alice), await begun(alice)
    service.now_s += 29 * 86_400
    await ask(alice, id)
    service.now_s += 2 * 86_400
    assert (await alice.get(f"/v1/conversations/{other}")).status_code == 404
    await service.kept.sweep()
    assert [one["id"] for one in (await alice.get("/v1/conversations")).json()["data"]] == [id]
    service.use(ttl_days=1)
    assert (await alice.get("/v1/conversations")).json()["data"] == []
    await service.kept.sweep()
    service.use()
    assert (await alice.get(f"/v1/conversations/{id}")).status_code == 404


@pytest.mark.parametrize("id", ["conv_1", "x" * 300, "conv_" + "0" * 32])
async def test_what_is_no_id_is_not_found(alice: httpx.AsyncClient, id: str) -> None:
    for path in (f"/v1/conversations/{id}", f"/v1/conversations/{id}/messages"):
        assert (await alice.get(path)).status_code == 404


async def test_odd_names_of_users_are_refused(alice: httpx.AsyncClient) -> None:
    made = await alice.post("/v1/conversations", json={"user": "a\x00b"})
    assert made.status_code == 422
    listed = await alice.get("/v1/conversations", params={"user": "a\x00b"})
    assert listed.status_code == 422


async def test_off_there_are_none(service: Service, alice: httpx.AsyncClient) -> None:
    id = await begun(alice)
    service.use(enabled=False)
    made = await alice.post("/v1/conversations", json={})
    assert (made.status_code, made.json()["code"]) == (404, "not_found")
    for path, body in (
        ("/v1/query", {"query": CAPITAL, "conversation_id": id}),
        (
            "/v1/chat/completions",
            {
                "model": "ragserve",
                "messages": [{"role": "user", "content": CAPITAL}],
                "conversation_id": id,
            },
        ),
    ):
        refused = await alice.post(path, json=body)
        assert (refused.status_code, refused.json()["code"]) == (400, "unsupported_field")
        assert refused.json()["errors"][0]["field"] == "conversation_id"
    assert (await alice.post("/v1/query", json={"query": CAPITAL})).status_code == 200


async def test_a_database_that_is_away_is_said(service: Service, alice: httpx.AsyncClient) -> None:
    id = await begun(alice)
    with service.store._writing() as session:
        from sqlalchemy import text

        session.execute(text("ALTER TABLE conversations RENAME TO elsewhere"))
    for answer in (
        await alice.get(f"/v1/conversations/{id}"),
        await alice.post("/v1/query", json={"query": CAPITAL, "conversation_id": id}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
        assert answer.headers["retry-after"] == "1"
    assert (await alice.post("/v1/query", json={"query": CAPITAL})).status_code == 200


async def test_nobody_sees_a_turn_of_anybody_else(service: Service) -> None:
    """Random questions of two users of two keys each, and of another tenant, in random
    conversations of all of them: everybody finds their own turns, and no other."""
    chance = random.Random(7)
    people = [
        (service.client(name), user)
        for name in ("alice", "bob", "eve")
        for user in ("zoe", "max", None)
    ]
    owned: dict[str, int] = {}
    said: dict[str, list[str]] = {}
    for place, (client, user) in enumerate(people):
        for _ in range(2):
            fields = {} if user is None else {"user": user}
            owned[await begun(client, **fields)] = place
    outcomes = {200: 0, 404: 0}
    for number in range(120):
        id = chance.choice(list(owned))
        place = owned[id] if chance.random() < 0.4 else chance.randrange(len(people))
        client, user = people[place]
        named = {} if user is None else {"user": user}
        query = f"Secret {number} of {place}: what is the capital of France?"
        how = chance.choice(["query", "chat", "read", "delete", "response"])
        if how == "query":
            body: dict[str, Any] = {"query": query, "conversation_id": id} | named
            answer = await client.post("/v1/query", json=body)
        elif how == "chat":
            said_now = [{"role": "user", "content": query}]
            body = {"model": "echo", "conversation_id": id, "messages": said_now} | named
            answer = await client.post("/v1/chat/completions", json=body)
        elif how == "response":
            body = {"model": "echo", "conversation": id, "input": query} | named
            answer = await client.post("/v1/responses", json=body)
        elif how == "read" or place == owned[id]:
            answer = await client.get(f"/v1/conversations/{id}/messages", params=named)
        else:
            answer = await client.delete(f"/v1/conversations/{id}", params=named)
        outcomes[answer.status_code] += 1
        assert (answer.status_code == 200) == (place == owned[id]), (how, answer.text)
        if answer.status_code == 200 and how in ("query", "chat", "response"):
            said.setdefault(id, []).append(query)
    assert min(outcomes.values()) > 20
    for place, (client, user) in enumerate(people):
        named = {} if user is None else {"user": user}
        listed = (await client.get("/v1/conversations", params=named)).json()["data"]
        assert {one["id"] for one in listed} == {id for id, of in owned.items() if of == place}
        for one in listed:
            found = await messages(client, one["id"], **named)
            asked = [message["content"] for message in found if message["role"] == "user"]
            assert asked == said.get(one["id"], [])
            assert all(f" of {place}: " in text for text in asked)
    # What a model was shown is of one of them alone.
    for prompt in service.stages.echo.engine.prompts:
        said_by = {
            message.content.split(":")[0]
            for message in prompt.messages
            if message.content.startswith("Secret")
        }
        assert len({text.split()[-1] for text in said_by}) == 1
