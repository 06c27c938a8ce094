"""`/v1/batches` and the files of batches, used by OpenAI's own client."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import openai
import pytest

from app.settings.cold.gateway import GatewayArgs
from tests.unit.app.api.requests.test_problems import assert_problem
from tests.unit.app.batches.conftest import ADMIN, Service

JSONL = {"content-type": "application/jsonl"}
TEXT = {"content-type": "text/plain; charset=utf-8"}


def chat(custom_id: str, url: str = "/v1/chat/completions") -> str:
    messages = [{"role": "user", "content": "What is the capital of France?"}]
    body = {"model": "ragserve", "messages": messages}
    line = {"custom_id": custom_id, "method": "POST", "url": url, "body": body}
    return json.dumps(line)


@asynccontextmanager
async def openai_client(service: Service, key: str = "sk-any") -> AsyncIterator[openai.AsyncOpenAI]:
    async with (
        service.client() as http,
        openai.AsyncOpenAI(
            base_url="http://test/v1",
            api_key=key,
            max_retries=0,
            http_client=http,  # type: ignore[arg-type]
        ) as client,
    ):
        yield client


async def test_the_flow_of_openais_client_works_unchanged(service: Service) -> None:
    runner = service.runner()
    async with openai_client(service) as api:
        content = "\n".join(chat(f"c{place}") for place in range(3)).encode()
        file = await api.files.create(file=("in.jsonl", content), purpose="batch")
        assert (file.purpose, file.bytes, file.filename) == ("batch", len(content), "in.jsonl")
        assert file.id not in service.stages.retriever.written
        assert (await api.files.content(file.id)).content == content
        batch = await api.batches.create(
            input_file_id=file.id,
            endpoint="/v1/chat/completions",
            completion_window="24h",
            metadata={"team": "hr"},
        )
        assert (batch.status, batch.metadata) == ("in_progress", {"team": "hr"})
        assert batch.expires_at == batch.created_at + 86_400
        runner.begin()
        await service.until(batch.id, lambda now: now.status == "completed")
        await runner.close()
        done = await api.batches.retrieve(batch.id)
        assert done.request_counts is not None
        assert (done.request_counts.completed, done.request_counts.total) == (3, 3)
        assert done.output_file_id is not None
        lines = (await api.files.content(done.output_file_id)).text.splitlines()
        read = [json.loads(line) for line in lines]
        assert [line["custom_id"] for line in read] == ["c0", "c1", "c2"]
        answer = read[0]["response"]["body"]["choices"][0]["message"]["content"]
        assert "Paris" in answer
        assert [one.id async for one in api.batches.list()] == [batch.id]
        names = [one.id async for one in api.files.list(purpose="batch_output")]
        assert names == [done.output_file_id]
        everything = [one.purpose async for one in api.files.list(limit=1)]
        assert everything == ["assistants", "batch", "batch_output"]
        assert (await api.files.delete(done.output_file_id)).deleted
        with pytest.raises(openai.NotFoundError):
            await api.files.content(done.output_file_id)
        with pytest.raises(openai.ConflictError):
            await api.batches.cancel(batch.id)


async def test_cancelling_keeps_what_was_answered(service: Service) -> None:
    async with openai_client(service) as api:
        content = chat("a").encode()
        file = await api.files.create(file=("in.jsonl", content), purpose="batch")
        batch = await api.batches.create(
            input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h"
        )
        cancelled = await api.batches.cancel(batch.id)
        assert cancelled.status == "cancelled"
        assert cancelled.cancelled_at is not None


async def test_a_file_that_is_no_batch_fails_with_line_numbers(service: Service) -> None:
    async with openai_client(service) as api:
        content = "\n".join([chat("a"), "{no json", chat("a"), chat("b", url="/v1/files")])
        file = await api.files.create(file=("in.jsonl", content.encode()), purpose="batch")
        batch = await api.batches.create(
            input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h"
        )
        assert batch.status == "failed"
        assert batch.failed_at is not None
        assert batch.errors is not None
        assert batch.errors.data is not None
        assert [(error.line, error.code) for error in batch.errors.data] == [
            (2, "invalid_json_line"),
            (3, "duplicate_custom_id"),
            (4, "invalid_url"),
        ]


async def test_lines_may_come_in_the_body(service: Service) -> None:
    async with service.client() as client:
        text = "What is the capital of France?\n\nAnd of Japan?\n"
        answer = await client.post("/v1/batches", content=text.encode(), headers=TEXT)
        batch = answer.json()
        assert (batch["status"], batch["endpoint"]) == ("in_progress", "/v1/query")
        assert batch["request_counts"]["total"] == 2
        content = await client.get(f"/v1/files/{batch['input_file_id']}/content")
        assert [json.loads(line)["custom_id"] for line in content.text.splitlines()] == [
            "line-1",
            "line-3",
        ]
        jsonl = await client.post("/v1/batches", content=chat("a").encode(), headers=JSONL)
        assert jsonl.json()["endpoint"] == "/v1/chat/completions"


@pytest.mark.parametrize(
    ("body", "headers", "status", "code"),
    [
        (b'{"input_file_id": "file-batch-0", "endpoint": "/v1/query"}', None, 422, None),
        (b"{", None, 400, "malformed_request"),
        (b"<xml/>", {"content-type": "application/xml"}, 415, "unsupported_media_type"),
        (b"\xff\xfe", TEXT, 400, "malformed_request"),
    ],
)
async def test_what_cannot_be_read_is_a_problem(
    service: Service, body: bytes, headers: dict[str, str] | None, status: int, code: str | None
) -> None:
    async with service.client() as client:
        headers = headers or {"content-type": "application/json"}
        response = await client.post("/v1/batches", content=body, headers=headers)
        assert_problem(response, status, code or "invalid_request")


async def test_a_window_and_fields_that_mean_nothing_here_are_refused(service: Service) -> None:
    body: dict[str, Any] = {"input_file_id": "file-batch-0", "endpoint": "/v1/query"}
    async with service.client() as client:
        soon = await client.post("/v1/batches", json={**body, "completion_window": "soon"})
        assert_problem(soon, 422, "invalid_request")
        expires = {"anchor": "created_at", "seconds": 3600}
        kept = {**body, "completion_window": "24h", "output_expires_after": expires}
        assert_problem(await client.post("/v1/batches", json=kept), 400, "unsupported_field")
        missing = await client.post("/v1/batches", json={**body, "completion_window": "24h"})
        assert_problem(missing, 404, "not_found")


async def test_callers_see_their_own_and_operators_all(service: Service) -> None:
    text = b"What is the capital of France?"
    async with service.client("sk-alice") as alice:
        batch = (await alice.post("/v1/batches", content=text, headers=TEXT)).json()
        assert (await alice.get(f"/v1/batches/{batch['id']}")).status_code == 200
    path, file = f"/v1/batches/{batch['id']}", f"/v1/files/{batch['input_file_id']}"
    for key in ("sk-bob", ""):
        async with service.client(key) as other:
            assert_problem(await other.get(path), 404, "not_found")
            assert_problem(await other.post(f"{path}/cancel"), 404, "not_found")
            assert_problem(await other.get(f"{file}/content"), 404, "not_found")
            assert (await other.get("/v1/batches")).json()["data"] == []
            purposes = (await other.get("/v1/files?purpose=batch")).json()["data"]
            assert purposes == []
    async with service.client(ADMIN) as operator:
        assert (await operator.get(path)).json()["id"] == batch["id"]
        assert len((await operator.get("/v1/batches")).json()["data"]) == 1


async def test_without_a_control_application_it_says_so(client: httpx.AsyncClient) -> None:
    response = await client.post("/v1/batches", content=b"Why?", headers=TEXT)
    assert_problem(response, 404, "not_found")
    assert "control application" in response.json()["detail"]
    files = {"file": ("in.jsonl", b"{}")}
    upload = await client.post("/v1/files", files=files, data={"purpose": "batch"})
    assert_problem(upload, 404, "not_found")
    assert (await client.get("/v1/files?purpose=batch")).json()["data"] == []


async def test_a_file_over_the_bound_is_refused(service: Service, args: GatewayArgs) -> None:
    async with service.client() as client:
        large = b"x" * (args.max_upload_bytes + 1)
        response = await client.post("/v1/batches", content=large, headers=JSONL)
        assert_problem(response, 413, "request_too_large")
