"""Releases that leave the search to their language model, by OpenAI's own client."""

import json
from typing import Any

import httpx
import openai
import pytest

from app.api.application import create_app
from app.gateway import make_gateway
from app.releases.releases import Releases
from app.settings.cold.gateway import GatewayArgs
from app.telemetry.access_log import AccessLog
from app.telemetry.requests import Telemetry
from deployments.contracts.errors import Unavailable
from tests.doubles import DoubleDirectory
from tests.unit.app.conftest import LIVE

MODEL = "ragserve:searcher"
QUESTION: Any = {"role": "user", "content": "What is the capital of France?"}
BERTH: Any = {"type": "function", "function": {"name": "book", "parameters": {}}}


def search(query: str, **more: Any) -> tuple[str, str]:
    return "search_documents", json.dumps({"query": query, **more})


FRANCE, JAPAN = search("Paris capital", top_n=1), search("Tokyo capital", top_n=1)


def asked(**wishes: Any) -> dict[str, Any]:
    return {"model": MODEL, "messages": [QUESTION], **wishes}


async def test_searches_are_made_here_and_their_passages_numbered_through(
    api: openai.AsyncOpenAI, stages: DoubleDirectory
) -> None:
    engine = stages.echo.engine
    engine.script = [("", [FRANCE]), ("", [JAPAN]), ("Paris [1] and Tokyo [2].", [])]
    answer = await api.chat.completions.create(**asked())
    [choice] = answer.choices
    assert (choice.message.content, choice.finish_reason) == ("Paris [1] and Tokyo [2].", "stop")
    assert choice.message.tool_calls is None
    cited = [one.url_citation.url for one in choice.message.annotations or []]
    assert cited == ["geo/paris.md", "geo/tokyo.md"]
    assert answer.model_extra is not None
    own = answer.model_extra["ragserve"]
    assert [source["path"] for source in own["sources"]] == ["geo/paris.md", "geo/tokyo.md"]
    assert (own["prompt"], own["grounded"], own["degraded"]) == ("search-v1", True, [])

    first, _, last = engine.prompts
    assert first.tools.tools[0].name == "search_documents"
    assert first.messages[-1].content == QUESTION["content"], "no passages up front"
    _, _, called, returned, _, again = last.messages
    assert called.calls[0].name == "search_documents"
    assert returned.call_id == called.calls[0].id
    assert 'id="1" path="geo/paris.md"' in returned.content
    assert 'id="2" path="geo/tokyo.md"' in again.content
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 3 + 3 + 5, "all rounds count"


async def test_a_passage_that_is_found_again_keeps_its_number(
    api: openai.AsyncOpenAI, stages: DoubleDirectory
) -> None:
    stages.echo.engine.script = [("", [FRANCE, JAPAN]), ("", [FRANCE]), ("Paris [1].", [])]
    answer = await api.chat.completions.create(**asked())
    assert answer.model_extra is not None
    assert len(answer.model_extra["ragserve"]["sources"]) == 2
    assert 'id="1"' in stages.echo.engine.prompts[-1].messages[-1].content


async def test_after_the_last_round_the_model_must_answer(
    api: openai.AsyncOpenAI, stages: DoubleDirectory
) -> None:
    engine = stages.echo.engine
    engine.script = [("", [FRANCE])] * 2 + [("So be it.", [])]
    answer = await api.chat.completions.create(**asked(model=f"{MODEL}-behind"))
    assert answer.choices[0].message.content == "So be it."
    assert [prompt.tools.choice for prompt in engine.prompts] == ["auto", "auto", "none"]
    assert answer.model_extra is not None
    assert answer.model_extra["ragserve"]["model"] == "echo", "not who cannot search"


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_calls_of_the_client_are_returned_and_searches_beside_them_left_out(
    api: openai.AsyncOpenAI, stages: DoubleDirectory, stream: bool
) -> None:
    engine = stages.echo.engine
    engine.script = [("", [FRANCE]), ("Wait.", [JAPAN, ("book", "{}")])]
    wishes = asked(tools=[BERTH])
    if stream:
        async with api.chat.completions.stream(**wishes) as events:
            answer: Any = await events.get_final_completion()
    else:
        answer = await api.chat.completions.create(**wishes)
    [choice] = answer.choices
    assert (choice.message.content, choice.finish_reason) == ("Wait.", "tool_calls")
    assert [call.function.name for call in choice.message.tool_calls] == ["book"]
    assert [tool.name for tool in engine.prompts[0].tools.tools] == ["search_documents", "book"]

    engine.script = [("", [JAPAN]), ("Tokyo [1].", [])]
    [call] = choice.message.tool_calls
    told = {"role": "tool", "tool_call_id": call.id, "content": "Berth 7."}
    turns = [QUESTION, choice.message.model_dump(exclude={"parsed"}), told]
    second = await api.chat.completions.create(**asked(messages=turns, tools=[BERTH]))
    assert second.choices[0].message.content == "Tokyo [1]."


