"""What requests are charged over HTTP: the gate, the routes, and what answers say."""

import json
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.datastructures import Headers

from app.access.principals import Authenticator
from app.api.application import create_app
from app.gateway import make_gateway
from app.limits.budget_book import BudgetBook
from app.limits.limiter import Limiter
from app.limits.stores.fallback import FallbackStore
from app.limits.stores.memory_store import MemoryStore
from app.limits.stores.operations import Operation
from app.releases.releases import Releases
from app.request.principal import ANONYMOUS, Principal
from app.settings.cold.gateway import GatewayArgs
from app.settings.live.gateway import GatewayLive
from app.settings.live.prices import Prices, PriceTable
from deployments.access.records import Budgets, Limits
from deployments.budgets.journal import read_journal
from deployments.budgets.periods import periods_at
from deployments.budgets.store import BudgetStore
from tests.doubles import DoubleDirectory
from tests.unit.app.conftest import LIVE
from tests.unit.app.limits.conftest import MicrosecondClock

KEY = Principal(tenant="acme", key_id="key_1")
QUERY = {"query": "What is the capital of France?"}
CHAT = {"model": "echo", "messages": [{"role": "user", "content": "Say it"}]}
ECHO = Prices(prompt_usd_per_million_tokens=1.0, completion_usd_per_million_tokens=10.0)
PRICED = LIVE.model_copy(update={"prices": PriceTable(version="t1", models={"echo": ECHO})})


class Bench:
    """A service whose callers are who a test says."""

    def __init__(self) -> None:
        self.principal = ANONYMOUS
        self.live: GatewayLive = LIVE
        self.limiter: Limiter

    def bounded(self, **limits: int) -> None:
        self.principal = replace(KEY, limits=Limits(**limits))

    def budgeted(self, **budgets: Any) -> None:
        self.principal = replace(KEY, budgets=Budgets(**budgets))

    async def identify(self, headers: Headers) -> Principal:
        """As `Authenticator.identify`."""
        return self.principal


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.fixture
def budgets(tmp_path: Any) -> BudgetStore:
    store = BudgetStore(f"sqlite:///{tmp_path / 'control.db'}")
    store.upgrade()
    return store


@pytest.fixture
async def service(
    bench: Bench, stages: DoubleDirectory, clock: MicrosecondClock, budgets: BudgetStore
) -> AsyncIterator[httpx.AsyncClient]:
    args = GatewayArgs(request_timeout_s=5)
    store = FallbackStore(MemoryStore(clock), max_replicas=2)
    bench.limiter = Limiter(store, budgets=BudgetBook(budgets))
    authenticator = Authenticator()
    authenticator.identify = bench.identify  # type: ignore[method-assign]
    gateway = make_gateway(
        Releases(stages, lambda: bench.live),
        args,
        authenticator=authenticator,
        limiter=bench.limiter,
    )
    transport = httpx.ASGITransport(create_app(gateway, args), raise_app_exceptions=False)
    async with (
        bench.limiter.running(),
        httpx.AsyncClient(transport=transport, base_url="http://test") as client,
    ):
        document = {"id": "p", "path": "p.md", "text": "Paris is the capital of France."}
        await client.post("/v1/documents", json={"documents": [document]})
        yield client


async def _settled(bench: Bench) -> None:
    """Waits until all that was posted is done."""
    budgets = bench.limiter.budgets
    assert budgets is not None
    await bench.limiter.ask(Operation(), lambda _: None)
    await budgets.told()


async def test_who_has_no_limits_sees_none(service: httpx.AsyncClient) -> None:
    response = await service.post("/v1/query", json=QUERY)
    assert response.status_code == 200
    assert not [name for name in response.headers if "ratelimit" in name]


async def test_answers_say_what_is_left(service: httpx.AsyncClient, bench: Bench) -> None:
    bench.bounded(requests_per_min=60)
    headers = (await service.post("/v1/search", json=QUERY)).headers
    assert headers["x-ratelimit-limit-requests"] == "60"
    assert headers["x-ratelimit-remaining-requests"] == "59"
    assert headers["x-ratelimit-reset-requests"] == "1s"
    assert headers["RateLimit-Policy"] == '"requests";q=60;w=60'
    assert headers["RateLimit"] == '"requests";r=59;t=1'


