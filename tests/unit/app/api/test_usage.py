"""`GET /v1/usage` over a real ledger: who sees what, as JSON and as CSV, and what is refused."""

import csv
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.api.application import create_app
from app.gateway import make_gateway
from app.releases.releases import Releases
from app.settings.cold.activity import ActivityArgs
from app.settings.cold.gateway import GatewayArgs
from app.settings.live.gateway import GatewayLive
from app.settings.live.recording import Recording
from app.settings.live.release import Release
from app.telemetry.activity.outbox import ActivityOutbox
from app.telemetry.requests import Telemetry
from deployments.activity import ActivityReport, TrackerStage, Usage, UsageKey, UsageQuery, UsageRow
from deployments.contracts.calls import CallContext
from deployments.ledger.store import Ledger
from tests.activity_reports import make_report
from tests.doubles import DoubleDirectory

ADMIN = "open-sesame"
LIVE = GatewayLive(
    releases={
        "one": Release(retrieval="retrieval-a", generator=("generator-a",), min_relevance_score=0.1)
    },
    traffic={"one": 1.0},
)
ALICE, BOB = ("sk-alice", "sk-bob")


def key_id(key: str) -> str:
    return sha256(key.encode()).hexdigest()[:12]


USED = {
    UsageKey("2026-11-01", key_id(ALICE), "one", "tiny", "v1"): Usage(
        requests=2, prompt_tokens=100, cost_picousd=1_500_000_000_001
    ),
    UsageKey("2026-11-02", key_id(BOB), "one", "tiny", "v1"): Usage(requests=3, failed=1),
    UsageKey("2026-11-02", "", "two", "", "v2"): Usage(requests=4, embedding_tokens=9),
}


