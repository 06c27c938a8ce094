"""`/v1/chat/completions` and `/v1/completions`, asked by OpenAI's own client."""

import asyncio
from typing import Any

import httpx
import openai
import pytest
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from deployments.contracts.errors import (
    BackendFailed,
    DeadlineExceeded,
    Overloaded,
    PromptTooLong,
    RateLimited,
    StageFailed,
)
from tests.doubles import DoubleDirectory
from tests.generator_doubles import read_to_failure

CAPITAL = "What is the capital of France?"


def said(text: str) -> list[Any]:
    return [{"role": "user", "content": text}]


async def chat(api: openai.AsyncOpenAI, text: str = CAPITAL, **wishes: Any) -> ChatCompletion:
    asked: dict[str, Any] = {"model": "ragserve", "messages": said(text)} | wishes
    answer: ChatCompletion = await api.chat.completions.create(**asked)
    return answer


async def chunks_of(
    api: openai.AsyncOpenAI, text: str = CAPITAL, **wishes: Any
) -> list[ChatCompletionChunk]:
    asked: dict[str, Any] = {"model": "ragserve", "messages": said(text)} | wishes
    return [chunk async for chunk in await api.chat.completions.create(**asked, stream=True)]


def own(answer: Any) -> dict[str, Any]:
    member: dict[str, Any] = answer.model_extra["ragserve"]
    return member


async def test_an_answer_comes_from_the_documents_and_says_so(api: openai.AsyncOpenAI) -> None:
    answer = await chat(api)
    [choice] = answer.choices
    assert choice.message.content == "Paris is the capital of France. [1]"
    assert choice.finish_reason == "stop"
    assert (answer.model, own(answer)["model"]) == ("ragserve", "extractive")
    assert own(answer)["request_id"] == answer.id.removeprefix("chatcmpl-")
    assert answer.usage is not None
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens
    [annotation] = choice.message.annotations or []
    cited = annotation.url_citation
    assert choice.message.content[cited.start_index : cited.end_index] == choice.message.content
    assert cited.url == "geo/paris.md"
    member = own(answer)
    assert (member["release"], member["grounded"], member["prompt"]) == ("one", True, "answer-v2")
    assert member["sources"][0]["path"] == "geo/paris.md"
    assert set(member["timings"]["stages"]) == {
        "embedder",
        "retriever",
        "reranker",
        "generator",
    }


async def test_a_stream_has_the_role_first_and_says_the_same(api: openai.AsyncOpenAI) -> None:
    whole = await chat(api)
    first, *middle, last = await chunks_of(api)
    assert first.choices[0].delta.role == "assistant"
    assert own(first)["sources"][0]["path"] == "geo/paris.md"
    text = "".join(chunk.choices[0].delta.content or "" for chunk in middle)
    assert text == whole.choices[0].message.content
    assert last.choices[0].finish_reason == "stop"
    assert own(last)["grounded"] is True
    assert {chunk.model for chunk in (first, *middle, last)} == {"ragserve"}
    assert own(last)["model"] == "extractive"
    annotations = [
        one
        for chunk in middle
        for one in chunk.choices[0].delta.model_extra["annotations"]  # type: ignore[index]
    ]  # type: ignore[index]
    assert annotations[0]["url_citation"]["url"] == "geo/paris.md"


async def test_usage_is_counted_on_request(api: openai.AsyncOpenAI) -> None:
    *_, last = await chunks_of(api, stream_options={"include_usage": True})
    assert last.choices == []
    assert last.usage is not None
    assert last.usage == (await chat(api)).usage
    assert all(chunk.usage is None for chunk in await chunks_of(api))


async def test_a_stream_ends_with_done(loaded: httpx.AsyncClient) -> None:
    asked = {"model": "ragserve", "messages": said(CAPITAL), "stream": True}
    response = await loaded.post("/v1/chat/completions", json=asked)
    assert response.headers["content-type"].startswith("text/event-stream")
    assert response.headers["x-ragserve-release"] == "one"
    assert response.text.endswith("\n\ndata: [DONE]\n\n")


async def test_a_release_can_be_named(api: openai.AsyncOpenAI) -> None:
    answer = await chat(api, model="ragserve:llm")
    assert own(answer)["release"] == "llm"
    assert (answer.model, own(answer)["model"]) == ("ragserve:llm", "echo")
    assert "Paris is the capital of France." in (answer.choices[0].message.content or "")


async def test_a_generators_own_name_asks_it_without_documents(
    api: openai.AsyncOpenAI, stages: DoubleDirectory
) -> None:
    answer = await chat(api, "one two three", model="echo")
    assert answer.choices[0].message.content == "one two three"
    assert own(answer)["release"] is None
    assert own(answer)["sources"] == []
    assert stages.embedder.calls == 0


