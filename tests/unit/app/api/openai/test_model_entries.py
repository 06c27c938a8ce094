"""What a name may be asked for, and names that stand for others."""

from collections.abc import AsyncIterator

import httpx
import pytest
from pydantic import ValidationError

from app.api.application import create_app
from app.gateway import make_gateway
from app.releases.releases import Releases
from app.settings.cold.gateway import GatewayArgs
from app.settings.live.gateway import GatewayLive
from app.settings.live.prices import Prices, PriceTable
from tests.doubles import DoubleDirectory
from tests.unit.app.conftest import LIVE

ASKED = [{"role": "user", "content": "What is the capital of France?"}]
ALIASES = {
    "gpt-4o": "ragserve:llm",
    "llama3.2:latest": "echo",
    "text-embedding-3-small": "ragserve",
}


@pytest.fixture
async def aliased(stages: DoubleDirectory) -> AsyncIterator[httpx.AsyncClient]:
    prices = PriceTable(models={"echo": Prices(prompt_usd_per_million_tokens=0.5)})
    live = LIVE.model_copy(update={"aliases": ALIASES, "prices": prices})
    args = GatewayArgs()
    app = create_app(make_gateway(Releases(stages, lambda: live), args), args)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://t") as client:
        yield client


async def entries(client: httpx.AsyncClient) -> dict[str, dict[str, object]]:
    return {one["id"]: one["ragserve"] for one in (await client.get("/v1/models")).json()["data"]}


async def test_entries_say_what_a_name_is_for(aliased: httpx.AsyncClient) -> None:
    found = await entries(aliased)
    assert found["ragserve"]["purposes"] == ["chat", "embeddings", "rerank"]
    assert found["ragserve:llm"]["purposes"] == ["chat", "completions"]
    assert found["echo"]["purposes"] == ["chat", "completions"]
    assert found["hashembedder-double"]["purposes"] == ["embeddings"]
    assert found["echo"]["streams"] is True
    assert found["ragserve"]["streams"] is False
    prices = found["ragserve:llm"]["prices"]
    assert isinstance(prices, dict)
    assert prices["prompt_usd_per_million_tokens"] == 0.5
    free = found["ragserve"]["prices"]
    assert isinstance(free, dict)
    assert free["prompt_usd_per_million_tokens"] == 0.0


async def test_every_name_of_the_list_answers_for_what_it_is_for(
    aliased: httpx.AsyncClient,
) -> None:
    for name, entry in (await entries(aliased)).items():
        requests: dict[str, tuple[str, dict[str, object]]] = {
            "chat": ("/v1/chat/completions", {"messages": ASKED}),
            "completions": ("/v1/completions", {"prompt": "x"}),
            "embeddings": ("/v1/embeddings", {"input": "x"}),
            "rerank": ("/v1/rerank", {"query": "x", "documents": ["y"]}),
        }
        purposes = entry["purposes"]
        assert isinstance(purposes, list)
        for purpose, (path, body) in requests.items():
            answer = await aliased.post(path, json={"model": name, **body})
            assert (answer.status_code == 200) is (purpose in purposes), (
                name,
                purpose,
                answer.text,
            )
            if answer.status_code == 200:
                assert answer.json()["model"] == name


async def test_an_alias_is_listed_and_stands_for_its_target(aliased: httpx.AsyncClient) -> None:
    found = await entries(aliased)
    assert {name: found[name]["alias_of"] for name in ALIASES} == ALIASES
    answer = await aliased.post("/v1/chat/completions", json={"model": "gpt-4o", "messages": ASKED})
    assert answer.json()["model"] == "gpt-4o"
    assert answer.json()["ragserve"]["release"] == "llm"
    one = await aliased.get("/v1/models/llama3.2:latest")
    assert one.json()["ragserve"]["model"] == "echo"


@pytest.mark.parametrize(
    ("path", "body", "purpose"),
    [
        ("/v1/chat/completions", {"messages": ASKED}, "chat"),
        ("/v1/embeddings", {"input": "x"}, "embeddings"),
        ("/v1/rerank", {"query": "x", "documents": ["y"]}, "rerank"),
    ],
)
async def test_an_unknown_model_says_where_to_look(
    client: httpx.AsyncClient, path: str, body: dict[str, object], purpose: str
) -> None:
    answer = await client.post(path, json={"model": "gpt-9", **body})
    assert answer.status_code == 404
    error = answer.json()["error"]
    assert (error["code"], error["param"]) == ("model_not_found", "model")
    assert f"'gpt-9' for {purpose}" in error["message"]


@pytest.mark.parametrize(
    ("aliases", "reason"),
    [
        ({"ragserve": "echo"}, "meaning of its own"),
        ({"auto": "echo"}, "meaning of its own"),
        ({"a": "ragserve:nobody"}, "does not exist"),
        ({"a": "b", "b": "ragserve"}, "another alias"),
        ({"a\nb": "ragserve"}, "pattern"),
    ],
)
def test_an_alias_that_cannot_be_is_refused(aliases: dict[str, str], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        GatewayLive.model_validate({**LIVE.model_dump(exclude_unset=True), "aliases": aliases})