class Tracker:
    """The tracker without Ray and MLflow."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger

    async def take(self, report: ActivityReport, *, call: CallContext) -> None:
        self.ledger.take(report, now_s=time.time())

    async def usage(self, query: UsageQuery, *, call: CallContext) -> list[UsageRow]:
        return self.ledger.usage(query)

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"nobody asks for {name}")


@pytest.fixture
def tracker(tmp_path: Path) -> Tracker:
    ledger = Ledger(f"sqlite:///{tmp_path / 'control.db'}")
    ledger.upgrade()
    ledger.take(make_report(1, usage=USED), now_s=0.0)
    return Tracker(ledger)


def client_of(
    tracker: TrackerStage | None,
    key: str = ADMIN,
    *,
    admin_key: str = ADMIN,
    outbox: ActivityOutbox | None = None,
) -> httpx.AsyncClient:
    args = GatewayArgs()
    recording = Recording(known_keys=tuple(map(key_id, (ALICE, BOB, "sk-carol"))))
    live = LIVE.model_copy(update={"recording": recording})
    releases = Releases(DoubleDirectory(), lambda: live)
    telemetry = Telemetry([] if outbox is None else [outbox.meter])
    service = make_gateway(
        releases, args, telemetry=telemetry, tracker=tracker, admin_key=admin_key
    )
    transport = httpx.ASGITransport(create_app(service, args), raise_app_exceptions=False)
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    return httpx.AsyncClient(transport=transport, base_url="http://test", headers=headers)


@pytest.fixture
async def operator(tracker: Tracker) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(tracker) as client:
        yield client


async def ask(client: httpx.AsyncClient, **query: str) -> dict[str, Any]:
    november = {"from": "2026-11-01", "to": "2026-11-30"}
    response = await client.get("/v1/usage", params={**november, **query})
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


async def test_operators_see_all(operator: httpx.AsyncClient) -> None:
    found = await ask(operator, by="day,release")
    assert (found["from"], found["to"], found["by"]) == (
        "2026-11-01",
        "2026-11-30",
        ["day", "release"],
    )
    rows = [(row["day"], row["release"], row["requests"]) for row in found["rows"]]
    assert rows == [("2026-11-01", "one", 2), ("2026-11-02", "one", 3), ("2026-11-02", "two", 4)]
    assert set(found["rows"][0]) == {"day", "release", *found["total"]}
    assert found["rows"][0]["cost_usd"] == 1.500000000001
    total = found["total"]
    assert (total["requests"], total["failed"], total["embedding_tokens"]) == (9, 1, 9)


@pytest.mark.parametrize(
    ("query", "requests"),
    [
        ({"release": "two"}, 4),
        ({"model": "tiny"}, 5),
        ({"key": key_id(BOB)}, 3),
        ({"to": "2026-11-01"}, 2),
        ({"from": "2026-11-02", "by": ""}, 7),
        ({"release": "none"}, 0),
        ({"from": "0001-01-01", "to": "0001-01-02"}, 0),
    ],
)
async def test_a_part_of_it(
    operator: httpx.AsyncClient, query: dict[str, str], requests: int
) -> None:
    assert (await ask(operator, **query))["total"]["requests"] == requests


async def test_a_caller_sees_its_own(tracker: Tracker) -> None:
    async with client_of(tracker, BOB) as bob:
        found = await ask(bob, by="key,release")
        assert [(row["key"], row["requests"]) for row in found["rows"]] == [(key_id(BOB), 3)]
        assert await ask(bob, by="key,release", key=key_id(BOB)) == found
        other = await bob.get("/v1/usage", params={"key": key_id(ALICE)})
        assert (other.status_code, other.json()["code"]) == (403, "forbidden")
    async with client_of(tracker, "sk-carol") as nobody:
        assert (await ask(nobody))["rows"] == []


async def test_where_nobody_is_an_operator_every_key_sees_its_own(tracker: Tracker) -> None:
    async with client_of(tracker, ALICE, admin_key="") as alice:
        assert (await ask(alice))["total"]["requests"] == 2


async def test_keys_that_nobody_registered_are_one_row_that_none_of_them_sees(
    tracker: Tracker,
) -> None:
    outbox = ActivityOutbox("r1", lambda: LIVE, ActivityArgs())
    for number in range(15):
        async with client_of(tracker, f"sk-invented-{number}", outbox=outbox) as invented:
            await invented.post("/v1/query", json={"query": "What is a full queue?"})
            refused = await invented.get("/v1/usage")
            assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
            assert "known_keys" in refused.json()["detail"]
    report = outbox.report(last=True)
    assert report is not None
    assert {key.key_id: usage.requests for key, usage in report.usage.items()} == {"unknown": 15}


async def test_without_a_key_there_is_nothing_to_see(tracker: Tracker) -> None:
    async with client_of(tracker, "") as client:
        response = await client.get("/v1/usage")
    assert (response.status_code, response.json()["code"]) == (401, "unauthorized")
    assert response.headers["WWW-Authenticate"] == "Bearer"


async def test_without_a_control_application_there_is_no_usage() -> None:
    async with client_of(None) as client:
        response = await client.get("/v1/usage")
    assert response.status_code == 404
    assert "no control application" in response.json()["detail"]


@pytest.mark.parametrize(
    ("query", "headers"),
    [
        ({"format": "csv"}, {}),
        ({}, {"Accept": "text/csv"}),
        ({"format": "csv"}, {"Accept": "application/json"}),
    ],
    ids=["format", "accept", "both"],
)
async def test_csv_has_a_line_per_row(
    operator: httpx.AsyncClient, query: dict[str, str], headers: dict[str, str]
) -> None:
    asked = {"by": "release,day", "from": "2026-11-01", "to": "2026-11-30", **query}
    response = await operator.get("/v1/usage", params=asked, headers=headers)
    assert response.headers["content-type"].startswith("text/csv")
    head, *lines = csv.reader(response.text.splitlines())
    assert head == [
        *("release", "day", "requests", "failed", "prompt_tokens", "cached_tokens"),
        *("completion_tokens", "embedding_tokens", "rerank_tokens", "cost_usd"),
    ]
    assert [line[:3] for line in lines] == [
        ["one", "2026-11-01", "2"],
        ["one", "2026-11-02", "3"],
        ["two", "2026-11-02", "4"],
    ]
    assert lines[0][-1] == "1.500000000001"


async def test_a_browser_gets_json(operator: httpx.AsyncClient) -> None:
    for accept in ("*/*", "text/csv, application/json"):
        response = await operator.get("/v1/usage", headers={"Accept": accept})
        assert response.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"from": "2026-02-30"}, "query.from"),
        ({"to": "20261101"}, "query.to"),
        ({"to": "yesterday"}, "query.to"),
        ({"to": "٢٠٢٦-11-01"}, "query.to"),
        ({"from": "2026-11-02", "to": "2026-11-01"}, "query.from"),
        ({"from": "9999-01-01"}, "query.from"),
        ({"by": "day,colour"}, "query.by"),
        ({"by": "day,day"}, "query.by"),
        ({"by": "day" * 40}, "query.by"),
        ({"format": "xml"}, "query.format"),
    ],
)
async def test_bad_queries_are_refused(
    operator: httpx.AsyncClient, query: dict[str, str], field: str
) -> None:
    response = await operator.get("/v1/usage", params=query)
    assert response.status_code == 422, response.text
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["errors"][0]["field"] == field


async def test_by_default_it_is_the_last_thirty_days(operator: httpx.AsyncClient) -> None:
    found = (await operator.get("/v1/usage")).json()
    first, last = (datetime.fromisoformat(found[name]).date() for name in ("from", "to"))
    assert abs(last - datetime.now(UTC).date()) <= timedelta(1), "it may be midnight"
    assert last - first == timedelta(29)


async def test_what_is_asked_over_http_is_counted(tracker: Tracker) -> None:
    outbox = ActivityOutbox("r1", lambda: LIVE, ActivityArgs())
    async with client_of(tracker, "sk-carol", outbox=outbox) as carol:
        documents = {"documents": [{"id": "q", "text": "A full queue is answered with 503."}]}
        assert (await carol.post("/v1/documents", json=documents)).status_code == 200
        for path in ("/v1/query", "/v1/search"):
            response = await carol.post(path, json={"query": "What is a full queue answered with?"})
            assert response.status_code == 200, response.text
        assert (await carol.post("/v1/query", json={})).status_code == 422
        report = outbox.report(last=True)
        assert report is not None
        tracker.ledger.take(report, now_s=time.time())
        today = (await carol.get("/v1/usage", params={"by": "model,key"})).json()
    assert [(row["model"], row["key"], row["requests"]) for row in today["rows"]] == [
        ("", key_id("sk-carol"), 1),
        ("extractive", key_id("sk-carol"), 1),
    ]
    assert today["total"]["embedding_tokens"] > 0
    (minute,) = report.minutes
    assert (minute.counts.requests, minute.counts.answered) == (2, 1)
    assert len(report.samples) == 1
