"""`file_search` as a tool of `/v1/responses`, asked for by OpenAI's own client."""

from typing import Any

import openai
import pytest
from openai.types.responses import Response, ResponseFileSearchToolCall, ResponseOutputMessage

from tests.doubles import DoubleDirectory

CAPITAL = "What is the capital of France?"
STORE = "vs_default"


async def ask(api: openai.AsyncOpenAI, *, include: Any = (), **wishes: Any) -> Response:
    tool: Any = {"type": "file_search", "vector_store_ids": [STORE]} | wishes
    return await api.responses.create(
        model="ragserve",
        input=CAPITAL,
        tools=[tool],
        include=list(include),
    )


async def test_the_search_is_an_item_before_the_answer(api: openai.AsyncOpenAI) -> None:
    call, message = (await ask(api)).output
    assert isinstance(call, ResponseFileSearchToolCall)
    assert (call.status, call.queries, call.results) == ("completed", [CAPITAL], None)
    assert isinstance(message, ResponseOutputMessage)


async def test_what_was_found_is_told_on_request(api: openai.AsyncOpenAI) -> None:
    answer = await ask(api, include=["file_search_call.results"], max_num_results=2)
    call = answer.output[0]
    assert isinstance(call, ResponseFileSearchToolCall)
    results = call.results or []
    assert len(results) == 2
    assert (results[0].file_id, results[0].filename) == ("paris", "geo/paris.md")
    assert results[0].attributes == {"area": "eu"}
    assert results[0].text == "Paris is the capital of France."


async def test_citations_name_files_too(api: openai.AsyncOpenAI) -> None:
    message = (await ask(api)).output[1]
    assert isinstance(message, ResponseOutputMessage)
    [text] = message.content
    assert text.type == "output_text"
    address, file = text.annotations
    assert address.type == "url_citation"
    assert file.type == "file_citation"
    assert (file.file_id, file.filename, file.index) == (
        "paris",
        "geo/paris.md",
        address.end_index,
    )


@pytest.mark.parametrize(
    ("filters", "paths"),
    [
        ({"type": "eq", "key": "area", "value": "asia"}, ["geo/tokyo.md"]),
        ({"type": "in", "key": "area", "value": ["eu"]}, ["geo/paris.md"]),
        (
            {
                "type": "and",
                "filters": [
                    {"type": "ne", "key": "area", "value": "eu"},
                    {"type": "ne", "key": "area", "value": "asia"},
                ],
            },
            ["ops.md"],
        ),
        (
            {"type": "or", "filters": [{"type": "eq", "key": "area", "value": "asia"}]},
            ["geo/tokyo.md"],
        ),
    ],
    ids=["eq", "in", "and", "single"],
)
async def test_filters_hold(
    api: openai.AsyncOpenAI, filters: dict[str, Any], paths: list[str]
) -> None:
    answer = await ask(api, filters=filters)
    sources = answer.model_extra["ragserve"]["sources"]  # type: ignore[index]
    assert [source["path"] for source in sources] == paths


async def test_both_filters_hold_where_there_are_two(api: openai.AsyncOpenAI) -> None:
    answer = await api.responses.create(
        model="ragserve",
        input=CAPITAL,
        tools=[
            {
                "type": "file_search",
                "vector_store_ids": [STORE],
                "filters": {"type": "ne", "key": "area", "value": "asia"},
            }
        ],
        extra_body={"ragserve": {"filter": {"path": {"$ne": "ops.md"}}}},
    )
    sources = answer.model_extra["ragserve"]["sources"]  # type: ignore[index]
    assert [source["path"] for source in sources] == ["geo/paris.md"]


async def test_a_threshold_leaves_out_what_fits_less(
    api: openai.AsyncOpenAI, stages: DoubleDirectory
) -> None:
    ranking = {"score_threshold": 0.6}
    answer = await ask(api, include=["file_search_call.results"], ranking_options=ranking)
    call = answer.output[0]
    assert isinstance(call, ResponseFileSearchToolCall)
    assert [result.file_id for result in call.results or []] == ["paris", "tokyo"]
    assert all((result.score or 0) >= 0.6 for result in call.results or [])
    assert len(stages.generation.asked[-1].context or ()) == 2