async def test_one_request_too_many_is_told_when_to_come_back(
    service: httpx.AsyncClient, bench: Bench, clock: MicrosecondClock
) -> None:
    bench.bounded(requests_per_min=2)
    for _ in range(2):
        assert (await service.post("/v1/search", json=QUERY)).status_code == 200
    clock.pass_s(0.5)
    refused = await service.post("/v1/search", json=QUERY)
    assert refused.status_code == 429
    assert refused.headers["Retry-After"] == "30"
    assert refused.headers["retry-after-ms"] == "29500"
    assert refused.headers["x-should-retry"] == "true"
    assert refused.headers["x-ratelimit-remaining-requests"] == "0"
    body = refused.json()
    assert body["code"] == body["error"]["code"] == "rate_limit_exceeded"
    assert body["error"]["type"] == "rate_limit_error"
    clock.pass_s(29.5)
    assert (await service.post("/v1/search", json=QUERY)).status_code == 200


async def test_all_keys_of_a_tenant_share_its_limit(
    service: httpx.AsyncClient, bench: Bench
) -> None:
    statuses = []
    for number in range(4):
        bench.principal = replace(
            KEY, key_id=f"key_{number}", tenant_limits=Limits(requests_per_min=3)
        )
        statuses.append((await service.post("/v1/search", json=QUERY)).status_code)
    assert statuses == [200, 200, 200, 429]
    bench.principal = replace(bench.principal, tenant="other")
    assert (await service.post("/v1/search", json=QUERY)).status_code == 200


async def test_operators_and_health_are_never_limited(
    service: httpx.AsyncClient, bench: Bench
) -> None:
    bench.bounded(requests_per_min=1)
    assert (await service.post("/v1/search", json=QUERY)).status_code == 200
    for _ in range(3):
        assert (await service.get("/health/live")).status_code == 200
    bench.principal = replace(bench.principal, scopes=frozenset({"operator"}))
    assert (await service.post("/v1/search", json=QUERY)).status_code == 200


async def test_a_place_is_free_again_after_the_answer(
    service: httpx.AsyncClient, bench: Bench
) -> None:
    bench.bounded(concurrent_requests=1)
    for _ in range(3):
        assert (await service.post("/v1/query", json=QUERY)).status_code == 200
    assert bench.limiter.counts().held_places == 0


async def test_tokens_that_were_not_used_come_back(
    service: httpx.AsyncClient, bench: Bench
) -> None:
    bench.bounded(tokens_per_min=10_000)
    answered = await service.post("/v1/chat/completions", json={**CHAT, "max_tokens": 1000})
    assert answered.status_code == 200
    assert answered.headers["x-ratelimit-limit-tokens"] == "10000"
    assert int(answered.headers["x-ratelimit-remaining-tokens"]) < 9_000
    await _settled(bench)
    again = await service.post("/v1/chat/completions", json={**CHAT, "max_tokens": 1})
    used = answered.json()["usage"]["total_tokens"]
    left = int(again.headers["x-ratelimit-remaining-tokens"])
    assert 10_000 - used - 10 <= left <= 10_000 - used


async def test_streams_have_the_headers_and_are_settled_as_well(
    service: httpx.AsyncClient, bench: Bench
) -> None:
    bench.bounded(tokens_per_min=10_000, requests_per_min=5, concurrent_requests=1)
    streamed = {**CHAT, "stream": True, "stream_options": {"include_usage": True}}
    for _ in range(2):
        response = await service.post("/v1/chat/completions", json=streamed)
        assert response.headers["x-ratelimit-limit-requests"] == "5"
        assert response.headers["x-ratelimit-limit-tokens"] == "10000"
    usage = [line for line in response.text.splitlines() if '"usage"' in line][-1]
    total = json.loads(usage.removeprefix("data: "))["usage"]["total_tokens"]
    await _settled(bench)
    last = await service.post("/v1/chat/completions", json={**CHAT, "max_tokens": 1})
    assert int(last.headers["x-ratelimit-remaining-tokens"]) >= 10_000 - 3 * total - 20


