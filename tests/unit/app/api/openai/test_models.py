"""Embeddings, rerank and the list of models over doubles."""

import base64

import httpx
import numpy as np
import pytest

from tests.doubles import DoubleDirectory, vector_of


async def test_embeddings_come_in_order_in_both_encodings(client: httpx.AsyncClient) -> None:
    asked = {"input": ["first", "second"], "model": "ragserve"}
    floats = (await client.post("/v1/embeddings", json=asked)).json()
    assert [one["index"] for one in floats["data"]] == [0, 1]
    np.testing.assert_allclose(floats["data"][1]["embedding"], vector_of("second"), rtol=1e-6)
    packed = (
        await client.post("/v1/embeddings", json=asked | {"encoding_format": "base64"})
    ).json()
    values = np.frombuffer(base64.b64decode(packed["data"][0]["embedding"]), "<f4")
    np.testing.assert_array_equal(values, vector_of("first"))
    assert floats["usage"] == {"prompt_tokens": 2, "total_tokens": 2, "cost_usd": None}


async def test_an_unknown_model_is_404(client: httpx.AsyncClient) -> None:
    response = await client.post("/v1/embeddings", json={"input": "x", "model": "gpt-9"})
    assert response.status_code == 404
    assert "gpt-9" in response.json()["detail"]


async def test_another_dimension_is_refused(client: httpx.AsyncClient) -> None:
    assert (
        await client.post("/v1/embeddings", json={"input": "x", "dimensions": 7})
    ).status_code == 422
    assert (
        await client.post("/v1/embeddings", json={"input": "x", "dimensions": 32})
    ).status_code == 200


async def test_an_array_of_token_ids_is_refused(client: httpx.AsyncClient) -> None:
    assert (await client.post("/v1/embeddings", json={"input": [1, 2, 3]})).status_code == 422


async def test_rerank_orders_and_returns_documents_on_request(client: httpx.AsyncClient) -> None:
    asked = {
        "query": "capital france",
        "documents": ["berlin", {"text": "the capital of france"}, "a capital"],
        "top_n": 2,
        "return_documents": True,
    }
    results = (await client.post("/v1/rerank", json=asked)).json()["results"]
    assert [one["index"] for one in results] == [1, 2]
    assert results[0]["document"] == {"text": "the capital of france"}
    assert results[0]["relevance_score"] > results[1]["relevance_score"]


async def test_models_lists_the_service_its_releases_and_its_models(
    client: httpx.AsyncClient,
) -> None:
    names = [one["id"] for one in (await client.get("/v1/models")).json()["data"]]
    assert names[:3] == ["ragserve", "auto", "dynamic"]
    assert names[3:5] == ["ragserve:llm", "ragserve:one"]
    assert "echo" in names
    assert "extractive" not in names, "nothing accepts it"
    assert "hashembedder-double" in names


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/embeddings", {"input": ["a"] * 2048, "model": "nobody"}),
        ("/v1/embeddings", {"input": ["a"] * 2048, "dimensions": 7}),
        ("/v1/rerank", {"query": "a", "documents": ["b"], "model": "nobody"}),
    ],
    ids=["model", "dimensions", "rerank"],
)
async def test_what_cannot_be_is_refused_before_the_work(
    client: httpx.AsyncClient,
    stages: DoubleDirectory,
    monkeypatch: pytest.MonkeyPatch,
    path: str,
    body: dict[str, object],
) -> None:
    async def work(*_: object, **__: object) -> None:
        raise AssertionError("nobody should have worked")

    monkeypatch.setattr(stages.embedder, "embed", work)
    monkeypatch.setattr(stages.reranker, "rerank", work)
    assert (await client.post(path, json=body)).status_code in (404, 422)


async def test_rerank_takes_the_form_of_text_embeddings_inference(
    client: httpx.AsyncClient,
) -> None:
    asked = {
        "query": "capital france",
        "texts": ["berlin", "the capital of france"],
        "raw_scores": False,
        "truncate": True,
    }
    found = (await client.post("/rerank", json=asked)).json()
    assert [one["index"] for one in found] == [1, 0]
    assert found[0]["score"] > found[1]["score"]
    with_text = (await client.post("/rerank", json={**asked, "return_text": True})).json()
    assert with_text[0]["text"] == "the capital of france"
    wrong = await client.post("/rerank", json={"query": "a", "texts": []})
    assert wrong.status_code == 422
    assert (await client.post("/v1/rerank", json=asked)).status_code == 422


async def test_reranking_for_infinitys_clients_has_plain_texts(client: httpx.AsyncClient) -> None:
    asked = {"query": "red ship", "documents": ["a blue car", "a red ship"], "top_n": 1}
    found = (await client.post("/infinity/rerank", json=asked)).json()
    [result] = found["results"]
    assert (result["index"], result["document"], found["object"]) == (1, None, "rerank")
    assert found["usage"]["prompt_tokens"] == found["usage"]["total_tokens"] > 0
    asked["return_documents"] = True
    found = (await client.post("/infinity/rerank", json=asked)).json()
    assert found["results"][0]["document"] == "a red ship"
