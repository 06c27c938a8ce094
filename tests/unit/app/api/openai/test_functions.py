"""Functions that a client offers: chosen by the model, forced, or not called at all."""

import json
from typing import Any

import openai
import pytest

from deployments.contracts.tools import ToolCall
from tests.doubles import DoubleDirectory

SCHEMA = {"type": "object", "properties": {"feet": {"type": "integer"}}, "required": ["feet"]}
BERTH = {"type": "function", "function": {"name": "book_berth", "parameters": SCHEMA}}
CRANE = {"type": "function", "function": {"name": "order_crane", "parameters": {}}}
NAMED = {"type": "function", "function": {"name": "book_berth"}}
ARGUMENTS = '{"feet": 32}'
NOTHING_FITS = {"ragserve": {"filter": {"area": "nowhere"}}}
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
    offered = stages.echo.engine.prompts[-1].tools
    assert (offered.choice, offered.named) == ("named", "book_berth")
    assert offered.tools[0].parameters == SCHEMA


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
    _, said, returned = stages.echo.engine.prompts[-1].messages
    assert said.calls == (ToolCall(call.id, "book_berth", ARGUMENTS),)
    assert (returned.role, returned.call_id) == ("tool", call.id)


async def test_the_model_chooses_where_nothing_is_said(
    api: openai.AsyncOpenAI, stages: DoubleDirectory
) -> None:
    engine = stages.echo.engine
    engine.script = [("One moment.", [("book_berth", ARGUMENTS), ("order_crane", "{}")])]
    answer = await api.chat.completions.create(**forced(tool_choice=None))
    [choice] = answer.choices
    assert (choice.message.content, choice.finish_reason) == ("One moment.", "tool_calls")
    calls = [call.function for call in choice.message.tool_calls or [] if call.type == "function"]
    assert [(call.name, call.arguments) for call in calls] == [
        ("book_berth", ARGUMENTS),
        ("order_crane", "{}"),
    ]
    assert engine.prompts[-1].tools.choice == "auto"
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 7

    answer = await api.chat.completions.create(**forced(tool_choice="auto"))
    assert answer.choices[0].message.content == ARGUMENTS, "it says something instead"
    assert answer.choices[0].message.tool_calls is None
    assert answer.choices[0].finish_reason == "stop"


async def test_streamed_calls_have_the_form_of_openai(
    api: openai.AsyncOpenAI, stages: DoubleDirectory
) -> None:
    stages.echo.engine.script = [("", [("book_berth", ARGUMENTS), ("order_crane", "{}")])]
    usage: Any = {"stream_options": {"include_usage": True}}
    wishes = forced(tool_choice="auto", stream=True, **usage)
    chunks = [chunk async for chunk in await api.chat.completions.create(**wishes)]
    pieces = [
        piece
        for chunk in chunks
        for choice in chunk.choices
        for piece in choice.delta.tool_calls or []
    ]
    assert [piece.index for piece in pieces] == sorted(piece.index for piece in pieces)
    first = next(piece for piece in pieces if piece.index == 1)
    assert (first.type, first.function.name) == ("function", "order_crane")
    assert first.id
    assert not any(piece.id for piece in pieces if piece.function.name is None)
    arguments = [piece.function.arguments for piece in pieces if piece.index == 0]
    assert "".join(arguments) == ARGUMENTS
    assert [one.choices[0].finish_reason for one in chunks if one.choices][-1] == "tool_calls"
    assert chunks[-1].usage.completion_tokens == 6


async def test_several_may_be_required(api: openai.AsyncOpenAI, stages: DoubleDirectory) -> None:
    wishes = forced(tool_choice="required", parallel_tool_calls=False)
    answer = await api.chat.completions.create(**wishes)
    assert answer.choices[0].finish_reason == "tool_calls"
    offered = stages.echo.engine.prompts[-1].tools
    assert (offered.choice, offered.parallel, len(offered.tools)) == ("required", False, 2)


async def test_documents_are_searched_for_the_question_and_not_for_what_a_function_returned(
    api: openai.AsyncOpenAI, stages: DoubleDirectory
) -> None:
    engine = stages.echo.engine
    question: Any = {"role": "user", "content": "What is the capital of France?"}
    engine.script = [("", [("book_berth", ARGUMENTS)]), ("Paris [1], and berth 7.", [])]
    asked: Any = {"model": "ragserve:llm", "tools": [BERTH]}
    first = await api.chat.completions.create(messages=[question], **asked)
    [call] = first.choices[0].message.tool_calls or []
    told = {"role": "tool", "tool_call_id": call.id, "content": "Tokyo has berth 7."}
    turns: Any = [question, first.choices[0].message, told]
    second = await api.chat.completions.create(messages=turns, **asked)
    system, shown, said, returned = engine.prompts[-1].messages
    assert "Functions are offered" in system.content
    assert "Paris is the capital" in shown.content
    assert "capital of France?" in shown.content
    assert said.calls[0].name == "book_berth"
    assert returned.content == "Tokyo has berth 7."
    [cited] = second.choices[0].message.annotations or []
    assert cited.url_citation.url == "geo/paris.md"
    assert second.model_extra is not None
    assert second.model_extra["ragserve"]["sources"][0]["path"] == "geo/paris.md"


async def test_a_function_may_be_called_where_no_document_fits(
    api: openai.AsyncOpenAI, stages: DoubleDirectory
) -> None:
    stages.echo.engine.script = [("", [("book_berth", ARGUMENTS)])]
    said = [{"role": "user", "content": "zzz qqq"}]
    wishes = forced(model="ragserve:llm", messages=said, tool_choice="auto")
    answer = await api.chat.completions.create(**wishes, extra_body=NOTHING_FITS)
    assert answer.choices[0].finish_reason == "tool_calls"
    assert "No sources were found." in stages.echo.engine.prompts[-1].messages[-1].content

    del wishes["tools"], wishes["tool_choice"]
    answer = await api.chat.completions.create(**wishes, extra_body=NOTHING_FITS)
    assert "no information" in (answer.choices[0].message.content or "")
    assert len(stages.echo.engine.prompts) == 1, "without functions no model is asked"


@pytest.mark.parametrize(
    ("wishes", "param", "reason"),
    [
        ({"model": "ragserve", "tool_choice": "auto"}, "tools", "is no language model"),
        ({"model": "ragserve", "tool_choice": None}, "tools", "is no language model"),
        ({"model": "ragserve", "tool_choice": "required"}, "tool_choice", "is no language model"),
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
        {"tools": None, "tool_choice": "required"},
        {"tools": [BERTH, BERTH]},
        {"response_format": {"type": "json_object"}},
    ],
)
async def test_what_contradicts_itself_is_wrong(
    api: openai.AsyncOpenAI, wishes: dict[str, Any]
) -> None:
    with pytest.raises(openai.UnprocessableEntityError):
        await api.chat.completions.create(**forced(**wishes))
