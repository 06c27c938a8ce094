"""What chat programs ask for by themselves costs no search, and is no answer of a release."""

import json
from collections.abc import Sequence
from typing import Any

import httpx
import pytest

from app.api.application import create_app
from app.gateway import make_gateway
from app.releases.releases import Releases
from app.settings.cold.gateway import GatewayArgs
from app.telemetry.requests import FinishedRequest, Telemetry
from tests.doubles import DoubleDirectory
from tests.unit.app.answering.test_housekeeping import TAGS, TITLE
from tests.unit.app.conftest import LIVE


class Kept:
    """A sink that keeps what it is told."""

    def __init__(self) -> None:
        self.requests: list[FinishedRequest] = []

    def take(self, request: FinishedRequest) -> None:
        self.requests.append(request)


def said(text: str, model: str = "ragserve", **more: Any) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": text}]} | more


def content_of(lines: Sequence[str]) -> str:
    events = [line.removeprefix("data: ") for line in lines if line.startswith("data: {")]
    deltas = [json.loads(event)["choices"] for event in events]
    return "".join(one[0]["delta"].get("content") or "" for one in deltas if one)


async def test_a_title_is_answered_without_a_search(
    stages: DoubleDirectory, args: GatewayArgs
) -> None:
    kept = Kept()
    gateway = make_gateway(Releases(stages, lambda: LIVE), args, telemetry=Telemetry([kept]))
    transport = httpx.ASGITransport(create_app(gateway, args))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        answer = (await client.post("/v1/chat/completions", json=said(TITLE))).json()
    title = json.loads(answer["choices"][0]["message"]["content"])
    assert title == {"title": "How long is a lease valid"}
    assert answer["ragserve"]["housekeeping"] == "title"
    assert (answer["ragserve"]["sources"], answer["usage"]["total_tokens"]) == ([], 0)
    assert stages.embedder.calls == 0
    [request] = kept.requests
    # Usage and the figures of releases are made of these.
    notes = request.notes
    assert (notes.release, notes.attempt, notes.written, notes.messages) == ("", None, None, ())


async def test_a_stream_is_a_stream(loaded: httpx.AsyncClient) -> None:
    answer = await loaded.post("/v1/chat/completions", json=said(TAGS, stream=True))
    lines = answer.text.splitlines()
    assert json.loads(content_of(lines)) == {"tags": []}
    assert lines[-2:] == ["data: [DONE]", ""] or "data: [DONE]" in lines


async def test_a_language_model_writes_it_without_documents(loaded: httpx.AsyncClient) -> None:
    answer = await loaded.post("/v1/chat/completions", json=said(TITLE, "ragserve:llm"))
    body = answer.json()
    assert body["ragserve"]["housekeeping"] == "title"
    assert (body["ragserve"]["sources"], body["ragserve"]["release"]) == ([], None)
    assert body["usage"]["total_tokens"] > 0


@pytest.mark.parametrize("path", ["/v1/responses"])
async def test_other_forms_of_a_conversation_know_it_too(
    loaded: httpx.AsyncClient, path: str
) -> None:
    answer = await loaded.post(path, json={"model": "ragserve", "input": TITLE})
    assert answer.json()["ragserve"]["housekeeping"] == "title"


async def test_a_question_is_none(loaded: httpx.AsyncClient) -> None:
    answer = await loaded.post("/v1/chat/completions", json=said("What is the capital of France?"))
    assert answer.json()["ragserve"]["housekeeping"] is None
