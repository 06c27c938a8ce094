"""Functions in `/v1/responses`: offered, called, told of, and streamed, by OpenAI's own client."""

from typing import Any

import openai
import pytest
from openai.types.responses import ResponseFunctionToolCall

from deployments.contracts.tools import ToolCall
from tests.doubles import DoubleDirectory

CAPITAL = "What is the capital of France?"
SCHEMA = {"type": "object", "properties": {"feet": {"type": "integer"}}}
BERTH = {"type": "function", "name": "book", "description": "Books.", "parameters": SCHEMA}
CRANE = {"type": "function", "name": "crane", "parameters": {"type": "object"}}
SEARCH = {"type": "file_search", "vector_store_ids": ["vs_default"]}
ARGUMENTS = '{"feet": 32}'


def asked(**wishes: Any) -> dict[str, Any]:
    return {"model": "ragserve:llm", "input": CAPITAL, "tools": [BERTH, CRANE], **wishes}


async def test_calls_are_items_and_their_results_come_back(
    api: openai.AsyncOpenAI, stages: DoubleDirectory
) -> None:
    engine = stages.echo.engine
    engine.script = [
        ("", [("book", ARGUMENTS), ("crane", "{}")]),
        ("Paris [1] has berth 7.", []),
    ]
    first = await api.responses.create(**asked())
    assert [item.type for item in first.output] == ["function_call", "function_call"]
    book, crane = first.output
    assert isinstance(book, ResponseFunctionToolCall)
    assert (book.name, book.arguments, book.status) == ("book", ARGUMENTS, "completed")
    assert first.status == "completed"
    assert first.tools[0].name == "book"  # type: ignore[union-attr]
    told = [
        {"type": "function_call_output", "call_id": item.call_id, "output": f"{item.name} done"}
        for item in (book, crane)
        if isinstance(item, ResponseFunctionToolCall)
    ]
    turns = [{"role": "user", "content": CAPITAL}, *first.output, *told]
    second = await api.responses.create(**asked(input=turns))
    assert second.output_text == "Paris [1] has berth 7."
    _, shown, called, *returned = engine.prompts[-1].messages
    assert "Paris is the capital" in shown.content, "searched for the question"
    assert called.calls == (
        ToolCall(book.call_id, "book", ARGUMENTS),
        ToolCall(crane.call_id, "crane", "{}"),  # type: ignore[union-attr]
    ), "calls of one answer are one turn"
    assert [(turn.role, turn.content) for turn in returned] == [
        ("tool", "book done"),
        ("tool", "crane done"),
    ]


async def test_a_streamed_call_has_its_events(
    api: openai.AsyncOpenAI, stages: DoubleDirectory
) -> None:
    stages.echo.engine.script = [("One moment.", [("book", ARGUMENTS)])]
    events = [event async for event in await api.responses.create(**asked(), stream=True)]
    kinds = [event.type for event in events]
    # Pieces that come close together travel together.
    assert [kind for kind, before in zip(kinds, ["", *kinds], strict=False) if kind != before] == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_item.added",
        "response.function_call_arguments.delta",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.function_call_arguments.done",
        "response.output_item.done",
        "response.completed",
    ]
    assert [event.sequence_number for event in events] == list(range(len(events)))
    whole: Any = events[-1]
    added = [event for event in events if event.type == "response.output_item.added"]
    assert [event.output_index for event in added] == [0, 1]
    assert [event.item.id for event in added] == [one.id for one in whole.response.output]
    done: Any = events[-3]
    assert (done.arguments, done.output_index) == (ARGUMENTS, 1)


async def test_an_answer_of_calls_alone_streams_no_message(
    api: openai.AsyncOpenAI, stages: DoubleDirectory
) -> None:
    stages.echo.engine.script = [("", [("book", ARGUMENTS), ("crane", "{}")])]
    async with api.responses.stream(**asked()) as stream:
        kinds = [event.type async for event in stream]
        whole = await stream.get_final_response()
    assert "response.content_part.added" not in kinds
    assert kinds.count("response.function_call_arguments.done") == 2
    assert [item.type for item in whole.output] == ["function_call"] * 2


async def test_a_search_stands_beside_functions(
    api: openai.AsyncOpenAI, stages: DoubleDirectory
) -> None:
    stages.echo.engine.script = [("", [("book", ARGUMENTS)])] * 2
    answer = await api.responses.create(**asked(tools=[BERTH, SEARCH], tool_choice="required"))
    assert [item.type for item in answer.output] == ["file_search_call", "function_call"]
    assert stages.echo.engine.prompts[-1].tools.choice == "auto", "the search is the call"
    events = [
        event
        async for event in await api.responses.create(**asked(tools=[SEARCH, BERTH]), stream=True)
    ]
    added = [event.output_index for event in events if event.type == "response.output_item.added"]
    assert added == [0, 1]


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ("auto", ("auto", "")),
        ("none", ("none", "")),
        ("required", ("required", "")),
        ({"type": "function", "name": "crane"}, ("named", "crane")),
    ],
)
async def test_every_choice_reaches_the_model(
    api: openai.AsyncOpenAI, stages: DoubleDirectory, choice: Any, expected: tuple[str, str]
) -> None:
    answer = await api.responses.create(**asked(tool_choice=choice, parallel_tool_calls=False))
    offered = stages.echo.engine.prompts[-1].tools
    assert ((offered.choice, offered.named), offered.parallel) == (expected, False)
    assert answer.parallel_tool_calls is False


@pytest.mark.parametrize(
    "wishes",
    [
        {"tool_choice": {"type": "function", "name": "nobody"}},
        {"tool_choice": {"type": "file_search"}},
        {"tools": [SEARCH, SEARCH]},
        {"tools": [BERTH, BERTH]},
        {"tool_choice": "required", "text": {"format": {"type": "json_object"}}},
    ],
)
async def test_what_contradicts_itself_is_wrong(
    api: openai.AsyncOpenAI, wishes: dict[str, Any]
) -> None:
    with pytest.raises(openai.UnprocessableEntityError):
        await api.responses.create(**asked(**wishes))
