"""`POST /ask`: the shortest way to an answer."""

import httpx
import pytest

from app.api.application import create_app
from app.gateway import make_gateway
from app.releases.releases import Releases
from app.settings.cold.gateway import GatewayArgs
from tests.doubles import DoubleDirectory
from tests.unit.app.conftest import LIVE


async def test_it_answers_as_the_query_does(loaded: httpx.AsyncClient) -> None:
    question = "What is the capital of France?"
    asked = (await loaded.post("/ask", json={"question": question, "max_tokens": 50})).json()
    queried = (await loaded.post("/v1/query", json={"query": question})).json()
    for own in ("id", "request_id", "timings"):
        assert asked.pop(own)
        assert queried.pop(own)
    assert asked == queried


async def test_the_bound_reaches_who_writes(stages: DoubleDirectory, args: GatewayArgs) -> None:
    releases = Releases(stages, lambda: LIVE)
    app = create_app(make_gateway(releases, args, admin_key="key"), args)
    headers = {"Authorization": "Bearer key", "X-Ragserve-Release": "llm"}
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        note = {"id": "paris", "text": "Paris is the capital of France."}
        await client.post("/v1/documents", json={"documents": [note]})
        body = {"question": "What is the capital of France?", "max_tokens": 3}
        answer = (await client.post("/ask", json=body, headers=headers)).json()
    assert (answer["usage"]["completion_tokens"], answer["finish_reason"]) == (3, "length")


@pytest.mark.parametrize(
    "body", [{}, {"question": " "}, {"question": "Q", "max_tokens": 0}, {"query": "Q"}]
)
async def test_what_is_wrong_is_named(client: httpx.AsyncClient, body: dict[str, object]) -> None:
    response = await client.post("/ask", json=body)
    assert response.status_code == 422
    assert response.json()["errors"]