async def test_a_release_can_be_asked_without_documents(api: openai.AsyncOpenAI) -> None:
    answer = await chat(
        api, "hi", model="ragserve:llm", extra_body={"ragserve": {"retrieval": False}}
    )
    assert answer.choices[0].message.content == "hi"
    assert own(answer)["release"] == "llm"


async def test_retrieval_can_be_directed(api: openai.AsyncOpenAI) -> None:
    options = {"ragserve": {"filter": {"area": "asia"}, "top_n": 1}}
    answer = await chat(api, "the capital of", extra_body=options)
    assert [one["path"] for one in own(answer)["sources"]] == ["geo/tokyo.md"]


@pytest.mark.parametrize(
    ("text", "wishes", "model"),
    [
        (CAPITAL, {}, "ragserve"),
        ("hi", {"extra_body": {"ragserve": {"retrieval": False}}}, "echo"),
        (
            CAPITAL,
            {"messages": [*said("Hi"), {"role": "assistant", "content": "Hi."}, *said(CAPITAL)]},
            "ragserve:llm",
        ),
    ],
    ids=["no-rule", "no-retrieval", "turns"],
)
async def test_auto_follows_the_rules_and_explains_itself(
    api: openai.AsyncOpenAI, text: str, wishes: dict[str, Any], model: str
) -> None:
    answer = await chat(api, text, model="auto", **wishes)
    assert own(answer)["routing"]["model"] == model
    assert own(answer)["routing"]["reason"]


async def test_wishes_reach_the_engine(api: openai.AsyncOpenAI, stages: DoubleDirectory) -> None:
    await chat(
        api,
        model="echo",
        max_completion_tokens=5,
        temperature=0.5,
        stop=["x", "y"],
        seed=7,
        logit_bias={"3": -5},
        response_format={
            "type": "json_schema",
            "json_schema": {"name": "n", "schema": {"type": "object"}},
        },
        extra_body={"top_k": 3},
    )
    sampling = stages.echo.engine.sampling[-1]
    assert (sampling.max_tokens, sampling.temperature, sampling.seed) == (5, 0.5, 7)
    assert (sampling.stop, sampling.top_k, sampling.logit_bias) == (("x", "y"), 3, {3: -5.0})
    assert sampling.output_format.json_schema == {"type": "object"}


async def test_logprobs_are_there_on_request(api: openai.AsyncOpenAI) -> None:
    answer = await chat(api, "a b", model="echo", logprobs=True)
    assert answer.choices[0].logprobs is not None
    content = answer.choices[0].logprobs.content or []
    assert [(one.token, one.bytes) for one in content] == [("a ", [97, 32]), ("b", [98])]
    chunks = await chunks_of(api, "a b", model="echo", logprobs=True)
    streamed = [
        one.token
        for chunk in chunks
        if chunk.choices and chunk.choices[0].logprobs
        for one in chunk.choices[0].logprobs.content or []
    ]
    assert streamed == ["a ", "b"]


async def test_parts_of_a_text_are_joined(api: openai.AsyncOpenAI) -> None:
    parts = [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}]
    answer = await chat(api, model="echo", messages=[{"role": "user", "content": parts}])
    assert answer.choices[0].message.content == "one\ntwo"


async def test_a_follow_up_is_searched_for_with_what_it_follows(
    api: openai.AsyncOpenAI, stages: DoubleDirectory
) -> None:
    turns = [*said(CAPITAL), {"role": "assistant", "content": "Paris."}, *said("Is it big?")]
    answer = await chat(api, messages=turns)
    assert stages.generation.asked[-1].question == f"{CAPITAL} Is it big?"
    assert own(answer)["sources"][0]["path"] == "geo/paris.md"


async def test_a_language_model_writes_the_query_of_a_conversation(
    api: openai.AsyncOpenAI, stages: DoubleDirectory
) -> None:
    turns = [*said("Tokyo?"), {"role": "assistant", "content": "Big."}, *said("Is it?")]
    answer = await chat(api, model="ragserve:llm", messages=turns)
    condense, written = stages.echo.asked[-2:]
    assert (condense.prompt, condense.context) == ("condense-v1", None)
    assert written.question
    assert written.messages[-1].content == "Is it?"
    assert "condense" in own(answer)["timings"]["stages"]