async def test_a_small_key_may_ask_although_the_estimate_is_above_its_limit(
    service: httpx.AsyncClient, bench: Bench
) -> None:
    bench.bounded(tokens_per_min=50)
    assert (await service.post("/v1/query", json=QUERY)).status_code == 200


async def test_more_tokens_than_a_minute_has_are_refused_for_good(
    service: httpx.AsyncClient, bench: Bench
) -> None:
    bench.bounded(tokens_per_min=50)
    refused = await service.post("/v1/chat/completions", json={**CHAT, "max_tokens": 100})
    assert refused.status_code == 429
    assert refused.headers["x-should-retry"] == "false"
    assert "Retry-After" not in refused.headers
    assert "100 tokens" in refused.json()["detail"]
    assert "50 a minute" in refused.json()["detail"]


async def test_tokens_of_an_answer_keep_the_next_one_waiting(
    service: httpx.AsyncClient, bench: Bench
) -> None:
    bench.bounded(tokens_per_min=600)
    first = await service.post("/v1/chat/completions", json={**CHAT, "max_tokens": 590})
    assert first.status_code == 200
    await _settled(bench)
    used = first.json()["usage"]["total_tokens"]
    refused = await service.post("/v1/chat/completions", json={**CHAT, "max_tokens": 600})
    assert refused.status_code == 429
    assert refused.headers["x-should-retry"] == "true"
    assert 0 < float(refused.headers["retry-after-ms"]) <= used * 100 + 200


async def test_every_question_of_a_batch_is_a_request_of_its_own(
    service: httpx.AsyncClient, bench: Bench
) -> None:
    bench.bounded(requests_per_min=3)
    answered = await service.post("/v1/query/batch", json={"queries": [QUERY] * 5})
    assert answered.status_code == 200
    results = answered.json()["results"]
    assert [result["answer"] is not None for result in results] == [True] * 3 + [False] * 2
    refused = results[-1]
    assert refused["problem"]["code"] == "rate_limit_exceeded"
    assert refused["retry_after_s"] == 20.0


async def test_embeddings_are_charged_by_their_tokens(
    service: httpx.AsyncClient, bench: Bench
) -> None:
    bench.bounded(tokens_per_min=1000)
    body = {"model": "ragserve", "input": ["four words of text"]}
    answered = await service.post("/v1/embeddings", json=body)
    used = answered.json()["usage"]["total_tokens"]
    await _settled(bench)
    again = await service.post("/v1/embeddings", json={**body, "input": "x"})
    assert used > 0
    assert 1000 - used - 3 <= int(again.headers["x-ratelimit-remaining-tokens"]) <= 1000 - used


async def test_answers_say_what_they_cost_where_a_price_is_known(
    service: httpx.AsyncClient, bench: Bench
) -> None:
    bench.live = PRICED
    chat = (await service.post("/v1/chat/completions", json=CHAT)).json()["usage"]
    expected = (chat["prompt_tokens"] + 10 * chat["completion_tokens"]) / 1e6
    assert chat["cost_usd"] == pytest.approx(expected)
    extractive = (await service.post("/v1/query", json=QUERY)).json()["usage"]
    assert extractive["cost_usd"] == 0.0
    bench.live = LIVE
    unpriced = (await service.post("/v1/chat/completions", json=CHAT)).json()["usage"]
    assert unpriced["cost_usd"] is None


@pytest.fixture
def spent(budgets: BudgetStore) -> Callable[[str], tuple[int, int, int]]:
    def read(subject: str) -> tuple[int, int, int]:
        day, _ = periods_at(datetime.now(UTC).timestamp(), UTC)
        standing = budgets.standing(subject, day.name)
        in_use = standing.reserved_picousd - standing.free_picousd
        return standing.spent_picousd, standing.spent_tokens, in_use

    return read


async def test_what_was_answered_is_what_was_spent(
    service: httpx.AsyncClient, bench: Bench, spent: Callable[[str], tuple[int, int, int]]
) -> None:
    bench.live = PRICED
    bench.budgeted(day_picousd=10**12, day_tokens=10**6)
    costs, tokens = 0.0, 0
    for stream in (False, True, False):
        body = {**CHAT, "stream": stream, "stream_options": {"include_usage": True}}
        if not stream:
            del body["stream_options"]
        response = await service.post("/v1/chat/completions", json=body)
        assert response.status_code == 200
        lines = response.text.splitlines()
        usage = json.loads(
            [line for line in lines if '"usage"' in line][-1].removeprefix("data: ")
        )["usage"]
        costs += usage["cost_usd"]
        tokens += usage["total_tokens"]
    await _settled(bench)
    picousd, used, reserved = spent("key:key_1")
    assert (picousd, used, reserved) == (round(costs * 1e12), tokens, 0)


