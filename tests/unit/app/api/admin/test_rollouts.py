"""`/admin`: closed without the key; with it, rollouts and traffic over a real controller."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.api.application import create_app
from app.dispatch.control_link import ControlLink
from app.gateway import make_gateway
from app.releases.releases import Releases
from app.settings.cold.gateway import GatewayArgs
from app.settings.live.gateway import GatewayLive
from app.settings.live.release import Release
from deployments.canary.policy import Policy
from deployments.canary.rollout import Decision
from deployments.canary.verdict import Verdict
from deployments.control.controller import Controller
from deployments.control.store import ControlStore
from deployments.rollouts import ControlStage
from tests.doubles import DoubleDirectory

KEY = "open-sesame"
LIVE = GatewayLive(
    releases={
        name: Release(retrieval="retrieval-a", generator=("generator-a",), min_relevance_score=0.1)
        for name in ("one", "two", "three")
    }
    | {"llm": Release(retrieval="retrieval-b", generator=("generator-echo",))},
    traffic={"one": 1.0},
)


class Control:
    """The controller without Ray between: calls have one argument more on the wire."""

    def __init__(self, controller: Controller) -> None:
        self._controller = controller

    def __getattr__(self, name: str) -> Any:
        async def call(*args: Any, call: object, **options: Any) -> Any:
            if name == "rollouts":
                return await self._controller.rollouts(options["limit"])
            return await getattr(self._controller, name)(*args, **options)

        return call


class Tied(ControlLink):
    """A link that says whom it talks to."""

    def __init__(self, control: ControlStage) -> None:
        super().__init__(control, lambda: LIVE.traffic, replica="one")
        self.control = control


@pytest.fixture
async def link(tmp_path: Path) -> Tied:
    store = ControlStore(f"sqlite:///{tmp_path / 'control.db'}")
    controller = Controller(store, Policy(), unhealthy=lambda names: [])
    await controller.load()
    return Tied(Control(controller))


def app_of(link: Tied | None, key: str = KEY) -> httpx.AsyncClient:
    args = GatewayArgs()
    releases = Releases(DoubleDirectory(), lambda: LIVE)
    if link is not None:
        releases = Releases(DoubleDirectory(), lambda: LIVE, link.plan)
    control = None if link is None else link.control
    service = make_gateway(releases, args, observer=link, control=control, admin_key=key)
    transport = httpx.ASGITransport(create_app(service, args), raise_app_exceptions=False)
    return httpx.AsyncClient(
        transport=transport, base_url="http://test", headers={"Authorization": f"Bearer {KEY}"}
    )


@pytest.fixture
async def operator(link: Tied) -> AsyncIterator[httpx.AsyncClient]:
    async with app_of(link) as client:
        yield client


async def begin(operator: httpx.AsyncClient, **body: Any) -> dict[str, Any]:
    response = await operator.post("/admin/rollouts", json={"canary": "two", **body})
    assert response.status_code == 201, response.text
    found: dict[str, Any] = response.json()
    return found


PATHS = [
    ("GET", "/admin/rollouts"),
    ("GET", "/admin/releases"),
    ("GET", "/admin/traffic"),
    ("DELETE", "/admin/traffic"),
    ("PUT", "/admin/traffic"),
    ("POST", "/admin/rollouts"),
    ("POST", "/admin/reindex"),
    ("POST", "/admin/calibrations"),
    ("POST", "/admin/rollouts/x/abort"),
    ("GET", "/admin/rollouts/x"),
    ("GET", "/admin/rollouts/x/looks"),
]


@pytest.mark.parametrize(("method", "path"), PATHS)
@pytest.mark.parametrize(
    ("authorization", "status"),
    [
        (None, 401),
        ("Basic open-sesame", 401),
        ("Bearer ", 401),
        ("Bearer wrong", 403),
        ("Bearer open-sesame2", 403),
        ("Bearer \u00fc", 403),
    ],
)
async def test_nobody_passes_without_the_key(
    link: Tied, method: str, path: str, authorization: str | None, status: int
) -> None:
    async with app_of(link) as client:
        del client.headers["Authorization"]
        headers = {} if authorization is None else {"Authorization": authorization.encode()}
        response = await client.request(method, path, json={}, headers=headers)  # type: ignore[arg-type]
    assert response.status_code == status
    assert response.json()["code"] == ("unauthorized" if status == 401 else "forbidden")


@pytest.mark.parametrize("given", ["Bearer open-sesame", "Bearer ", None])
async def test_where_there_is_no_key_nothing_opens(link: Tied, given: str | None) -> None:
    async with app_of(link, key="") as client:
        client.headers.pop("Authorization")
        headers = {} if given is None else {"Authorization": given}
        response = await client.get("/admin/releases", headers=headers)
    assert response.status_code == 403
    assert "RAGSERVE_ADMIN_KEY" in response.json()["detail"]


async def test_without_a_control_application_there_are_no_rollouts() -> None:
    async with app_of(None) as client:
        response = await client.get("/admin/rollouts")
        assert response.status_code == 404
        assert (await client.get("/admin/releases")).status_code == 200


async def test_a_rollout_is_begun_shown_and_ended(operator: httpx.AsyncClient, link: Tied) -> None:
    begun = await begin(operator, by="alice", policy={"steps": [{"weight": 0.25}]})
    assert (begun["stable"], begun["canary"], begun["phase"]) == ("one", "two", "running")
    assert (begun["stage_name"], begun["created_by"]) == ("25 %", "alice")
    await link.exchange()
    shown = (await operator.get("/admin/releases")).json()
    shares = {one["name"]: (one["role"], one["weight"]) for one in shown["releases"]}
    assert shares == {"one": ("stable", 0.75), "two": ("canary", 0.25), "three": ("", 0.0)} | {
        "llm": ("", 0.0)
    }
    paused = await operator.post(f"/admin/rollouts/{begun['id']}/pause", json={"reason": "lunch"})
    assert paused.json()["phase"] == "paused"
    ended = await operator.post(f"/admin/rollouts/{begun['id']}/abort", json={"by": "bob"})
    assert ended.json()["phase"] == "rolled_back"
    found = (await operator.get(f"/admin/rollouts/{begun['id']}")).json()
    assert [one["action"] for one in found["history"]] == ["pause", "roll_back"]
    assert found["history"][1]["by"] == "bob"
    assert found["policy"]["steps"][0]["weight"] == 0.25
    assert set(found["releases"]) == {"one", "two"}
    listed = (await operator.get("/admin/rollouts")).json()["rollouts"]
    assert [one["id"] for one in listed] == [begun["id"]]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"canary": "none"}, 422),
        ({"canary": "one"}, 409),
        ({"canary": "two", "stable": "two"}, 409),
        ({"canary": "two", "stable": "three"}, 409),
        ({"canary": "two", "policy": {"steps": []}}, 422),
        ({"canary": "two", "policy": {"guardrails": {"speed": {"margin": 0.1}}}}, 422),
        ({"canary": "two", "policy": {"mode": "reckless"}}, 422),
        ({"canary": "two", "policy": {"warm_up_s": 1e999}}, 422),
        ({}, 422),
    ],
    ids=[
        "unknown",
        "has-traffic",
        "itself",
        "stable-without-traffic",
        "no-steps",
        "no-metric",
        "no-mode",
        "no-number",
        "nothing",
    ],
)
async def test_what_cannot_be_tried_is_refused(
    operator: httpx.AsyncClient, body: dict[str, Any], status: int
) -> None:
    assert (await post_json(operator, "/admin/rollouts", body)).status_code == status
    assert (await operator.get("/admin/rollouts")).json()["rollouts"] == []


async def post_json(operator: httpx.AsyncClient, path: str, body: object) -> httpx.Response:
    """Posts what Python takes for JSON, infinities included."""
    headers = {"content-type": "application/json"}
    return await operator.post(path, content=json.dumps(body), headers=headers)


async def test_a_command_for_a_stage_that_has_passed_is_a_conflict(
    operator: httpx.AsyncClient,
) -> None:
    begun = await begin(operator)
    path = f"/admin/rollouts/{begun['id']}/advance"
    assert (await operator.post(path, json={"stage": 0})).status_code == 200
    assert (await operator.post(path, json={"stage": 0})).status_code == 409


async def test_a_generator_alone_is_asked_through_the_rollout_too(
    operator: httpx.AsyncClient, link: Tied
) -> None:
    response = await operator.post(
        "/v1/completions",
        json={"model": "ragserve", "prompt": "once"},
        headers={"X-Ragserve-Release": "two"},
    )
    assert response.status_code == 400, "the extractive engine has no language model"
    async with app_of(link) as client:
        names = {"model": "ragserve:llm", "prompt": "once upon"}
        answer = await client.post("/v1/completions", json=names)
    assert answer.headers["X-Ragserve-Release"] == "llm"


async def test_a_second_rollout_is_a_conflict(operator: httpx.AsyncClient) -> None:
    await begin(operator)
    response = await operator.post("/admin/rollouts", json={"canary": "three"})
    assert response.status_code == 409
    assert (await operator.put("/admin/traffic", json={"weights": {"two": 1}})).status_code == 409


async def test_a_command_for_no_rollout_is_not_found(operator: httpx.AsyncClient) -> None:
    assert (await operator.post("/admin/rollouts/none/abort", json={})).status_code == 404
    assert (await operator.post("/admin/rollouts/none/explode", json={})).status_code == 422
    assert (await operator.get("/admin/rollouts/none")).status_code == 404


async def test_weights_are_set_and_taken_back(operator: httpx.AsyncClient, link: Tied) -> None:
    body = {"weights": {"one": 0.5, "two": 0.5}, "by": "alice"}
    assert (await operator.put("/admin/traffic", json=body)).json()["set_by"] == "alice"
    await link.exchange()
    assert (await operator.get("/admin/traffic")).json()["weights"] == {"one": 0.5, "two": 0.5}
    assert (await operator.delete("/admin/traffic")).json()["weights"] == {"one": 1.0}
    await link.exchange()
    assert (await operator.get("/admin/traffic")).json()["set_by"] is None


@pytest.mark.parametrize("weights", [{}, {"none": 1.0}, {"one": 0.0}, {"one": -1}, {"one": 2}])
async def test_bad_weights_change_nothing(
    operator: httpx.AsyncClient, weights: dict[str, float]
) -> None:
    response = await operator.put("/admin/traffic", json={"weights": weights})
    assert response.status_code == 422
    assert (await operator.get("/admin/traffic")).json()["weights"] == {"one": 1.0}


async def test_an_operator_may_ask_for_a_release(operator: httpx.AsyncClient) -> None:
    forced = {"X-Ragserve-Release": "two"}
    for path, body in (
        ("/v1/query", {"query": "queue?"}),
        ("/v1/search", {"query": "queue?"}),
        (
            "/v1/chat/completions",
            {"model": "ragserve", "messages": [{"role": "user", "content": "q"}]},
        ),
    ):
        response = await operator.post(path, json=body, headers=forced)
        assert response.headers["X-Ragserve-Release"] == "two", response.text


async def test_nobody_else_may(operator: httpx.AsyncClient) -> None:
    headers = {"X-Ragserve-Release": "two", "Authorization": "Bearer sk-other"}
    response = await operator.post("/v1/query", json={"query": "queue?"}, headers=headers)
    assert response.status_code == 403
    headers = {"X-Ragserve-Release": "none"}
    response = await operator.post("/v1/query", json={"query": "queue?"}, headers=headers)
    assert response.status_code == 422


async def test_callers_are_known_by_session_user_or_key(
    operator: httpx.AsyncClient, link: Tied
) -> None:
    await begin(operator, policy={"steps": [{"weight": 0.5}]})
    await link.exchange()

    async def releases(headers: dict[str, str], **identity: str) -> set[str]:
        answers = [
            await operator.post("/v1/search", json={"query": "q", **identity}, headers=headers)
            for _ in range(12)
        ]
        return {one.headers["X-Ragserve-Release"] for one in answers}

    for number in range(5):
        key = {"Authorization": f"Bearer sk-{number}"}
        assert len(await releases(key)) == 1
        assert len(await releases({}, user=f"user-{number}")) == 1
        assert len(await releases({}, session_id=f"session-{number}")) == 1
    del operator.headers["Authorization"]
    assert len(await releases({})) == 2


async def test_an_index_is_filled_page_by_page(operator: httpx.AsyncClient) -> None:
    texts = [{"id": name, "text": f"All about {name}."} for name in ("tea", "rum", "ale")]
    await operator.post("/v1/documents", json={"documents": texts})
    body = {"source": "retrieval-a", "target": "retrieval-b", "limit": 2}
    first = (await operator.post("/admin/reindex", json=body)).json()
    assert (first["unchanged"], first["total"]) == (2, 3), "the doubles of both are the same"
    body["cursor"] = first["next_cursor"]
    last = (await operator.post("/admin/reindex", json=body)).json()
    assert (last["unchanged"], last["next_cursor"], last["failures"]) == (1, None, [])


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"source": "retrieval-a", "target": "none"}, "none; there are: retrieval-a, retrieval-b"),
        ({"source": "retrieval-a", "target": "retrieval-a"}, "from itself"),
        ({"source": "retrieval-a", "target": "retrieval-b", "cursor": "x"}, "cursor"),
        ({"source": "retrieval-a"}, "target"),
    ],
)
async def test_what_cannot_be_filled_is_refused(
    operator: httpx.AsyncClient, body: dict[str, str], says: str
) -> None:
    response = await operator.post("/admin/reindex", json=body)
    assert response.status_code == 422
    assert says in response.json()["detail"]


async def test_what_was_known_before_somebody_looked_is_told(
    link: Tied, operator: httpx.AsyncClient, tmp_path: Path
) -> None:
    """As another process after a restart tells it."""
    begun = await begin(operator)
    store = ControlStore(f"sqlite:///{tmp_path / 'control.db'}")
    state = store.rollout(begun["id"]).state
    for number in range(40):
        known = Verdict("total_ms", "inconclusive", "so far", canary_requests=number, upper=0.5)
        store.note(begun["id"], Decision("hold", "hold", "", 0, float(number), (known,)), state)
    all_of_it = (await operator.get(f"/admin/rollouts/{begun['id']}/looks")).json()["looks"]
    assert [look["verdicts"][0]["canary_requests"] for look in all_of_it] == list(range(40))
    assert all_of_it[3]["verdicts"][0]["upper"] == 0.5
    fewer = await operator.get(f"/admin/rollouts/{begun['id']}/looks?points=5")
    counts = [look["verdicts"][0]["canary_requests"] for look in fewer.json()["looks"]]
    assert counts[0] == 0
    assert counts[-1] == 39
    assert 5 <= len(counts) < 10
    unknown = await operator.get("/admin/rollouts/none/looks")
    assert unknown.status_code == 404
