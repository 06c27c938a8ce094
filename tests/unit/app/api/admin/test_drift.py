"""`/admin/drift`: closed without the key; with it, a comparison by the tracker."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from app.api.application import create_app
from app.gateway import make_gateway
from app.releases.releases import Releases
from app.settings.cold.gateway import GatewayArgs
from app.settings.live.gateway import GatewayLive
from app.settings.live.release import Release
from deployments.contracts.calls import CallContext
from deployments.contracts.errors import Unavailable
from deployments.drift import DAY_S, DriftCheck, DriftReport, DriftRequest, Window
from tests.doubles import DoubleDirectory

KEY = "open-sesame"
RELEASE = Release(retrieval="retrieval-a", generator=("generator-a",))
LIVE = GatewayLive(releases={"one": RELEASE, "two": RELEASE}, traffic={"one": 1.0})
CHECKS = (
    DriftCheck("queries", "drift", "why", effect=0.7, p_value=0.005, p_adjusted=0.02),
    DriftCheck("ungrounded", "not_enough", "12 samples", figures={}),
)


class Tracker:
    """Remembers what it was asked."""

    failure: Unavailable | None = None

    def __init__(self) -> None:
        self.asked: list[DriftRequest] = []
        self.timeouts_s: list[float] = []

    async def drift(self, request: DriftRequest, *, call: CallContext) -> DriftReport:
        if self.failure is not None:
            raise self.failure
        self.asked.append(request)
        self.timeouts_s.append(call.timeout_s)
        windows = Window(0.0, 7 * DAY_S, 2600), Window(7 * DAY_S, 8 * DAY_S, 380)
        return DriftReport(request.release, "drift", *windows, CHECKS, run_id="3f2a")


@pytest.fixture
def tracker() -> Tracker:
    return Tracker()


@pytest.fixture
def operator(tracker: Tracker) -> Callable[..., httpx.AsyncClient]:
    def open_client(key: str = KEY, *, tracked: bool = True) -> httpx.AsyncClient:
        args = GatewayArgs()
        service = make_gateway(
            Releases(DoubleDirectory(), lambda: LIVE),
            args,
            tracker=tracker if tracked else None,  # type: ignore[arg-type]
            admin_key=KEY,
        )
        transport = httpx.ASGITransport(create_app(service, args), raise_app_exceptions=False)
        headers = {"Authorization": f"Bearer {key}"}
        return httpx.AsyncClient(transport=transport, base_url="http://test", headers=headers)

    return open_client


async def ask(client: httpx.AsyncClient, **body: Any) -> httpx.Response:
    async with client:
        return await client.post("/admin/drift", json=body)


async def test_the_report_is_the_tracker_s(
    operator: Callable[..., httpx.AsyncClient], tracker: Tracker
) -> None:
    response = await ask(operator(), release="two", reference_s=1e6, current_s=1e5)
    assert response.status_code == 200, response.text
    assert tracker.asked == [DriftRequest("two", 1e6, 1e5)]
    assert tracker.timeouts_s[0] > 60
    found = response.json()
    assert (found["release"], found["verdict"], found["run_id"]) == ("two", "drift", "3f2a")
    assert found["current"] == {
        "begins": "1970-01-08T00:00:00Z",
        "ends": "1970-01-09T00:00:00Z",
        "samples": 380,
    }
    assert [check["name"] for check in found["checks"]] == ["queries", "ungrounded"]
    assert found["checks"][1]["effect"] is None


async def test_without_a_name_it_is_what_has_most_traffic(
    operator: Callable[..., httpx.AsyncClient], tracker: Tracker
) -> None:
    assert (await ask(operator())).status_code == 200
    assert tracker.asked == [DriftRequest("one", 7 * DAY_S, DAY_S)]


@pytest.mark.parametrize(
    ("key", "tracked", "body", "status", "code"),
    [
        ("wrong", True, {}, 403, "forbidden"),
        (KEY, False, {}, 404, "not_found"),
        (KEY, True, {"release": "three"}, 422, "invalid_request"),
        (KEY, True, {"current_s": 60}, 422, "invalid_request"),
        (KEY, True, {"current_s": 3600, "reference_s": 604800}, 422, "invalid_request"),
        (KEY, True, {"window": 1}, 422, "invalid_request"),
    ],
)
async def test_refusals(
    operator: Callable[..., httpx.AsyncClient],
    tracker: Tracker,
    key: str,
    tracked: bool,
    body: dict[str, Any],
    status: int,
    code: str,
) -> None:
    response = await ask(operator(key, tracked=tracked), **body)
    assert (response.status_code, response.json()["code"]) == (status, code)
    assert tracker.asked == []


async def test_a_database_that_is_away_is_said(
    operator: Callable[..., httpx.AsyncClient], tracker: Tracker
) -> None:
    tracker.failure = Unavailable("The database does not answer.", "tracker", 1.0)
    response = await ask(operator())
    assert (response.status_code, response.json()["code"]) == (503, "unavailable")
