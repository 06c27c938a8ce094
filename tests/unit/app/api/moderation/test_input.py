"""What a policy does not let through is refused before any stage has worked, in every form of the
API, and never told again."""

from typing import Any

import pytest

from tests.doubles import DoubleDirectory
from tests.unit.app.api.moderation.conftest import Finished, Judging, Serve, policy

OATH = "So, by\u200b JOVE, where is the harbour?"
STRICT = policy(input={"blocklist": ["oaths"]})


def said(text: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": text}]


FORMS: dict[str, tuple[str, dict[str, Any]]] = {
    "query": ("/v1/query", {"query": OATH}),
    "stream": ("/v1/query", {"query": OATH, "stream": True}),
    "other queries": ("/v1/query", {"query": "Where?", "queries": ["What?", OATH]}),
    "filter": ("/v1/query", {"query": "Where?", "filter": {"$or": [{"a": 1}, {"b": OATH}]}}),
    "filter list": ("/v1/search", {"query": "Where?", "filter": {"a": {"$in": ["x", OATH]}}}),
    "ask": ("/ask", {"question": OATH}),
    "search": ("/v1/search", {"query": OATH}),
    "chat": ("/v1/chat/completions", {"model": "ragserve", "messages": said(OATH)}),
    "earlier turn": (
        "/v1/chat/completions",
        {"model": "ragserve", "messages": [*said(OATH), *said("Where is it?")]},
    ),
    "system": (
        "/v1/chat/completions",
        {"model": "echo", "messages": [{"role": "system", "content": OATH}, *said("Hi")]},
    ),
    "direct": ("/v1/chat/completions", {"model": "echo", "messages": said(OATH)}),
    "chat filter": (
        "/v1/chat/completions",
        {"model": "ragserve", "messages": said("Hi?"), "ragserve": {"filter": {"path": OATH}}},
    ),
    "completions": ("/v1/completions", {"model": "echo", "prompt": OATH}),
    "responses": ("/v1/responses", {"model": "ragserve", "input": OATH}),
    "instructions": (
        "/v1/responses",
        {"model": "ragserve", "input": "Where is it?", "instructions": OATH},
    ),
    "embeddings": ("/v1/embeddings", {"model": "ragserve", "input": ["fine", OATH]}),
    "rerank": (
        "/v1/rerank",
        {"model": "ragserve", "query": "Where?", "documents": ["fine", OATH]},
    ),
    "store": ("/v1/vector_stores/default/search", {"query": OATH}),
}


@pytest.mark.parametrize("form", FORMS)
async def test_every_form_is_refused_before_any_work(
    form: str, serve: Serve, stages: DoubleDirectory, finished: Finished
) -> None:
    client = await serve(STRICT)
    if form == "store":
        stores = (await client.get("/v1/vector_stores")).json()["data"]
        path, body = f"/v1/vector_stores/{stores[0]['id']}/search", FORMS[form][1]
        finished.requests.clear()
    else:
        path, body = FORMS[form]
    stages.embedder.entered.clear()
    response = await client.post(path, json=body)
    assert response.status_code == 400, response.text
    problem = response.json()
    assert (problem["code"], problem["error"]["code"]) == ("content_filter", "content_filter")
    assert "oaths" in problem["detail"]
    assert "jove" not in response.text.lower()
    assert not stages.generation.asked
    assert not stages.echo.asked
    assert not stages.embedder.entered.is_set()
    [request] = finished.requests
    assert request.outcome == "refused"
    assert not request.notes.generations()
    [decision] = request.notes.moderation
    assert (decision.policy, decision.place, decision.action) == ("strict", "input", "block")
    assert decision.categories == ("oaths",)
    assert len(decision.version) == 16


async def test_a_question_of_a_batch_is_refused_alone(serve: Serve) -> None:
    client = await serve(STRICT)
    body = {"queries": [{"query": OATH}, {"query": "What is the capital of France?"}]}
    first, second = (await client.post("/v1/query/batch", json=body)).json()["results"]
    assert first["problem"]["code"] == "content_filter"
    assert second["answer"]["grounded"]


async def test_what_is_flagged_goes_on(serve: Serve, finished: Finished) -> None:
    client = await serve(policy(input={"blocklist": ["oaths"], "action": "flag"}))
    response = await client.post("/v1/query", json={"query": "gadzooks, the capital of France?"})
    assert response.status_code == 200
    assert finished.requests[0].notes.moderation[0].action == "flag"


async def test_personal_data_does_not_reach_a_model(serve: Serve, stages: DoubleDirectory) -> None:
    client = await serve(policy(input={"personal_data": "redact"}))
    body = {"model": "echo", "messages": said("Mail ann@example.org, not bob@example.org")}
    answer = (await client.post("/v1/chat/completions", json=body)).json()
    assert answer["choices"][0]["message"]["content"] == "Mail <EMAIL_1>, not <EMAIL_2>"
    assert "example.org" not in str(stages.echo.engine.prompts)


async def test_personal_data_can_be_refused(serve: Serve) -> None:
    client = await serve(policy(input={"personal_data": "block"}))
    response = await client.post("/v1/query", json={"query": "Who is ann@example.org?"})
    assert response.status_code == 400
    assert "personal_data" in response.json()["detail"]


async def test_patterns_of_operators(serve: Serve) -> None:
    client = await serve(policy(input={"patterns": {"ticket": r"\bT-[0-9]{3,6}\b"}}))
    assert (await client.post("/v1/query", json={"query": "Is T-1234 done?"})).status_code == 400
    assert (await client.post("/v1/query", json={"query": "Is XT-1234 done?"})).status_code == 200


async def test_a_classifier_judges_before_any_stage(
    serve: Serve, judging: Judging, stages: DoubleDirectory
) -> None:
    client = await serve(policy(input={"classifier": "judge"}))
    response = await client.post("/v1/query", json={"query": "Fine. Fine too. It is grim."})
    assert response.status_code == 400
    assert "violence" in response.json()["detail"]
    assert judging.asked == [["Fine. ", "Fine. Fine too. ", "Fine. Fine too. It is grim."]]
    assert not stages.generation.asked


@pytest.mark.parametrize(("on_error", "status"), [("block", 503), ("allow", 200)])
async def test_a_classifier_that_is_away_is_never_silent(
    on_error: str, status: int, serve: Serve, judging: Judging, finished: Finished
) -> None:
    client = await serve(policy(input={"classifier": "judge", "on_error": on_error}))
    judging.status = 500
    asked = {"query": "What is the capital of France?"}
    response = await client.post("/v1/query", json=asked)
    assert response.status_code == status
    [decision] = finished.requests[0].notes.moderation
    assert (decision.action, decision.categories) == (on_error, ("unchecked",))
    if status == 200:
        assert response.json()["degraded"] == ["moderation"]
        search = await client.post("/v1/search", json=asked)
        assert search.json()["degraded"] == ["moderation"]
    else:
        assert response.json()["code"] == "unavailable"


async def test_the_moderations_route_says_what_the_policy_says(
    serve: Serve, judging: Judging
) -> None:
    client = await serve(policy(input={"blocklist": ["oaths"], "classifier": "judge"}))
    body = {"input": ["All is well.", "Gadzooks!", "This is grim."], "model": "omni"}
    answer = (await client.post("/v1/moderations", json=body)).json()
    assert answer["model"] == "omni"
    assert [one["flagged"] for one in answer["results"]] == [False, True, True]
    fine, oath, grim = answer["results"]
    assert fine["categories"] == {"oaths": False}
    assert oath["category_scores"] == {"oaths": 1.0}
    assert grim["category_scores"] == {"oaths": 0.0, "violence": 0.9}
    assert grim["category_applied_input_types"] == {"oaths": ["text"], "violence": ["text"]}


async def test_without_a_policy_nothing_is_found(serve: Serve) -> None:
    client = await serve({})
    [result] = (await client.post("/v1/moderations", json={"input": OATH})).json()["results"]
    assert result == {
        "flagged": False,
        "categories": {},
        "category_scores": {},
        "category_applied_input_types": {},
    }
    assert (await client.post("/v1/moderations", json={"input": []})).status_code == 400
