"""Every promised error through a real socket, and nothing a client sends is a 500."""

import base64
import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.integration.cluster import Cluster, Frozen, until
from tests.unit.app.api.requests.test_problems import assert_problem

JSON = {"content-type": "application/json"}


@pytest.mark.parametrize(
    ("send", "status", "code"),
    [
        (lambda c: c.post("/v1/query", content=b"{", headers=JSON), 400, "malformed_request"),
        (lambda c: c.post("/v1/query", json={"query": ""}), 422, "invalid_request"),
        (lambda c: c.get("/v1/documents/nobody"), 404, "not_found"),
        (lambda c: c.get("/nowhere"), 404, "not_found"),
        (lambda c: c.put("/v1/query", json={}), 405, "method_not_allowed"),
        (
            lambda c: c.post("/v1/query", json={"query": "x" * 500_000}),
            413,
            "request_too_large",
        ),
        (lambda c: c.post("/v1/query", content=b"x"), 415, "unsupported_media_type"),
        (
            lambda c: c.post("/v1/search", json={"query": "x", "filter": {"$no": 1}}),
            422,
            "invalid_request",
        ),
        (
            lambda c: c.post("/v1/embeddings", json={"input": "x", "model": "no"}),
            404,
            "model_not_found",
        ),
    ],
    ids=["malformed", "schema", "id", "path", "method", "large", "media", "filter", "model"],
)
def test_client_errors(
    http: httpx.Client, send: Callable[[httpx.Client], httpx.Response], status: int, code: str
) -> None:
    assert_problem(send(http), status, code)


def test_a_stage_that_never_answers_is_504_at_the_deadline(
    cluster: Cluster, http: httpx.Client
) -> None:
    with Frozen(cluster.pids("retrieval-minilm", "Embedder")):
        started_s = time.monotonic()
        response = http.post("/v1/query", json={"query": "late"})
        took_s = time.monotonic() - started_s
    assert_problem(response, 504, "deadline_exceeded")
    assert 7.5 < took_s < 12


@pytest.mark.parametrize("value", ["0.01", "100", "-1", "nonsense"])
def test_serves_own_headers_do_not_change_the_time_limit(
    cluster: Cluster, http: httpx.Client, value: str
) -> None:
    headers = {"x-request-timeout-seconds": value, "x-request-disconnect-disabled": "?1"}
    assert http.post("/v1/query", json={"query": "quick"}, headers=headers).status_code == 200
    if value == "-1":
        with Frozen(cluster.pids("retrieval-minilm", "Embedder")):
            response = http.post("/v1/query", json={"query": "late"}, headers=headers)
        assert_problem(response, 504, "deadline_exceeded")


def test_overload_is_refused_at_once_with_retry_after(cluster: Cluster, http: httpx.Client) -> None:
    def ask(_: int) -> tuple[httpx.Response, float]:
        started_s = time.monotonic()
        response = httpx.post(f"{cluster.url}/v1/query", json={"query": "x"}, timeout=30)
        return response, time.monotonic() - started_s

    with Frozen(cluster.pids("retrieval-minilm", "Embedder")), ThreadPoolExecutor(40) as pool:
        answers = list(pool.map(ask, range(40)))
    refused = [(one, took_s) for one, took_s in answers if one.status_code == 503]
    assert len(refused) >= 40 - 24
    for response, took_s in refused:
        assert_problem(response, 503, "overloaded")
        assert int(response.headers["retry-after"]) >= 1
        assert took_s < 4
    assert {one.status_code for one, _ in answers} <= {503, 504}


def test_request_ids_are_kept_and_come_back_once(http: httpx.Client) -> None:
    # After a flood of failures the embedder is left alone for a moment.
    until(
        lambda: http.post("/v1/query", json={"query": "x"}).status_code == 200,
        within_s=15,
        what="the embedder is asked again",
    )
    response = http.post("/v1/query", json={"query": "x"}, headers={"x-request-id": "mine-1"})
    assert response.headers.get_list("x-request-id") == ["mine-1"]
    assert response.json()["id"] == "mine-1"


def test_broken_json_is_never_a_500(http: httpx.Client, shared_data: Path) -> None:
    lines = (shared_data / "json_test_suite/cases.jsonl").read_text("utf-8").split("\n")
    cases = [json.loads(line) for line in lines if line]
    assert len(cases) > 300
    for case in cases:
        raw = base64.b64decode(case["bytes_b64"])
        for path in ("/v1/query", "/v1/documents"):
            response = http.post(path, content=raw[:390_000], headers=JSON)
            assert response.status_code in (400, 422), (case, response.text)


def test_naughty_strings_are_never_a_500(http: httpx.Client, shared_data: Path) -> None:
    lines = (shared_data / "blns/strings.jsonl").read_text("utf-8").split("\n")
    texts = [json.loads(line)["text"] for line in lines if line]
    assert len(texts) > 500

    def search(text: str) -> tuple[str, httpx.Response]:
        return text, http.post("/v1/search", json={"query": text, "rerank": False, "top_n": 1})

    with ThreadPoolExecutor(8) as callers:
        for text, response in callers.map(search, texts):
            assert response.status_code in (200, 422), (text, response.text)
    documents = [
        {"id": f"naughty-{n}", "text": text, "title": text[:100] or None}
        for n, text in enumerate(texts)
    ]
    answer = http.post("/v1/documents", json={"documents": documents})
    assert answer.status_code == 200, answer.text
    for number in range(0, len(texts), 50):
        http.delete(f"/v1/documents/naughty-{number}")


def test_lone_surrogates_are_refused_not_fatal(http: httpx.Client) -> None:
    for body in (
        b'{"query": "\\ud800"}',
        b'{"query": "x", "\\udfff": 1}',
        b'{"query": "x", "filter": {"a": "\\ud800"}}',
    ):
        response = http.post("/v1/query", content=body, headers=JSON)
        assert response.status_code == 422, response.text
