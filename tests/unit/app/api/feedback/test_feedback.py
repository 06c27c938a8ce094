"""Ratings over HTTP: of whom, by whom, and what is kept of them."""

import asyncio
from typing import Any

import httpx
import pytest

from app.settings.live.feedback import FeedbackSettings
from app.settings.live.recording import Recording
from deployments.assessments.contract import AssessmentQuery, KeptAssessment
from deployments.contracts.errors import Unavailable
from deployments.telemetry import catalog
from tests.recording_meter import series
from tests.unit.app.api.feedback.conftest import Service, ask, rate


def kept_by(service: Service) -> list[KeptAssessment]:
    return list(service.tracker.store.page(AssessmentQuery(None)).assessments)


@pytest.fixture
def alice(service: Service) -> httpx.AsyncClient:
    return service.client("alice")


async def test_an_answer_is_rated_by_its_id(service: Service, alice: httpx.AsyncClient) -> None:
    request_id = await ask(alice, user="zoe")
    answer = await rate(alice, request_id, thumb="up", comment="Yes.", user="zoe")
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert (found["request_id"], found["thumb"], found["score"]) == (request_id, "up", 1.0)
    assert (found["release"], found["source"], found["times"]) == ("one", "human", 1)
    assert found["comment"] == "Yes."
    assert len(found["trace_id"]) == 32
    again = (await rate(alice, request_id, score=0.25, user="zoe")).json()
    assert (again["id"], again["score"], again["thumb"]) == (found["id"], 0.25, None)
    assert (again["times"], again["comment"]) == (2, "")
    assert len(kept_by(service)) == 1


async def test_the_same_request_twice_is_the_same(alice: httpx.AsyncClient) -> None:
    request_id = await ask(alice)
    first, second = [(await rate(alice, request_id)).json() for _ in range(2)]
    assert first["id"] == second["id"]
    assert first["score"] == second["score"] == 0.0


@pytest.mark.parametrize("path", ["stream", "chat", "batch"])
async def test_every_answer_can_be_rated(alice: httpx.AsyncClient, path: str) -> None:
    question = "Capital of France?"
    if path == "stream":
        body: dict[str, Any] = {"query": question, "stream": True}
        answer = await alice.post("/v1/query", json=body, headers={"X-Request-ID": "own"})
        request_id = "own"
    elif path == "chat":
        body = {"model": "ragserve", "messages": [{"role": "user", "content": question}]}
        answer = await alice.post("/v1/chat/completions", json=body)
        request_id = answer.headers["x-request-id"]
    else:
        answer = await alice.post("/v1/query/batch", json={"queries": [{"query": question}]})
        request_id = answer.json()["results"][0]["answer"]["request_id"]
    assert answer.status_code == 200, answer.text
    await asyncio.sleep(0)
    assert (await rate(alice, request_id)).status_code == 200


async def test_any_replica_takes_it_as_soon_as_the_other_has_told(service: Service) -> None:
    request_id = await ask(service.client("alice"))
    rating = asyncio.create_task(rate(service.client("alice", replica=1), request_id))
    while service.tracker.rated < 2:  # noqa: ASYNC110
        await asyncio.sleep(0.001)
    await service.replicas[0].tell()
    assert (await rating).status_code == 200


@pytest.mark.parametrize("who", ["alice", "eve"])
async def test_an_id_that_is_unknown_or_of_another_tenant_is_not_found(
    service: Service, alice: httpx.AsyncClient, who: str
) -> None:
    request_id = await ask(alice)
    await service.replicas[0].tell()
    asked = request_id if who == "eve" else "no-such-answer"
    answer = await rate(service.client(who), asked)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert "another tenant" not in answer.text
    assert kept_by(service) == []


async def test_what_has_no_answer_cannot_be_rated(alice: httpx.AsyncClient) -> None:
    searched = await alice.post("/v1/search", json={"query": "Paris"})
    assert (await rate(alice, searched.json()["request_id"])).status_code == 404


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"request_id": "r"}, ""),
        ({"request_id": "r", "thumb": "up", "score": 1.0}, ""),
        ({"request_id": "r", "score": 1.5}, "score"),
        ({"request_id": "r", "score": "NaN"}, "score"),
        ({"request_id": "r", "thumb": "sideways"}, "thumb"),
        ({"thumb": "up"}, "request_id"),
        ({"request_id": "r", "thumb": "up", "comment": "x" * 4001}, "comment"),
        ({"request_id": "r", "thumb": "up", "correction": "x" * 16_001}, "correction"),
        ({"request_id": "r", "thumb": "up", "user": "x" * 257}, "user"),
        ({"request_id": "r", "thumb": "up", "stars": 5}, "stars"),
    ],
)
async def test_bad_ratings_are_refused(
    alice: httpx.AsyncClient, body: dict[str, Any], field: str
) -> None:
    answer = await alice.post("/v1/feedback", json=body)
    assert answer.status_code == 422, answer.text
    assert field in answer.json()["errors"][0]["field"]


SECRET = "Ask jane.doe@example.org"


