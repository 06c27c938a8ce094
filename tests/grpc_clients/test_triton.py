"""NVIDIA's client of Triton, unchanged: what it does against its own server, it does here."""

import os

import httpx
import numpy as np
import pytest
import tritonclient.grpc as triton
import tritonclient.grpc.aio as triton_aio

HTTP = os.environ.get("RAGSERVE_URL", "http://127.0.0.1:8000").rstrip("/")
TARGET = os.environ.get("RAGSERVE_GRPC", "127.0.0.1:9000")
TEXTS = ["a full queue", "Überlauf, 満員", "a sunny day"]


@pytest.fixture
def client():
    with triton.InferenceServerClient(TARGET) as client:
        yield client


def strings(name, texts):
    tensor = triton.InferInput(name, [len(texts)], "BYTES")
    tensor.set_data_from_numpy(np.array([text.encode() for text in texts], dtype=np.object_))
    return tensor


def test_it_finds_the_server_and_its_models(client):
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("embeddings")
    assert client.get_server_metadata().name == "ragserve"
    described = client.get_model_metadata("embeddings", as_json=True)
    assert described["inputs"] == [{"name": "text", "datatype": "BYTES", "shape": ["-1"]}]


def test_it_embeds_as_http_does(client):
    found = client.infer("embeddings", [strings("text", TEXTS)], client_timeout=60)
    vectors = found.as_numpy("embeddings")
    assert vectors.dtype == np.float32
    over_http = httpx.post(f"{HTTP}/v1/embeddings", json={"input": TEXTS}, timeout=60).json()
    expected = [one["embedding"] for one in over_http["data"]]
    assert np.allclose(vectors, expected, atol=1e-6)


def test_it_reranks(client):
    inputs = [
        strings("query", ["What happens when a queue is full?"]),
        strings("passages", ["The sun shines.", "A full queue is answered with 503."]),
    ]
    output = triton.InferRequestedOutput("scores")
    scores = client.infer("rerank", inputs, outputs=[output], request_id="7").as_numpy("scores")
    assert scores.shape == (2,)
    assert scores[1] > scores[0]


def test_its_timeout_and_parameters_arrive(client):
    request = [strings("text", TEXTS)]
    found = client.infer("embeddings", request, parameters={"input_type": "query"})
    assert found.as_numpy("embeddings").shape[0] == len(TEXTS)
    with pytest.raises(triton.InferenceServerException) as caught:
        client.infer("embeddings", request, timeout=1)  # a microsecond
    assert "DEADLINE_EXCEEDED" in caught.value.status()


def test_a_model_that_there_is_not_is_an_exception(client):
    with pytest.raises(triton.InferenceServerException) as caught:
        client.infer("no-such-model", [strings("text", TEXTS)])
    assert "NOT_FOUND" in caught.value.status()
    assert "model_not_found" in caught.value.message()


async def test_its_client_for_asyncio_embeds():
    async with triton_aio.InferenceServerClient(TARGET) as client:
        found = await client.infer("embeddings", [strings("text", TEXTS)])
        assert found.as_numpy("embeddings").shape[0] == len(TEXTS)
