"""`/v1/responses`, asked by OpenAI's own client."""

from typing import Any

import httpx
import openai
import pytest
from openai.types.responses import Response, ResponseOutputMessage
from openai.types.responses.response_output_text import AnnotationURLCitation
from pydantic import BaseModel

from deployments.contracts.errors import Overloaded
from tests.doubles import DoubleDirectory

CAPITAL = "What is the capital of France?"


async def ask(api: openai.AsyncOpenAI, **wishes: Any) -> Response:
    asked: dict[str, Any] = {"model": "ragserve", "input": CAPITAL} | wishes
    answer: Response = await api.responses.create(**asked)
    return answer


def own(answer: Response) -> dict[str, Any]:
    member: dict[str, Any] = answer.model_extra["ragserve"]  # type: ignore[index]
    return member


async def test_an_answer_comes_from_the_documents_and_says_so(api: openai.AsyncOpenAI) -> None:
    answer = await ask(api)
    assert answer.output_text == "Paris is the capital of France. [1]"
    assert (answer.status, answer.model, answer.id[:5]) == ("completed", "ragserve", "resp_")
    [message] = answer.output
    assert isinstance(message, ResponseOutputMessage)
    [text] = message.content
    assert text.type == "output_text"
    [cited] = text.annotations
    assert isinstance(cited, AnnotationURLCitation)
    assert text.text[cited.start_index : cited.end_index] == text.text
    assert (cited.url, cited.title) == ("geo/paris.md", "paris.md")
    assert (own(answer)["release"], own(answer)["grounded"]) == ("one", True)
    assert own(answer)["sources"][0]["path"] == "geo/paris.md"


async def test_usage_is_that_of_the_chat(api: openai.AsyncOpenAI) -> None:
    usage = (await ask(api)).usage
    chat = await api.chat.completions.create(
        model="ragserve", messages=[{"role": "user", "content": CAPITAL}]
    )
    assert usage is not None
    assert chat.usage is not None
    assert (usage.input_tokens, usage.output_tokens) == (
        chat.usage.prompt_tokens,
        chat.usage.completion_tokens,
    )
    assert usage.total_tokens == chat.usage.total_tokens
    assert usage.output_tokens_details.reasoning_tokens == 0


@pytest.mark.parametrize("as_dump", [False, True], ids=["objects", "dumps"])
async def test_an_answer_comes_back_as_it_was_sent(
    api: openai.AsyncOpenAI, as_dump: bool, stages: DoubleDirectory
) -> None:
    first = await ask(api)
    output = [item.model_dump() for item in first.output] if as_dump else first.output
    turns: list[Any] = [
        {"role": "user", "content": CAPITAL},
        *output,
        {"role": "user", "content": "What is the capital of Japan?"},
    ]
    await ask(api, input=turns)
    said = [message.content for message in stages.generation.asked[-1].messages]
    assert said == [CAPITAL, "Paris is the capital of France. [1]", turns[-1]["content"]]


async def test_instructions_and_roles_reach_the_model(
    api: openai.AsyncOpenAI, stages: DoubleDirectory
) -> None:
    turns: list[Any] = [
        {"type": "message", "role": "developer", "content": "Be kind."},
        {"role": "user", "content": [{"type": "input_text", "text": "Say one two three"}]},
    ]
    answer = await ask(
        api,
        model="echo",
        input=turns,
        instructions="Be brief.",
        temperature=0.5,
        top_p=0.9,
        max_output_tokens=50,
    )
    assert answer.output_text == "Say one two three"
    assert (answer.instructions, answer.temperature, answer.max_output_tokens) == (
        "Be brief.",
        0.5,
        50,
    )
    prompt, sampling = stages.echo.engine.prompts[-1], stages.echo.engine.sampling[-1]
    assert [(one.role, one.content) for one in prompt.messages] == [
        ("system", "Be brief."),
        ("system", "Be kind."),
        ("user", "Say one two three"),
    ]
    assert (sampling.temperature, sampling.top_p, sampling.max_tokens) == (0.5, 0.9, 50)


async def test_an_answer_that_was_cut_off_says_why(api: openai.AsyncOpenAI) -> None:
    answer = await ask(api, model="echo", input="one two three", max_output_tokens=2)
    assert answer.status == "incomplete"
    assert answer.incomplete_details is not None
    assert answer.incomplete_details.reason == "max_output_tokens"
    assert answer.output_text == "one two "


class City(BaseModel):
    name: str