@pytest.mark.parametrize("stream", [False, True])
async def test_what_an_answer_cost_is_written_before_its_end_goes_out(
    service: httpx.AsyncClient,
    bench: Bench,
    budgets: BudgetStore,
    stream: bool,
) -> None:
    bench.budgeted(day_tokens=10**6)
    sent: list[tuple[bytes, int]] = []
    database = budgets._url.database
    folder = Path(f"{database}-portions")

    def secured() -> int:
        """Returns what would be spent if the replica were killed now."""
        journals = [read_journal(path) for path in folder.iterdir()]
        return sum(amount.tokens for journal in journals for amount in journal.values())

    transport = service._transport
    assert isinstance(transport, httpx.ASGITransport)
    app: Any = transport.app

    async def watched(scope: Any, receive: Any, send: Any) -> None:
        async def noted(message: Any) -> None:
            if message["type"] == "http.response.body":
                sent.append((message.get("body", b""), secured()))
            await send(message)

        await app(scope, receive, noted)

    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(watched), base_url="http://test"
    ) as client:
        body = {**CHAT, "stream": stream}
        assert (await client.post("/v1/chat/completions", json=body)).status_code == 200
    ends = b"[DONE]" if stream else b"finish_reason"
    [before_end] = [used for body, used in sent if ends in body]
    assert before_end > 0
    if stream:
        assert sent[0][1] == 0


async def test_a_budget_that_is_spent_is_told_until_when(
    service: httpx.AsyncClient, bench: Bench
) -> None:
    bench.live = PRICED
    bench.budgeted(day_picousd=10)
    refused = await service.post("/v1/chat/completions", json=CHAT)
    assert refused.status_code == 429
    assert refused.headers["x-should-retry"] == "false"
    assert 0 < int(refused.headers["Retry-After"]) <= 86_400
    error = refused.json()["error"]
    assert error["code"] == error["type"] == "insufficient_quota"


async def test_a_budget_that_only_warns_refuses_nothing(
    service: httpx.AsyncClient, bench: Bench
) -> None:
    bench.live = PRICED
    bench.budgeted(day_picousd=10, mode="warn")
    assert (await service.post("/v1/chat/completions", json=CHAT)).status_code == 200
    assert bench.limiter.budgets is not None
    assert bench.limiter.budgets.counts.warned == 1


async def test_a_model_without_a_price_is_refused_to_whoever_has_a_budget_in_money(
    service: httpx.AsyncClient, bench: Bench
) -> None:
    bench.budgeted(day_picousd=10**15)
    refused = await service.post("/v1/chat/completions", json=CHAT)
    assert refused.status_code == 403
    assert "echo" in refused.json()["detail"]
    assert (await service.post("/v1/query", json=QUERY)).status_code == 200  # extractive is free
    bench.budgeted(day_tokens=10**9)
    assert (await service.post("/v1/chat/completions", json=CHAT)).status_code == 200


async def test_without_its_database_a_budget_opens_nothing(
    service: httpx.AsyncClient, bench: Bench, budgets: BudgetStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.budgeted(day_tokens=10**9)
    assert (await service.post("/v1/query", json=QUERY)).status_code == 200

    def fail(*_: object, **__: object) -> None:
        raise OSError("gone")

    for does in ("tell", "beat"):
        monkeypatch.setattr(budgets, does, fail)
    assert (await service.post("/v1/query", json=QUERY)).status_code == 200  # from its portion
    assert bench.limiter.budgets is not None
    bench.limiter.budgets._portions.hold_until(0.0)  # nobody has heard of this replica since
    refused = await service.post("/v1/query", json=QUERY)
    assert refused.status_code == 503
    bench.bounded(requests_per_min=10)
    assert (await service.post("/v1/query", json=QUERY)).status_code == 200
    monkeypatch.undo()
    await _settled(bench)
