"""OpenAI's own library."""

import json
import time

import pytest

from tests.clients.service import FOLLOW_UP, IN_ANSWER, KEY, QUESTION, V1

openai = pytest.importorskip("openai")
ASKED = {"role": "user", "content": QUESTION}


@pytest.fixture
def api():
    with openai.OpenAI(base_url=V1, api_key=KEY) as client:
        yield client


@pytest.mark.client("openai", "chat")
def test_chat(api):
    answer = api.chat.completions.create(model="ragserve", messages=[ASKED])
    assert IN_ANSWER in answer.choices[0].message.content
    assert answer.model == "ragserve"
    assert answer.choices[0].message.annotations[0].url_citation.url.startswith("docs/")


@pytest.mark.client("openai", "chat, second turn as it came")
def test_second_turn(api):
    first = api.chat.completions.create(model="ragserve", messages=[ASKED])
    message = first.choices[0].message
    last = {"role": "user", "content": FOLLOW_UP}
    for said in (message, message.model_dump(), message.to_dict()):
        again = api.chat.completions.create(model="ragserve", messages=[ASKED, said, last])
        assert again.choices[0].message.content


@pytest.mark.client("openai", "chat, streamed")
def test_stream(api):
    chunks = list(
        api.chat.completions.create(
            model="ragserve",
            messages=[ASKED],
            stream=True,
            stream_options={"include_usage": True, "include_obfuscation": False},
        )
    )
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert IN_ANSWER in text
    assert chunks[-1].usage.total_tokens > 0


@pytest.mark.client("openai", "chat, stream helper")
def test_stream_helper(api):
    with api.chat.completions.stream(model="ragserve", messages=[ASKED]) as stream:
        kinds = {event.type for event in stream}
        assert "content.delta" in kinds
        assert IN_ANSWER in stream.get_final_completion().choices[0].message.content


@pytest.mark.client("openai", "chat, fields of bookkeeping and null")
def test_fields_without_effect(api):
    answer = api.chat.completions.create(
        model="ragserve",
        messages=[ASKED],
        metadata={"ticket": "7"},
        store=False,
        service_tier="auto",
        safety_identifier="u-1",
        prompt_cache_key="k",
        tools=[],
        tool_choice="auto",
        parallel_tool_calls=False,
        presence_penalty=0,
        frequency_penalty=0,
        n=1,
        modalities=["text"],
        extra_body={"stream": None, "functions": None, "top_k": -1},
    )
    assert answer.ragserve["ignored"] == []


@pytest.mark.client("openai", "chat, fields that nobody knows are named")
def test_unknown_fields_are_named(api):
    raw = api.chat.completions.with_raw_response.create(
        model="ragserve", messages=[ASKED], reasoning_effort="low", extra_body={"chat_id": "7"}
    )
    assert set(raw.headers["x-ragserve-ignored"].split(", ")) == {"reasoning_effort", "chat_id"}


@pytest.mark.client("openai", "errors with code and field")
def test_errors(api):
    with pytest.raises(openai.NotFoundError) as unknown:
        api.chat.completions.create(model="gpt-9", messages=[ASKED])
    assert (unknown.value.code, unknown.value.param) == ("model_not_found", "model")
    with pytest.raises(openai.BadRequestError) as refused:
        api.chat.completions.parse(
            model="ragserve", messages=[ASKED], response_format={"type": "json_object"}
        )
    assert refused.value.param == "response_format"
    tool = {"type": "function", "function": {"name": "f", "parameters": {}}}
    with pytest.raises(openai.BadRequestError, match="tools"):
        api.chat.completions.create(model="ragserve", messages=[ASKED], tools=[tool])


@pytest.mark.client("openai", "embeddings")
def test_embeddings(api):
    answer = api.embeddings.create(model="ragserve", input=["a", "b"])
    assert [len(one.embedding) for one in answer.data] == [384, 384]
    floats = api.embeddings.create(model="ragserve", input="a", encoding_format="float")
    assert floats.data[0].embedding == pytest.approx(answer.data[0].embedding, abs=1e-3)


@pytest.mark.client("openai", "models")
def test_models(api):
    names = [model.id for model in api.models.list()]
    assert names[0] == "ragserve"
    assert api.models.retrieve("ragserve").id == "ragserve"


@pytest.mark.client("openai", "chat, asynchronous")
async def test_asynchronous():
    async with openai.AsyncOpenAI(base_url=V1, api_key=KEY) as client:
        answer = await client.chat.completions.create(model="ragserve", messages=[ASKED])
        assert IN_ANSWER in answer.choices[0].message.content


@pytest.mark.client("openai", "responses: whole, second turn, streamed")
def test_responses(api):
    first = api.responses.create(model="ragserve", input=QUESTION)
    assert IN_ANSWER in first.output_text
    [cited, *_] = first.output[0].content[0].annotations
    assert cited.url.startswith("docs/")
    turns = [ASKED, *first.output, {"role": "user", "content": FOLLOW_UP}]
    assert api.responses.create(model="ragserve", input=turns).output_text
    with api.responses.stream(model="ragserve", input=QUESTION) as stream:
        kinds = {event.type for event in stream}
        assert {"response.created", "response.output_text.delta", "response.completed"} <= kinds
        assert IN_ANSWER in stream.get_final_response().output_text


@pytest.mark.client("openai", "files, vector stores, file_search")
def test_files(api):
    text = b"# Tide gate\n\nThe tide gate of Ullapool is closed by Morag at half past four."
    file = api.files.create(file=("tide-gate.md", text), purpose="assistants")
    try:
        assert file.id in [one.id for one in api.files.list()]
        attached = api.vector_stores.files.create_and_poll(
            vector_store_id="vs_default", file_id=file.id, attributes={"place": "ullapool"}
        )
        assert attached.status == "completed"
        question = "Who closes the tide gate of Ullapool?"
        only = {"type": "eq", "key": "place", "value": "ullapool"}
        found = api.vector_stores.search("vs_default", query=question, filters=only)
        assert found.data[0].file_id == file.id
        tool = {"type": "file_search", "vector_store_ids": ["vs_default"], "filters": only}
        answer = api.responses.create(model="ragserve", input=question, tools=[tool])
        assert "Morag" in answer.output_text
    finally:
        assert api.files.delete(file.id).deleted


@pytest.mark.client("openai", "batches")
def test_batches(api):
    body = {"model": "ragserve", "messages": [ASKED]}
    lines = [
        {"custom_id": name, "method": "POST", "url": "/v1/chat/completions", "body": body}
        for name in ("first", "second")
    ]
    content = "\n".join(map(json.dumps, lines)).encode()
    file = api.files.create(file=("questions.jsonl", content), purpose="batch")
    batch = api.batches.create(
        input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h"
    )
    ends = time.monotonic() + 60
    while batch.status != "completed" and time.monotonic() < ends:
        time.sleep(0.2)
        batch = api.batches.retrieve(batch.id)
    assert batch.status == "completed"
    assert batch.id in [one.id for one in api.batches.list()]
    answers = list(map(json.loads, api.files.content(batch.output_file_id).text.splitlines()))
    assert [answer["custom_id"] for answer in answers] == ["first", "second"]
    for answer in answers:
        assert IN_ANSWER in answer["response"]["body"]["choices"][0]["message"]["content"]