async def test_what_is_said_before_a_search_is_streamed_and_sources_are_told_at_the_end(
    api: openai.AsyncOpenAI, stages: DoubleDirectory
) -> None:
    stages.echo.engine.script = [("Let me look.", [FRANCE]), ("It is Paris [1].", [])]
    usage: Any = {"stream_options": {"include_usage": True}}
    stream = await api.chat.completions.create(**asked(stream=True, **usage))
    chunks: list[Any] = [chunk async for chunk in stream]
    text = "".join(one.choices[0].delta.content or "" for one in chunks if one.choices)
    assert text == "Let me look.\n\nIt is Paris [1]."
    [cited] = [
        annotation
        for chunk in chunks
        if chunk.choices
        for annotation in (chunk.choices[0].delta.model_extra or {}).get("annotations") or []
    ]
    place = cited["url_citation"]
    assert text[place["start_index"] : place["end_index"]] == "It is Paris [1]"
    last = [chunk for chunk in chunks if chunk.choices][-1]
    assert last.model_extra["ragserve"]["sources"][0]["path"] == "geo/paris.md"
    assert chunks[-1].usage.completion_tokens == 4 + 4
    assert not any(one.choices[0].delta.tool_calls for one in chunks if one.choices)


async def test_a_query_is_answered_the_same_way(
    loaded: httpx.AsyncClient, stages: DoubleDirectory, args: GatewayArgs
) -> None:
    stages.echo.engine.script = [("", [FRANCE]), ("Paris [1].", [])] * 2
    live = LIVE.model_copy(update={"traffic": {"searcher": 1.0}})
    telemetry = Telemetry([AccessLog()])
    app = create_app(make_gateway(Releases(stages, lambda: live), args, telemetry=telemetry), args)
    body = {"query": "What is the capital of France?"}
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        whole = (await client.post("/v1/query", json=body)).json()
        streamed = await client.post("/v1/query", json=body | {"stream": True})
    assert whole["answer"] == "Paris [1]."
    assert whole["sources"][0]["path"] == "geo/paris.md"
    assert whole["usage"]["completion_tokens"] == 3 + 2
    assert '"sources":[{' in streamed.text.split("event: done")[1]


async def test_the_responses_api_is_answered_the_same_way(
    api: openai.AsyncOpenAI, stages: DoubleDirectory
) -> None:
    stages.echo.engine.script = [("", [FRANCE]), ("Paris [1].", [])]
    answer = await api.responses.create(model=MODEL, input="What is the capital of France?")
    assert answer.output_text == "Paris [1]."
    assert answer.usage is not None
    assert answer.usage.output_tokens == 5


async def test_the_filter_of_the_client_bounds_what_the_model_finds(
    api: openai.AsyncOpenAI, stages: DoubleDirectory
) -> None:
    stages.echo.engine.script = [("", [search("Tokyo capital")]), ("Nothing.", [])]
    only: Any = {"ragserve": {"filter": {"area": "eu"}}}
    await api.chat.completions.create(**asked(), extra_body=only)
    told = stages.echo.engine.prompts[-1].messages[-1].content
    assert "paris" in told
    assert "tokyo" not in told


async def test_a_search_that_cannot_be_read_is_told_to_the_model(
    api: openai.AsyncOpenAI, stages: DoubleDirectory
) -> None:
    stages.echo.engine.script = [("", [("search_documents", "{")]), ("Sorry.", [])]
    answer = await api.chat.completions.create(**asked())
    assert answer.choices[0].message.content == "Sorry."
    told = stages.echo.engine.prompts[-1].messages[-1].content
    assert told == "No search was made: the arguments are not JSON."


@pytest.mark.parametrize(
    "wishes",
    [
        {"tools": [BERTH], "tool_choice": {"type": "function", "function": {"name": "book"}}},
        {"response_format": {"type": "json_object"}},
    ],
    ids=["forced", "form"],
)
async def test_an_answer_that_is_bound_is_searched_for_first(
    api: openai.AsyncOpenAI, stages: DoubleDirectory, wishes: dict[str, Any]
) -> None:
    await api.chat.completions.create(**asked(**wishes))
    assert "Paris is the capital" in stages.echo.engine.prompts[-1].messages[-1].content


async def test_without_documents_nothing_is_searched(
    api: openai.AsyncOpenAI, stages: DoubleDirectory
) -> None:
    alone: Any = {"ragserve": {"retrieval": False}}
    await api.chat.completions.create(**asked(), extra_body=alone)
    assert not stages.echo.engine.prompts[-1].tools


async def test_a_model_that_cannot_search_has_it_done_first(
    api: openai.AsyncOpenAI, stages: DoubleDirectory
) -> None:
    stages.echo.engine.tool_choices = ("required", "named")
    answer = await api.chat.completions.create(**asked())
    assert answer.model_extra is not None
    assert answer.model_extra["ragserve"]["degraded"] == ["search"]
    assert answer.model_extra["ragserve"]["sources"]


async def test_where_the_model_is_away_the_next_generator_answers(
    api: openai.AsyncOpenAI, stages: DoubleDirectory
) -> None:
    stages.echo.failure = Unavailable("gone", "generator")
    said = [{"role": "user", "content": "What is the capital of France?"}]
    answer = await api.chat.completions.create(**asked(messages=said))
    assert "Paris" in (answer.choices[0].message.content or "")
    assert answer.model_extra is not None
    assert answer.model_extra["ragserve"]["model"] == "extractive"
    assert set(answer.model_extra["ragserve"]["degraded"]) == {"search", "generator"}


async def test_the_name_of_the_search_is_taken(api: openai.AsyncOpenAI) -> None:
    tool: Any = {"type": "function", "function": {"name": "search_documents", "parameters": {}}}
    with pytest.raises(openai.UnprocessableEntityError, match="search_documents"):
        await api.chat.completions.create(**asked(tools=[tool]))
