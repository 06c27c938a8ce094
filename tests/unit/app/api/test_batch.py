"""`/v1/query/batch` over doubles: one answer or one problem for each question, in order."""

import httpx
import pytest

from deployments.contracts.errors import Overloaded, RagError
from tests.doubles import DoubleDirectory

PATH = "/v1/query/batch"
CAPITALS = ["What is the capital of France?", "What is the capital of Japan?"]


async def test_answers_are_those_of_single_questions(loaded: httpx.AsyncClient) -> None:
    singles = [
        (await loaded.post("/v1/query", json={"query": text})).json()["answer"] for text in CAPITALS
    ]
    body = (
        await loaded.post(
            PATH,
            json={"queries": [{"query": text} for text in CAPITALS]},
            headers={"x-request-id": "batch"},
        )
    ).json()
    assert [one["answer"]["answer"] for one in body["results"]] == singles
    assert [one["index"] for one in body["results"]] == [0, 1]
    assert [one["answer"]["id"] for one in body["results"]] == ["batch-0", "batch-1"]
    assert [one["problem"] for one in body["results"]] == [None, None]
    assert body["id"] == "batch"


async def test_one_that_fails_has_a_problem_in_its_place(loaded: httpx.AsyncClient) -> None:
    queries = [{"query": CAPITALS[0]}, {"query": "x", "top_k": 2, "top_n": 3}, {"query": "tower"}]
    response = await loaded.post(PATH, json={"queries": queries})
    assert response.status_code == 200
    good, bad, other = response.json()["results"]
    assert good["answer"]["grounded"]
    assert other["problem"] is None
    assert bad["answer"] is None
    assert (bad["problem"]["status"], bad["problem"]["code"]) == (422, "invalid_request")
    assert bad["problem"]["instance"] == f"{PATH}#1"


async def test_who_may_come_back_is_told_when(
    loaded: httpx.AsyncClient, stages: DoubleDirectory
) -> None:
    failure: RagError = Overloaded("full", "embedder", 2.5)
    stages.embedder.failure = failure
    body = (await loaded.post(PATH, json={"queries": [{"query": "a"}]})).json()
    [item] = body["results"]
    assert (item["problem"]["code"], item["retry_after_s"]) == ("overloaded", 2.5)


async def test_nothing_to_answer_is_malformed(loaded: httpx.AsyncClient) -> None:
    response = await loaded.post(PATH, json={"queries": []})
    assert response.status_code == 400
    assert response.json()["detail"] == "Send at least one query."


@pytest.mark.parametrize(
    ("item", "field"),
    [
        ({"query": " "}, "query"),
        ({}, "query"),
        ({"query": "x", "temperature": "hot"}, "temperature"),
        ({"query": "x", "stream": True}, "stream"),
        (7, "body"),
    ],
    ids=["blank", "missing", "range", "stream", "number"],
)
async def test_an_item_against_the_schema_fails_alone(
    loaded: httpx.AsyncClient, item: object, field: str
) -> None:
    response = await loaded.post(PATH, json={"queries": [{"query": "capital"}, item]})
    assert response.status_code == 200
    good, wrong = response.json()["results"]
    assert good["answer"] is not None
    assert wrong["answer"] is None
    assert (wrong["index"], wrong["problem"]["code"]) == (1, "invalid_request")
    assert wrong["problem"]["errors"][0]["field"] == field


async def test_too_many_items_are_refused_before_any_work(
    loaded: httpx.AsyncClient, stages: DoubleDirectory
) -> None:
    before = stages.embedder.calls
    response = await loaded.post(PATH, json={"queries": [{"query": "x"}] * 65})
    assert response.status_code == 422
    assert response.json()["errors"][0]["field"] == "queries"
    assert stages.embedder.calls == before


async def test_sixty_four_are_answered(loaded: httpx.AsyncClient) -> None:
    response = await loaded.post(PATH, json={"queries": [{"query": "capital"}] * 64})
    assert len(response.json()["results"]) == 64
