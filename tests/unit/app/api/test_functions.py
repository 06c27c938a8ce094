"""Functions that a client offers: one that it names is the answer, none is chosen by a model."""

import json
from typing import Any

import openai
import pytest

from tests.doubles import DoubleDirectory

SCHEMA = {"type": "object", "properties": {"feet": {"type": "integer"}}, "required": ["feet"]}
BERTH = {"type": "function", "function": {"name": "book_berth", "parameters": SCHEMA}}
CRANE = {"type": "function", "function": {"name": "order_crane", "parameters": {}}}
NAMED = {"type": "function", "function": {"name": "book_berth"}}
ARGUMENTS = '{"feet": 32}'
SAYS_ARGUMENTS = {"role": "user", "content": ARGUMENTS}  # the double writes what was said last


def forced(**wishes: Any) -> dict[str, Any]:
    asked = {"model": "echo", "messages": [SAYS_ARGUMENTS], "tools": [BERTH, CRANE]}
    return {**asked, "tool_choice": NAMED, **wishes}


async def test_a_function_that_is_named_is_the_answer(
    api: openai.AsyncOpenAI, stages: DoubleDirectory
) -> None:
    answer = await api.chat.completions.create(**forced())
    [choice] = answer.choices
    assert choice.message.content is None
    [call] = choice.message.tool_calls or []
    assert call.type == "function"
    assert (call.function.name, call.function.arguments) == ("book_berth", ARGUMENTS)
    assert choice.finish_reason == "stop"
    assert stages.echo.engine.sampling[-1].output_format.json_schema == SCHEMA


async def test_the_only_function_may_be_required(api: openai.AsyncOpenAI) -> None:
    answer = await api.chat.completions.create(**forced(tools=[BERTH], tool_choice="required"))
    assert answer.choices[0].finish_reason == "tool_calls"
    assert answer.choices[0].message.tool_calls


async def test_a_streamed_call_is_put_together_by_the_client(api: openai.AsyncOpenAI) -> None:
    async with api.chat.completions.stream(**forced()) as stream:
        kinds = {event.type async for event in stream}
        whole = await stream.get_final_completion()
    assert "tool_calls.function.arguments.delta" in kinds
    [call] = whole.choices[0].message.tool_calls or []
    assert json.loads(call.function.arguments) == {"feet": 32}
    assert not whole.choices[0].message.content


async def test_what_came_of_a_call_goes_back(
    api: openai.AsyncOpenAI, stages: DoubleDirectory
) -> None:
    first = await api.chat.completions.create(**forced())
    message = first.choices[0].message
    [call] = message.tool_calls or []
    told = {"role": "tool", "tool_call_id": call.id, "content": "Berth 7 is yours."}
    for said in (message, message.model_dump()):
        turns: Any = [SAYS_ARGUMENTS, said, told]
        asked: Any = {"model": "echo", "tools": [BERTH], "tool_choice": "none"}
        answer = await api.chat.completions.create(messages=turns, **asked)
        assert answer.choices[0].message.content == "Berth 7 is yours."
    texts = [message.content for message in stages.echo.engine.prompts[-1].messages]
    assert texts[1] == f"book_berth({ARGUMENTS})"


async def test_a_sentence_in_place_of_arguments_is_no_call(api: openai.AsyncOpenAI) -> None:
    said = [{"role": "user", "content": "nothing was found"}]
    whole = await api.chat.completions.create(**forced(messages=said))
    assert whole.choices[0].message.content == "nothing was found"
    assert whole.choices[0].message.tool_calls is None
    chunks = [
        chunk
        async for chunk in await api.chat.completions.create(**forced(messages=said), stream=True)
    ]
    assert "".join(one.choices[0].delta.content or "" for one in chunks) == "nothing was found"
    assert chunks[-1].choices[0].finish_reason == "stop"


@pytest.mark.parametrize(
    ("wishes", "param", "reason"),
    [
        ({"tool_choice": "auto"}, "tools", "no tools are called here by a model's own choice"),
        ({"tool_choice": None}, "tools", "no tools are called here by a model's own choice"),
        ({"tool_choice": "required"}, "tools", "only 1 function"),
        ({"model": "ragserve"}, "tool_choice", "is no language model"),
    ],
)
async def test_what_no_model_here_does_is_refused(
    api: openai.AsyncOpenAI, wishes: dict[str, Any], param: str, reason: str
) -> None:
    said = [{"role": "user", "content": "What is the capital of France?"}]
    with pytest.raises(openai.BadRequestError, match=reason) as refused:
        await api.chat.completions.create(**forced(messages=said, **wishes))
    assert refused.value.param == param


@pytest.mark.parametrize(
    "wishes",
    [
        {"tool_choice": {"type": "function", "function": {"name": "nobody"}}},
        {"tools": None},
        {"response_format": {"type": "json_object"}},
    ],
)
async def test_what_contradicts_itself_is_wrong(
    api: openai.AsyncOpenAI, wishes: dict[str, Any]
) -> None:
    with pytest.raises(openai.UnprocessableEntityError):
        await api.chat.completions.create(**forced(**wishes))
