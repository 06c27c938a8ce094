"""`/admin/calibrations`: what it answers, and that answers change with what it stored."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from app.api.application import create_app
from app.gateway import make_gateway
from app.releases.releases import Releases
from app.settings.cold.gateway import GatewayArgs
from app.settings.live.gateway import GatewayLive
from app.settings.live.release import Release
from tests.doubles import DoubleDirectory

KEY = "open-sesame"
LIVE = GatewayLive(
    releases={
        "one": Release(retrieval="retrieval-a", generator=("generator-a",), rerank_weight=1.0)
    },
    traffic={"one": 1.0},
)
BODY = {"retrieval": "retrieval-a"}


@pytest.fixture
def stages() -> DoubleDirectory:
    return DoubleDirectory()


@pytest.fixture
async def operator(stages: DoubleDirectory) -> AsyncIterator[httpx.AsyncClient]:
    args = GatewayArgs()
    service = make_gateway(Releases(stages, lambda: LIVE), args, admin_key=KEY)
    transport = httpx.ASGITransport(create_app(service, args), raise_app_exceptions=False)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://test", headers={"Authorization": f"Bearer {KEY}"}
    ) as client:
        yield client


async def load(operator: httpx.AsyncClient, documents: int, *, first: int = 0) -> None:
    texts = [
        {
            "id": f"d{number}",
            "text": f"batch{number} tokens{number} queue{number} replica{number} "
            f"waits{number} load{number}",
        }
        for number in range(first, first + documents)
    ]
    response = await operator.post("/v1/documents", json={"documents": texts})
    assert response.json()["added"] == documents, response.text


async def test_it_fits_once_and_says_what_was_before(operator: httpx.AsyncClient) -> None:
    await load(operator, 30)
    first = (await operator.post("/admin/calibrations", json=BODY)).json()
    assert (first["status"], first["before"], first["reason"]) == ("fitted", None, "")
    assert first["after"]["document_count"] == 30
    assert 0 < first["after"]["min_relevance_score"] < 1
    again = (await operator.post("/admin/calibrations", json=BODY)).json()
    assert again["before"] == first["after"]
    current = await operator.post("/admin/calibrations", json=BODY | {"only_if_stale": True})
    assert current.json() == {
        "status": "current",
        "before": again["after"],
        "after": again["after"],
        "reason": "",
    }


async def test_an_empty_collection_says_so(operator: httpx.AsyncClient) -> None:
    response = await operator.post("/admin/calibrations", json=BODY)
    assert response.status_code == 200
    found = response.json()
    assert (found["status"], found["before"], found["after"]) == ("impossible", None, None)
    assert found["reason"].startswith("The collection has 0 chunks")


async def test_an_answer_follows_the_calibration(operator: httpx.AsyncClient) -> None:
    await load(operator, 30)
    # Three of seven words are in the document: below the default, above what is fitted.
    question = {"query": "batch3 tokens3 queue3 cheese butter milk sugar"}
    assert not (await operator.post("/v1/query", json=question)).json()["grounded"]
    fitted = (await operator.post("/admin/calibrations", json=BODY)).json()["after"]
    assert fitted["min_relevance_score"] < 3 / 7
    assert (await operator.post("/v1/query", json=question)).json()["grounded"]


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"retrieval": "none"}, "none; there are: retrieval-a"),
        ({}, "retrieval"),
        ({"retrieval": "retrieval-a", "force": True}, "force"),
    ],
    ids=["unknown", "missing", "unknown-field"],
)
async def test_what_is_no_collection_is_refused(
    operator: httpx.AsyncClient, body: dict[str, object], says: str
) -> None:
    response = await operator.post("/admin/calibrations", json=body)
    assert response.status_code == 422
    assert says in response.json()["detail"]


async def test_a_list_says_what_is_in_collections_and_whether_they_have_outgrown_it(
    operator: httpx.AsyncClient,
) -> None:
    await load(operator, 30)

    async def listed() -> dict[str, Any]:
        (found,) = (await operator.get("/admin/calibrations")).json()["collections"]
        return dict(found)

    before = await listed()
    assert (before["retrieval"], before["document_count"]) == ("retrieval-a", 30)
    assert (before["calibration"], before["is_stale"]) == (None, False)
    fitted = (await operator.post("/admin/calibrations", json=BODY)).json()["after"]
    after = await listed()
    assert after["calibration"] == fitted
    assert after["is_stale"] is False
    await load(operator, 20, first=30)
    assert (await listed())["is_stale"] is True
