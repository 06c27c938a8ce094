"""Every error has one shape, whatever it was that failed."""

from typing import Any

import httpx
import pytest

from app.problems import STATUS_OF_CODE
from deployments.contracts import errors
from deployments.contracts.errors import RagError
from tests.doubles import DoubleDirectory

PROBLEM_MEMBERS = {
    "type",
    "title",
    "status",
    "detail",
    "instance",
    "code",
    "request_id",
    "errors",
    "error",
}
JSON = {"content-type": "application/json"}


def assert_problem(response: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """A problem body of RFC 9457 that names the request and can be read by OpenAI's clients."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    assert set(body) == PROBLEM_MEMBERS
    assert body["status"] == status
    assert body["code"] == code
    assert body["request_id"] == response.headers["x-request-id"]
    assert body["error"]["code"] == code
    return body


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b'{"query": }',
        b"\xff\xfe",
        b'{"query": "\xff"}',
        b"[" * 5000,
        b'{"query": ' + b"9" * 5000 + b"}",
    ],
    ids=["empty", "open", "no-value", "not-utf8", "bad-utf8-inside", "too-deep", "huge-integer"],
)
async def test_malformed_json_is_400(client: httpx.AsyncClient, content: bytes) -> None:
    response = await client.post("/v1/query", content=content, headers=JSON)
    if content:
        assert_problem(response, 400, "malformed_request")
    else:
        assert_problem(response, 422, "invalid_request")


async def test_schema_errors_name_their_fields(client: httpx.AsyncClient) -> None:
    response = await client.post("/v1/query", json={"query": "x", "top_k": 0, "top_n": 0})
    body = assert_problem(response, 422, "invalid_request")
    assert {one["field"] for one in body["errors"]} == {"top_k", "top_n"}
    assert body["error"]["param"] in {"top_k", "top_n"}


async def test_a_secret_in_a_bad_value_is_not_echoed(client: httpx.AsyncClient) -> None:
    response = await client.post("/v1/query", json={"query": "x", "top_k": "hunter2"})
    assert "hunter2" not in response.text


async def test_unknown_path_is_404(client: httpx.AsyncClient) -> None:
    assert_problem(await client.get("/v1/nothing"), 404, "not_found")


async def test_unknown_id_is_404(client: httpx.AsyncClient) -> None:
    assert_problem(await client.get("/v1/documents/nobody"), 404, "not_found")
    assert_problem(await client.delete("/v1/documents/nobody"), 404, "not_found")


async def test_wrong_method_is_405_and_says_which_are_allowed(client: httpx.AsyncClient) -> None:
    response = await client.get("/v1/query")
    assert_problem(response, 405, "method_not_allowed")
    assert response.headers["allow"] == "POST, OPTIONS"


async def test_body_over_the_bound_is_413_told_or_counted(client: httpx.AsyncClient) -> None:
    large = b'{"query": "' + b"x" * 30_000 + b'"}'
    assert_problem(
        await client.post("/v1/query", content=large, headers=JSON), 413, "request_too_large"
    )

    async def untold():  # type: ignore[no-untyped-def]
        for start in range(0, len(large), 1000):
            yield large[start : start + 1000]

    assert_problem(
        await client.post("/v1/query", content=untold(), headers=JSON), 413, "request_too_large"
    )


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "application/xml", ""]
)
@pytest.mark.parametrize("path", ["/v1/query", "/v1/embeddings", "/v1/documents"])
async def test_other_media_types_are_415(client: httpx.AsyncClient, path: str, kind: str) -> None:
    response = await client.post(path, content=b'{"query": "x"}', headers={"content-type": kind})
    assert_problem(response, 415, "unsupported_media_type")


async def test_a_bug_is_a_500_without_its_text(
    client: httpx.AsyncClient, stages: DoubleDirectory
) -> None:
    stages.embedder.failure = KeyError("/secret/path")  # type: ignore[assignment]
    response = await client.post("/v1/query", json={"query": "x"})
    assert_problem(response, 500, "internal")
    assert "secret" not in response.text


async def test_over_the_concurrency_bound_is_503_with_retry_after(
    client: httpx.AsyncClient, stages: DoubleDirectory
) -> None:
    import asyncio

    release = asyncio.Event()
    entered = stages.embedder.embed

    async def slow(*args: Any, **kwargs: Any) -> Any:
        await release.wait()
        return await entered(*args, **kwargs)

    stages.embedder.embed = slow  # type: ignore[assignment, method-assign]
    running = [asyncio.create_task(client.post("/v1/query", json={"query": "x"})) for _ in range(4)]
    await asyncio.sleep(0.05)
    refused = await client.post("/v1/query", json={"query": "x"})
    assert_problem(refused, 503, "overloaded")
    assert refused.headers["retry-after"] == "1"
    assert (await client.get("/health/live")).status_code == 200
    release.set()
    assert [one.status_code for one in await asyncio.gather(*running)] == [200] * 4


def test_every_error_code_has_a_status() -> None:
    def below(kind: type[RagError]) -> list[type[RagError]]:
        return [kind, *(lower for one in kind.__subclasses__() for lower in below(one))]

    assert {one.code for one in below(errors.RagError)} <= set(STATUS_OF_CODE)