async def test_a_schema_becomes_the_output_format(
    api: openai.AsyncOpenAI, stages: DoubleDirectory
) -> None:
    answer = await api.responses.parse(
        model="echo", input='{"name":"Paris"}', text_format=City, store=False
    )
    assert answer.output_parsed == City(name="Paris")
    schema = stages.echo.engine.sampling[-1].output_format.json_schema
    assert schema is not None
    assert schema["required"] == ["name"]


async def test_metadata_comes_back_and_hints_have_no_effect(api: openai.AsyncOpenAI) -> None:
    answer = await ask(
        api,
        metadata={"ticket": "7"},
        store=True,
        include=["reasoning.encrypted_content"],
        truncation="auto",
        reasoning={"effort": "low"},
        parallel_tool_calls=True,
        service_tier="auto",
        prompt_cache_key="k",
        safety_identifier="alice",
        background=False,
        tools=[],
        tool_choice="auto",
        text={"verbosity": "low"},
    )
    assert answer.metadata == {"ticket": "7"}
    assert answer.output_text == "Paris is the capital of France. [1]"


async def test_log_probabilities_are_told_on_request(api: openai.AsyncOpenAI) -> None:
    answer = await ask(api, model="echo", input="one two", include=["message.output_text.logprobs"])
    [message] = answer.output
    assert isinstance(message, ResponseOutputMessage)
    [text] = message.content
    assert text.type == "output_text"
    assert [one.token for one in text.logprobs or []] == ["one ", "two"]


@pytest.mark.parametrize(
    ("wish", "field", "reason"),
    [
        ({"previous_response_id": "resp_1"}, "previous_response_id", "not kept"),
        ({"conversation": "conv_1"}, "conversation", "not kept"),
        ({"background": True}, "background", "stream"),
        ({"prompt": {"id": "pmpt_1"}}, "prompt", "instructions"),
        ({"tools": [{"type": "web_search"}]}, "tools.0", "file_search"),
        (
            {"tools": [{"type": "function", "name": "f", "parameters": {}, "strict": True}]},
            "tools",
            "is no language model",
        ),
        ({"tool_choice": {"type": "web_search"}}, "tool_choice", "file_search"),
        (
            {"input": [{"role": "user", "content": [{"type": "input_image", "image_url": "x"}]}]},
            "input.0.content.0",
            "only texts",
        ),
        ({"input": [{"type": "item_reference", "id": "msg_1"}]}, "input.0", "not kept"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_what_is_not_supported_is_refused_by_name(
    api: openai.AsyncOpenAI, wish: dict[str, Any], field: str, reason: str
) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        await ask(api, **wish)
    assert (refused.value.code, refused.value.param) == ("unsupported_field", field)
    assert field in refused.value.message
    assert reason in refused.value.message


@pytest.mark.parametrize(
    "turns",
    [
        [{"role": "user", "content": CAPITAL}, {"role": "assistant", "content": "Paris."}],
        [{"role": "user", "content": " "}],
    ],
    ids=["answered", "blank"],
)
async def test_a_conversation_ends_with_a_question(
    api: openai.AsyncOpenAI, turns: list[Any]
) -> None:
    with pytest.raises(openai.UnprocessableEntityError) as refused:
        await ask(api, input=turns)
    assert refused.value.param == "input"


async def test_search_options_of_our_own_hold(api: openai.AsyncOpenAI) -> None:
    answer = await ask(api, extra_body={"ragserve": {"filter": {"area": "asia"}, "top_n": 1}})
    assert [source["path"] for source in own(answer)["sources"]] == ["geo/tokyo.md"]


async def test_a_response_is_not_kept(api: openai.AsyncOpenAI) -> None:
    answer = await ask(api)
    for look_up in (api.responses.retrieve, api.responses.delete, api.responses.cancel):
        with pytest.raises(openai.NotFoundError, match="not kept"):
            await look_up(answer.id)


async def test_a_failure_has_its_status(api: openai.AsyncOpenAI, stages: DoubleDirectory) -> None:
    stages.retriever.failure = Overloaded("Too much to do.", "retriever", 1.0)
    with pytest.raises(openai.InternalServerError) as failed:
        await ask(api)
    assert failed.value.code == "overloaded"


async def test_the_release_is_in_the_header(loaded: httpx.AsyncClient) -> None:
    body = {"model": "ragserve", "input": CAPITAL}
    response = await loaded.post("/v1/responses", json=body)
    assert response.headers["x-ragserve-release"] == "one"
