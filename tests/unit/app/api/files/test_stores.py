"""`/v1/vector_stores`, used by OpenAI's own client."""

from typing import Any

import openai
import pytest

from tests.doubles import DoubleDirectory

STORE = "vs_default"
CAPITAL = "What is the capital of France?"


async def test_there_is_one_store_which_holds_all(api: openai.AsyncOpenAI) -> None:
    [store] = [store async for store in api.vector_stores.list()]
    assert (store.id, store.name, store.status) == (STORE, "default", "completed")
    assert (store.file_counts.total, store.file_counts.completed) == (3, 3)
    assert await api.vector_stores.retrieve(STORE) == store
    assert await api.vector_stores.retrieve("default") == store


async def test_an_empty_store_is_one_too(api: openai.AsyncOpenAI, stages: DoubleDirectory) -> None:
    stages.retriever.written.clear()
    store = await api.vector_stores.retrieve(STORE)
    assert store.file_counts.total == 0
    assert store.created_at > 0


async def test_stores_stay_what_they_are(api: openai.AsyncOpenAI) -> None:
    for change in (
        api.vector_stores.create(name="mine"),
        api.vector_stores.update(STORE, name="mine"),
        api.vector_stores.delete(STORE),
    ):
        with pytest.raises(openai.BadRequestError, match=STORE):
            await change


async def search(api: openai.AsyncOpenAI, query: Any = CAPITAL, **wishes: Any) -> list[Any]:
    page = await api.vector_stores.search(STORE, query=query, **wishes)
    return page.data


async def test_a_search_finds_passages(api: openai.AsyncOpenAI) -> None:
    found = await search(api, max_num_results=2, rewrite_query=True)
    assert [one.file_id for one in found] == ["paris", "tokyo"]
    first = found[0]
    assert (first.filename, first.attributes) == ("geo/paris.md", {"area": "eu"})
    assert [part.text for part in first.content] == ["Paris is the capital of France."]


async def test_several_ways_to_put_it_are_one_search(
    api: openai.AsyncOpenAI, stages: DoubleDirectory
) -> None:
    page = await api.vector_stores.search(STORE, query=[CAPITAL, "full queue"])
    assert page.model_extra["search_query"] == [CAPITAL, "full queue"]  # type: ignore[index]
    assert {one.file_id for one in page.data} == {"paris", "tokyo", "queue"}


async def test_filters_and_thresholds_hold(api: openai.AsyncOpenAI) -> None:
    asia: Any = {"type": "eq", "key": "area", "value": "asia"}
    assert [one.file_id for one in await search(api, filters=asia)] == ["tokyo"]
    found = await search(api, ranking_options={"score_threshold": 0.9})
    assert [one.file_id for one in found] == []
    found = await search(api, ranking_options={"score_threshold": 0.6})
    assert [one.file_id for one in found] == ["paris", "tokyo"]


async def test_more_results_than_the_release_looks_at_can_be_had(
    api: openai.AsyncOpenAI,
) -> None:
    assert len(await search(api, max_num_results=50)) == 3


async def test_a_search_of_another_store_is_refused(api: openai.AsyncOpenAI) -> None:
    with pytest.raises(openai.NotFoundError, match=STORE):
        await api.vector_stores.search("vs_other", query="x")


@pytest.mark.parametrize(
    ("wish", "field"),
    [({"query": " "}, "query"), ({"query": []}, "query"), ({"max_num_results": 0}, "max_num")],
    ids=["blank", "empty", "none"],
)
async def test_bad_searches_are_refused_by_name(
    api: openai.AsyncOpenAI, wish: dict[str, Any], field: str
) -> None:
    with pytest.raises(openai.UnprocessableEntityError, match=field):
        await search(api, **wish)
