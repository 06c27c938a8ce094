"""What is deleted goes everywhere, with a receipt; what is owed is tried until it is done."""

from typing import Any

import httpx
import pytest
from sqlalchemy import text

from deployments.contracts.erasure import user_mark
from deployments.contracts.errors import Unavailable
from tests.unit.app.api.kept_conversations.conftest import (
    CAPITAL,
    Service,
    ask,
    begun,
    messages,
)

SECRET = "Is the capital of France called Gadzooks?"


def states(deletion: dict[str, Any]) -> dict[str, str]:
    return {one["place"]: one["state"] for one in deletion["places"]}


def counts(deletion: dict[str, Any]) -> dict[str, dict[str, int]]:
    return {one["place"]: one["counts"] for one in deletion["places"]}


async def keyed(client: httpx.AsyncClient, key: str, **body: Any) -> httpx.Response:
    asked = {"model": "echo", "messages": [{"role": "user", "content": SECRET}]} | body
    return await client.post("/v1/chat/completions", json=asked, headers={"Idempotency-Key": key})


def rows_with(service: Service, said: str) -> list[str]:
    """Returns the tables of the database that hold a text."""
    found = []
    with service.store._reading() as session:
        names = session.scalars(text("SELECT name FROM sqlite_master WHERE type = 'table'")).all()
        for name in names:
            rows = session.execute(text(f'SELECT * FROM "{name}"')).all()
            if any(said in str(value) for row in rows for value in row):
                found.append(name)
    return sorted(found)


async def test_a_conversation_goes_everywhere(service: Service, alice: httpx.AsyncClient) -> None:
    id, other = await begun(alice), await begun(alice)
    await ask(alice, other)
    await ask(alice, id, SECRET)
    await keyed(alice, "k1", conversation_id=id)
    await keyed(alice, "k2", conversation_id=id)
    await service.settle()
    assert rows_with(service, "Gadzooks") == ["conversation_turns", "idempotent_pieces"]
    service.tracker.traces = 5
    gone = (await alice.delete(f"/v1/conversations/{id}")).json()
    assert gone["deleted"]
    receipt = gone["deletion"]
    assert set(states(receipt).values()) == {"erased"}
    assert counts(receipt) == {
        "conversations": {"conversations": 1, "turns": 3},
        "answers": {"answers": 2},
        "cache": {"cached_answers": 1},
        "query_samples": {"queries": 0},
        "assessments": {"assessments": 0},
        "traces": {"traces": 5},
    }
    assert rows_with(service, "Gadzooks") == []
    [scope] = {(one.tenant, one.conversation, one.user) for one in service.tracker.asked}
    assert scope == ("acme", id, "")
    assert len(await messages(alice, other)) == 2
    # A key whose answer is gone is as good as new.
    anew = await keyed(alice, "k1", conversation_id=other)
    assert "idempotent-replayed" not in anew.headers


async def test_all_of_a_user_goes(service: Service, alice: httpx.AsyncClient) -> None:
    zoe, max_ = await begun(alice, user="zoe"), await begun(alice, user="max")
    for id, user in ((zoe, "zoe"), (max_, "max")):
        answer = await keyed(alice, user, conversation_id=id, user=user)
        assert answer.status_code == 200
    await keyed(service.client("bob"), "bob", user="zoe")  # of another key, in no conversation
    eve = service.client("eve")
    foreign = await begun(eve, user="zoe")
    await ask(eve, foreign, user="zoe")
    await service.settle()
    refused = await alice.delete("/v1/users/zoe")
    assert refused.status_code == 403
    receipt = (await service.client("admin").delete("/v1/users/zoe")).json()
    assert counts(receipt)["conversations"] == {"conversations": 1, "turns": 1}
    assert counts(receipt)["answers"] == {"answers": 2}
    [scope] = set(service.tracker.asked)
    assert (scope.tenant, scope.user_mark) == ("acme", user_mark("acme", "zoe"))
    gone = await alice.get(f"/v1/conversations/{zoe}", params={"user": "zoe"})
    assert gone.status_code == 404
    assert len(await messages(alice, max_, user="max")) == 2
    assert len(await messages(eve, foreign, user="zoe")) == 2