async def test_without_a_reranker_nobody_reranks(
    api: openai.AsyncOpenAI, stages: DoubleDirectory
) -> None:
    before = stages.reranker.calls
    await ask(api, ranking_options={"ranker": "none"})
    assert stages.reranker.calls == before
    await ask(api, ranking_options={"ranker": "auto"})
    assert stages.reranker.calls == before + 1


async def test_the_search_is_streamed_before_the_answer(api: openai.AsyncOpenAI) -> None:
    async with api.responses.stream(
        model="ragserve",
        input=CAPITAL,
        tools=[{"type": "file_search", "vector_store_ids": [STORE]}],
        include=["file_search_call.results"],
    ) as stream:
        events = [event async for event in stream]
        final = await stream.get_final_response()
    names = [event.type.removeprefix("response.") for event in events]
    assert names[2:8] == [
        "output_item.added",
        "file_search_call.in_progress",
        "file_search_call.searching",
        "file_search_call.completed",
        "output_item.done",
        "output_item.added",
    ]
    assert names.count("output_text.annotation.added") == 2
    assert [item.type for item in final.output] == ["file_search_call", "message"]
    whole = await ask(api, include=["file_search_call.results"])
    assert without_id(final.output[0]) == without_id(whole.output[0])
    assert final.output_text == whole.output_text


def without_id(item: Any) -> dict[str, Any]:
    fields: dict[str, Any] = item.model_dump(exclude={"id"})
    return fields


async def test_a_turn_with_a_search_comes_back(api: openai.AsyncOpenAI) -> None:
    first = await ask(api, include=["file_search_call.results"])
    turns: list[Any] = [
        {"role": "user", "content": CAPITAL},
        *first.output,
        {"role": "user", "content": "What is the capital of Japan?"},
    ]
    second = await api.responses.create(model="ragserve", input=turns)
    assert second.output_text.startswith("Tokyo is the capital of Japan.")


async def test_no_tool_means_no_search(api: openai.AsyncOpenAI) -> None:
    answer = await api.responses.create(
        model="ragserve:llm",
        input="one two",
        tools=[{"type": "file_search", "vector_store_ids": [STORE]}],
        tool_choice="none",
    )
    assert answer.output_text == "one two"
    assert [item.type for item in answer.output] == ["message"]


@pytest.mark.parametrize(
    ("wish", "error", "word"),
    [
        ({"vector_store_ids": ["vs_other"]}, openai.NotFoundError, "vs_default"),
        ({"vector_store_ids": []}, openai.UnprocessableEntityError, "vector_store_ids"),
        ({"max_num_results": 51}, openai.UnprocessableEntityError, "max_num_results"),
        (
            {"ranking_options": {"hybrid_search": {"embedding_weight": 1, "text_weight": 1}}},
            openai.BadRequestError,
            "hybrid_search",
        ),
        (
            {"filters": {"type": "eq", "key": "$and", "value": "x"}},
            openai.UnprocessableEntityError,
            "filters.key",
        ),
    ],
    ids=["store", "none", "many", "weights", "key"],
)
async def test_what_cannot_be_had_is_refused(
    api: openai.AsyncOpenAI, wish: dict[str, Any], error: type[Exception], word: str
) -> None:
    with pytest.raises(error, match=word):
        await ask(api, **wish)


async def test_a_deep_filter_is_refused_and_not_followed(api: openai.AsyncOpenAI) -> None:
    filters: dict[str, Any] = {"type": "eq", "key": "area", "value": "eu"}
    for _ in range(200):
        filters = {"type": "and", "filters": [filters]}
    with pytest.raises(openai.UnprocessableEntityError, match="levels deep"):
        await ask(api, filters=filters)


async def test_a_model_without_documents_has_nothing_to_search(api: openai.AsyncOpenAI) -> None:
    with pytest.raises(openai.UnprocessableEntityError, match="ragserve"):
        await api.responses.create(
            model="echo",
            input="one",
            tools=[{"type": "file_search", "vector_store_ids": [STORE]}],
        )
