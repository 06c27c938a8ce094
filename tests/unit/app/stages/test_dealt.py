"""The gateway finds out how many shards a retriever has, and notices when that changes."""

import warnings
from collections.abc import Sequence
from threading import Event
from typing import Any

import pytest

from app.settings.cold.breaker import BreakerArgs
from app.settings.cold.gateway import GatewayArgs
from app.stages.breaker import Breakers
from deployments.contracts.calls import CallContext
from deployments.contracts.errors import DeadlineExceeded, Unavailable
from deployments.contracts.search import Candidates, SearchMethod, WordCounts
from deployments.serving.concurrently import gather_or_cancel
from tests.clock import Clock

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of Ray's own, when it is imported
    from app.stages.dealt import DealtRetriever
    from app.stages.retrieval import RetrieverClient

CALL = CallContext("request", 2.0)


class Serve:
    """What is deployed, and who was asked for what."""

    def __init__(self, *names: str) -> None:
        self.names: Sequence[str] = names
        self.looks = 0
        self.asked: list[tuple[str, str]] = []

    def deployed(self, application: str) -> Sequence[str]:
        assert application == "retrieval"
        self.looks += 1
        return ("Embedder", *self.names)

    async def call(self, client: Any, method: str, *args: object, **options: object) -> Any:
        name = client._deployment
        self.asked.append((name, method))
        if name not in self.names:
            raise Unavailable("It is not there.", "retriever")
        if method == "candidates":
            return Candidates(shards=len(self.names), mode="lexical")
        return WordCounts() if (method, len(self.names) > 1) == ("count_words", True) else name


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Serve:
    found = Serve("Retriever")

    async def call(client: Any, method: str, *args: object, **options: object) -> Any:
        return await found.call(client, method)

    monkeypatch.setattr(RetrieverClient, "call", call)
    return found


@pytest.fixture
def retriever(serve: Serve, clock: Clock) -> Any:
    return DealtRetriever(
        *("retrieval", GatewayArgs(), Breakers(BreakerArgs())), deployed=serve.deployed, now=clock
    )


async def search(retriever: Any) -> tuple[str, ...]:
    found = await retriever.search(
        *("a", None), top_k=1, where=None, how=SearchMethod("lexical"), call=CALL
    )
    missing: tuple[str, ...] = found.missing
    return missing


async def test_one_retriever_is_asked_as_ever(serve: Serve, retriever: Any) -> None:
    assert await retriever.document("d", call=CALL) == "Retriever"
    assert await retriever.count_words(["a"], call=CALL) is None
    assert await retriever.generation(call=CALL) == "Retriever"
    assert serve.asked == [("Retriever", "document"), ("Retriever", "generation")]
    assert serve.looks == 1


async def test_all_shards_are_asked(serve: Serve, retriever: Any) -> None:
    serve.names = ("Retriever-1", "Retriever-2")
    assert await search(retriever) == ()
    assert sorted(serve.asked)[::2] == [
        ("Retriever-1", "candidates"),
        ("Retriever-2", "candidates"),
    ]
    assert serve.looks == 1


async def looked(retriever: Any) -> None:
    """Waits until it has looked in the background."""
    await retriever._looking


async def test_another_number_of_shards_is_found_out(
    serve: Serve, retriever: Any, clock: Clock
) -> None:
    await retriever.document("d", call=CALL)
    serve.names = ("Retriever-1", "Retriever-2")
    for _ in range(3):
        with pytest.raises(Unavailable):
            await retriever.document("d", call=CALL)
    assert serve.looks == 1, "Serve is not asked all the time"
    clock.now_s += 3.0
    with pytest.raises(Unavailable):
        await retriever.document("d", call=CALL)
    await looked(retriever)
    assert await search(retriever) == ()
    serve.names = ("Retriever-1", "Retriever-2", "Retriever-3")
    clock.now_s += 3.0
    assert await search(retriever) == ("retriever:shards",), "a shard was not asked"
    await looked(retriever)
    assert await search(retriever) == ()
    serve.names = ("Retriever",)
    clock.now_s += 3.0
    with pytest.raises(Unavailable):
        await search(retriever)
    await looked(retriever)
    assert await retriever.document("d", call=CALL) == "Retriever"


async def test_an_application_that_comes_later_is_found(
    serve: Serve, retriever: Any, clock: Clock
) -> None:
    serve.names = ()
    with pytest.raises(Unavailable):
        await retriever.document("d", call=CALL)
    serve.names = ("Retriever-1", "Retriever-2")
    clock.now_s += 3.0
    with pytest.raises(Unavailable):
        await retriever.document("d", call=CALL)
    await looked(retriever)
    assert await search(retriever) == ()


async def test_requests_at_once_look_once(serve: Serve, retriever: Any) -> None:
    asked = (retriever.document("d", call=CALL) for _ in range(5))
    assert await gather_or_cancel(*asked) == ("Retriever",) * 5
    assert serve.looks == 1


async def test_a_controller_that_is_silent_keeps_no_request(
    serve: Serve, retriever: Any, clock: Clock
) -> None:
    assert await retriever.document("d", call=CALL) == "Retriever"
    answers = Event()
    retriever._deployed = lambda _: () if answers.wait(5) else ()
    clock.now_s += 3.0
    serve.names = ()
    for _ in range(2):
        with pytest.raises(Unavailable):
            await retriever.document("d", call=CALL)
    assert not retriever._looking.done()
    new: Any = DealtRetriever(
        *("retrieval", GatewayArgs(), Breakers(BreakerArgs())),
        deployed=lambda _: () if answers.wait(5) else (),
        now=clock,
    )
    with pytest.raises(DeadlineExceeded):
        await new.document("d", call=CallContext("request", 0.02))
    answers.set()