async def test_what_is_away_is_owed_until_it_says_it_is_done(
    service: Service, alice: httpx.AsyncClient
) -> None:
    id = await begun(alice)
    await ask(alice, id)
    service.tracker.failure, service.tracker.traces = Unavailable("Away.", "tracker"), 1
    deletion = (await alice.delete(f"/v1/conversations/{id}")).json()["deletion"]
    assert states(deletion)["traces"] == "owed"
    assert [one["reason"] for one in deletion["places"] if one["state"] == "owed"] == [
        "unavailable"
    ]
    assert not deletion["is_done"]

    async def later(s: float) -> dict[str, Any]:
        service.now_s += s
        await service.eraser.retry()
        found = await alice.get(f"/v1/deletions/{deletion['id']}")
        body: dict[str, Any] = found.json()
        return body

    assert states(await later(120))["traces"] == "owed"
    service.tracker.failure = None
    assert states(await later(5))["traces"] == "owed"  # it was tried a moment ago
    found = await later(60)
    assert (states(found)["traces"], counts(found)["traces"]) == ("erased", {"traces": 1})
    assert not found["is_done"]  # what was on its way may have come after
    found = await later(60)
    assert found["is_done"]
    asked = len(service.tracker.asked)
    await later(60)
    assert len(service.tracker.asked) == asked
    service.now_s += 31 * 86_400
    await service.eraser.retry()
    assert (await alice.get(f"/v1/deletions/{deletion['id']}")).status_code == 404


async def test_what_was_under_way_goes_with_the_next_try(
    service: Service, alice: httpx.AsyncClient
) -> None:
    admin = service.client("admin")
    deletion = (await admin.delete("/v1/users/zoe")).json()
    assert not deletion["is_done"]
    # An answer that was being written: what is kept of it for repetitions comes only now.
    await keyed(alice, "late", user="zoe")
    await service.settle()
    # What zoe begins later is hers.
    service.now_s += 1
    new = await begun(alice, user="zoe")
    service.now_s += 60
    await service.eraser.retry()
    found = (await admin.get(f"/v1/deletions/{deletion['id']}")).json()
    assert counts(found)["answers"] == {"answers": 1}
    assert (await alice.get(f"/v1/conversations/{new}", params={"user": "zoe"})).status_code == 200
    service.now_s += 60
    await service.eraser.retry()
    assert (await admin.get(f"/v1/deletions/{deletion['id']}")).json()["is_done"]
    with service.store._reading() as session:
        assert session.scalars(text('SELECT "user" FROM deletions')).all() == [""]


async def test_receipts_are_of_a_tenant(service: Service, alice: httpx.AsyncClient) -> None:
    id = await begun(alice)
    deletion = (await alice.delete(f"/v1/conversations/{id}")).json()["deletion"]
    assert (await alice.get(f"/v1/deletions/{deletion['id']}")).status_code == 200
    assert (await service.client("eve").get(f"/v1/deletions/{deletion['id']}")).status_code == 404


async def test_a_deletion_is_possible_while_conversations_are_off(
    service: Service, alice: httpx.AsyncClient
) -> None:
    id = await begun(alice)
    await ask(alice, id)
    service.use(enabled=False)
    assert (await alice.delete(f"/v1/conversations/{id}")).status_code == 200
    assert rows_with(service, CAPITAL) == []


@pytest.mark.parametrize("name", ["bob", "eve"])
async def test_nobody_else_deletes(service: Service, alice: httpx.AsyncClient, name: str) -> None:
    id = await begun(alice)
    await ask(alice, id)
    assert (await service.client(name).delete(f"/v1/conversations/{id}")).status_code == 404
    assert service.tracker.asked == []
    assert len(await messages(alice, id)) == 2