@pytest.mark.parametrize(
    ("wishes", "field"),
    [
        ({"tools": [{"type": "function", "function": {"name": "f"}}]}, "tools"),
        ({"n": 2}, "n"),
        ({"audio": {"format": "mp3", "voice": "alloy"}}, "audio"),
        ({"presence_penalty": 0.5}, "presence_penalty"),
        ({"logprobs": True}, "logprobs"),
        ({"response_format": {"type": "json_object"}}, "response_format"),
        ({"extra_body": {"structured_outputs": {"regex": "a"}}}, "structured_outputs"),
        ({"extra_body": {"guided_json": {}}}, "guided_json"),
        ({"modalities": ["text", "audio"]}, "modalities"),
        ({"web_search_options": {}}, "web_search_options"),
        ({"model": "extractive"}, "model"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_what_is_not_supported_is_refused_by_name(
    api: openai.AsyncOpenAI, wishes: dict[str, Any], field: str
) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        await chat(api, **wishes)
    assert caught.value.code == "unsupported_field"
    assert caught.value.param == field
    assert field in caught.value.message


@pytest.mark.parametrize(
    ("wishes", "kind", "code"),
    [
        ({"model": "nobody"}, openai.NotFoundError, "model_not_found"),
        ({"model": "ragserve:nobody"}, openai.NotFoundError, "model_not_found"),
        ({"temperature": 3}, openai.UnprocessableEntityError, "invalid_request"),
        ({"messages": []}, openai.UnprocessableEntityError, "invalid_request"),
        ({"top_logprobs": 2}, openai.UnprocessableEntityError, "invalid_request"),
        (
            {"messages": [{"role": "assistant", "content": "x"}]},
            openai.UnprocessableEntityError,
            "invalid_request",
        ),
    ],
    ids=["model", "release", "range", "no-message", "alone", "no-question"],
)
async def test_mistakes_are_the_clients_exceptions(
    api: openai.AsyncOpenAI, wishes: dict[str, Any], kind: type[openai.APIStatusError], code: str
) -> None:
    with pytest.raises(kind) as caught:
        await chat(api, **wishes)
    assert caught.value.code == code


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize(
    ("failure", "kind", "status"),
    [
        (PromptTooLong("x"), openai.BadRequestError, 400),
        (RateLimited("x", "generator", 7.0), openai.RateLimitError, 429),
        (Overloaded("x", "generator", 2.0), openai.InternalServerError, 503),
        (BackendFailed("x"), openai.InternalServerError, 502),
        (DeadlineExceeded("x"), openai.InternalServerError, 504),
        (StageFailed("x"), openai.InternalServerError, 500),
    ],
    ids=lambda value: getattr(value, "code", ""),
)
async def test_failures_before_the_first_token_have_their_status(
    api: openai.AsyncOpenAI,
    stages: DoubleDirectory,
    failure: Exception,
    kind: type[openai.APIStatusError],
    status: int,
    stream: bool,
) -> None:
    stages.echo.failure = None
    stages.echo.engine.fails_after = 0
    stages.echo.engine.failure = failure  # type: ignore[assignment]
    with pytest.raises(kind) as caught:
        await (chunks_of if stream else chat)(api, model="echo")
    assert caught.value.status_code == status
    retry_after = getattr(failure, "retry_after_s", None)
    assert caught.value.response.headers.get("retry-after") == (
        None if retry_after is None else str(int(retry_after))
    )


async def test_a_failure_after_the_first_token_is_an_error_and_no_end(
    api: openai.AsyncOpenAI, loaded: httpx.AsyncClient, stages: DoubleDirectory
) -> None:
    stages.echo.engine.fails_after = 2
    stream = await api.chat.completions.create(model="echo", messages=said("a b c d"), stream=True)
    seen, error = await read_to_failure(chunk async for chunk in stream)
    assert isinstance(error, openai.APIError)
    assert "engine broke" in error.message
    assert "".join(chunk.choices[0].delta.content or "" for chunk in seen) == "a b "
    asked = {"model": "echo", "messages": said("a b c d"), "stream": True}
    response = await loaded.post("/v1/chat/completions", json=asked)
    assert response.status_code == 200
    assert "[DONE]" not in response.text
    assert '"finish_reason":"stop"' not in response.text


async def test_the_first_token_has_the_requests_time_and_no_more(
    loaded: httpx.AsyncClient, api: openai.AsyncOpenAI, stages: DoubleDirectory
) -> None:
    stages.echo.engine.gate = asyncio.Event()
    with pytest.raises(openai.InternalServerError) as caught:
        await chunks_of(api, model="echo")
    assert caught.value.status_code == 504
    assert stages.echo.engine.running == 0


async def test_a_raw_prompt_is_continued(api: openai.AsyncOpenAI) -> None:
    whole = await api.completions.create(model="echo", prompt="one two three", logprobs=1)
    [choice] = whole.choices
    assert (choice.text, choice.finish_reason) == ("one two three", "stop")
    assert choice.logprobs is not None
    assert choice.logprobs.text_offset == [0, 4, 8]
    assert whole.usage is not None
    assert whole.usage.completion_tokens == 3
    chunks = [
        chunk
        async for chunk in await api.completions.create(
            model="ragserve:llm",
            prompt="one two three",
            max_tokens=2,
            stream=True,
            stream_options={"include_usage": True},
        )
    ]
    assert "".join(chunk.choices[0].text for chunk in chunks if chunk.choices) == "one two "
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices][-1] == "length"
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens == 2


async def test_a_raw_prompt_takes_a_language_model(api: openai.AsyncOpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        await api.completions.create(model="extractive", prompt="one")
    assert caught.value.code == "unsupported_field"
