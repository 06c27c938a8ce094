"""LiteLLM, Hugging Face's client, Cohere's, and the command `llm`."""

import json
import os
import subprocess
import sys

import pytest

from tests.clients.service import FOLLOW_UP, IN_ANSWER, KEY, QUESTION, ROOT, V1

ASKED = {"role": "user", "content": QUESTION}
TEXTS = ["Ships sail.", "Cats sleep a lot."]


@pytest.mark.client("litellm", "completion, two turns, streamed")
def test_litellm_chat():
    litellm = pytest.importorskip("litellm")
    asked = {"model": "openai/ragserve", "api_base": V1, "api_key": KEY}
    first = litellm.completion(messages=[ASKED], metadata={"a": "b"}, **asked)
    assert IN_ANSWER in first.choices[0].message.content
    turns = [ASKED, first.choices[0].message, {"role": "user", "content": FOLLOW_UP}]
    assert litellm.completion(messages=turns, **asked).choices[0].message.content
    chunks = litellm.completion(messages=[ASKED], stream=True, **asked)
    assert IN_ANSWER in "".join(chunk.choices[0].delta.content or "" for chunk in chunks)


@pytest.mark.client("litellm", "embedding")
def test_litellm_embedding():
    litellm = pytest.importorskip("litellm")
    answer = litellm.embedding("openai/ragserve", input=["a"], api_base=V1, api_key=KEY)
    assert len(answer.data[0]["embedding"]) == 384


@pytest.mark.parametrize(
    ("provider", "base"),
    [
        ("cohere", f"{ROOT}/v2/rerank"),
        ("jina_ai", V1),
        ("hosted_vllm", ROOT),
        ("infinity", f"{ROOT}/infinity"),
    ],
)
@pytest.mark.client("litellm", "rerank: cohere/, jina_ai/, hosted_vllm/, infinity/")
def test_litellm_rerank(provider, base):
    litellm = pytest.importorskip("litellm")
    answer = litellm.rerank(
        f"{provider}/ragserve", query="animals", documents=TEXTS, api_base=base, api_key=KEY
    )
    assert answer.results[0]["index"] == 1


@pytest.mark.client("huggingface-hub", "InferenceClient, two turns, streamed")
def test_hugging_face():
    hub = pytest.importorskip("huggingface_hub")
    client = hub.InferenceClient(base_url=V1, api_key=KEY)
    first = client.chat_completion([ASKED], model="ragserve")
    assert IN_ANSWER in first.choices[0].message.content
    turns = [ASKED, first.choices[0].message, {"role": "user", "content": FOLLOW_UP}]
    assert client.chat_completion(turns, model="ragserve").choices[0].message.content
    chunks = client.chat_completion([ASKED], model="ragserve", stream=True)
    assert IN_ANSWER in "".join(chunk.choices[0].delta.content or "" for chunk in chunks)


@pytest.mark.parametrize("name", ["Client", "ClientV2"])
@pytest.mark.client("cohere", "rerank: Client and ClientV2")
def test_cohere(name):
    cohere = pytest.importorskip("cohere")
    client = getattr(cohere, name)(api_key=KEY, base_url=ROOT)
    answer = client.rerank(model="ragserve", query="animals", documents=TEXTS, top_n=1)
    assert answer.results[0].index == 1


@pytest.mark.client("llm", "extra-openai-models.yaml: prompt, conversation")
def test_llm(tmp_path):
    pytest.importorskip("llm")
    entry = f"- model_id: guide\n  model_name: ragserve\n  api_base: {V1}\n"
    (tmp_path / "extra-openai-models.yaml").write_text(entry)
    (tmp_path / "keys.json").write_text(json.dumps({"openai": KEY}))
    environment = {**os.environ, "LLM_USER_PATH": str(tmp_path)}
    for extra in ([], ["--no-stream"], ["-c", "-o", "temperature", "0.2"]):
        run = [sys.executable, "-m", "llm", "-m", "guide", *extra, QUESTION]
        result = subprocess.run(run, env=environment, capture_output=True, text=True, timeout=120)
        assert result.returncode == 0, result.stderr
        assert IN_ANSWER in result.stdout