@pytest.mark.parametrize(
    ("content", "comment"),
    [("full", SECRET), ("redacted", "Ask <EMAIL_1>"), ("none", f"length:{len(SECRET)}")],
)
async def test_texts_are_kept_as_those_of_questions_are(
    service: Service, alice: httpx.AsyncClient, content: Any, comment: str
) -> None:
    service.live = service.live.model_copy(update={"recording": Recording(content=content)})
    request_id = await ask(alice)
    await rate(alice, request_id, comment=SECRET, correction=SECRET, user=SECRET)
    (kept,) = kept_by(service)
    assert (kept.comment, kept.correction, kept.source_id) == (comment,) * 3


async def test_without_a_salt_nothing_but_the_length_is_kept_of_a_text_that_is_to_be_hashed(
    service: Service, alice: httpx.AsyncClient
) -> None:
    service.live = service.live.model_copy(update={"recording": Recording(content="hash")})
    await rate(alice, await ask(alice), comment=SECRET)
    assert kept_by(service)[0].comment == f"length:{len(SECRET)}"


async def test_what_keeps_no_trace_says_so(service: Service, alice: httpx.AsyncClient) -> None:
    service.live = service.live.model_copy(
        update={"recording": Recording(allow_opt_out=True, sample_ratio=0.0)}
    )
    found = (await rate(alice, await ask(alice))).json()
    assert found["trace_id"] is None
    assert service.tracker.store.unrecorded(now_s=1e12, limit=9) == []


async def test_switched_off_nothing_is_kept_or_taken(
    service: Service, alice: httpx.AsyncClient
) -> None:
    off = FeedbackSettings(enabled=False)
    request_id = await ask(alice)
    service.live = service.live.model_copy(update={"feedback": off})
    later = await ask(alice)
    answer = await rate(alice, request_id)
    assert answer.status_code == 404
    assert "feedback.enabled" in answer.json()["detail"]
    service.live = service.live.model_copy(update={"feedback": FeedbackSettings()})
    assert (await rate(alice, later)).status_code == 404
    assert (await rate(alice, request_id)).status_code == 200


async def test_while_the_tracker_is_away_a_rating_is_refused_and_may_come_again(
    service: Service, alice: httpx.AsyncClient
) -> None:
    request_id = await ask(alice)
    service.tracker.failure = Unavailable("Away.", "tracker", 1.0)
    answer = await rate(alice, request_id)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    service.tracker.failure = None
    assert (await rate(alice, request_id)).status_code == 200


async def test_ratings_are_counted_by_release(service: Service, alice: httpx.AsyncClient) -> None:
    request_id = await ask(alice)
    for body in ({"thumb": "down"}, {"thumb": "up"}, {"score": 0.5}):
        await rate(alice, request_id, **body)
    assert service.replicas[0].meter.sums(catalog.FEEDBACK) == {
        series(release="one", rating=rating): 1.0 for rating in ("down", "up", "score")
    }


async def test_who_looks_after_the_answers_sees_the_least_liked_first(service: Service) -> None:
    alice, eve = service.client("alice"), service.client("eve")
    await rate(alice, await ask(alice), score=0.9)
    worst = await ask(alice)
    await rate(alice, worst, score=0.1, comment="Wrong.", correction="Paris.")
    await rate(eve, await ask(eve), score=0.0)
    listed = await service.client("admin").get("/v1/feedback", params={"limit": 1})
    assert listed.status_code == 200, listed.text
    (first,) = listed.json()["data"]
    assert (first["request_id"], first["correction"]) == (worst, "Paris.")
    assert listed.json()["has_more"]
    after = {"after": listed.json()["last_id"], "limit": 1}
    rest = (await service.client("admin").get("/v1/feedback", params=after)).json()
    assert [one["score"] for one in rest["data"]] == [0.9]
    assert not rest["has_more"]
    everything = (await service.client("ops").get("/v1/feedback")).json()
    assert [one["score"] for one in everything["data"]] == [0.0, 0.1, 0.9]
    scores = (await service.client("admin").get("/v1/feedback/releases")).json()["data"]
    assert [(one["release"], one["count"], one["mean"]) for one in scores] == [("one", 2, 0.5)]
    assert scores[0]["low"] < 0.5 < scores[0]["high"]


async def test_who_reads_some_groups_alone_sees_no_texts_of_others(service: Service) -> None:
    for who, sees in (("admin", True), ("legal", False), ("ops", True)):
        assert (await service.client(who).get("/v1/feedback")).status_code == 200
        assert service.tracker.asked[-1].with_texts is sees
    assert service.tracker.asked[0].tenant == "acme"
    assert service.tracker.asked[-1].tenant is None


@pytest.mark.parametrize("path", ["/v1/feedback", "/v1/feedback/releases"])
async def test_who_may_only_ask_sees_no_ratings(alice: httpx.AsyncClient, path: str) -> None:
    assert (await alice.get(path)).status_code == 403


async def test_a_user_who_goes_takes_their_ratings_along(service: Service) -> None:
    alice = service.client("alice")
    mine, others = await ask(alice, user="zoe"), await ask(alice, user="ben")
    await rate(alice, mine, user="ben")
    await rate(alice, others, user="zoe")
    await rate(alice, others, user="ben")
    receipt = (await service.client("admin").delete("/v1/users/zoe")).json()
    places = {one["place"]: one for one in receipt["places"]}
    assert places["assessments"]["counts"] == {"assessments": 2}
    (left,) = kept_by(service)
    assert left.request_id == others
    assert (await rate(alice, mine)).status_code == 404
