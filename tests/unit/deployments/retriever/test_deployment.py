"""The retriever's shell: what it says of its health."""

import asyncio
import warnings
from contextlib import suppress
from pathlib import Path

import pytest

from deployments.contracts.calls import CallContext
from deployments.contracts.errors import Unavailable

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of Ray's own, when it is imported
    from deployments.retriever import deployment as deployment_module
    from deployments.retriever.deployment import Retriever

CALL = CallContext("request", 5.0)


@pytest.fixture
async def retriever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Retriever:
    monkeypatch.setattr(deployment_module, "_FOLLOW_S", 0.01)
    return Retriever({"store": {"path": str(tmp_path)}, "max_silence_s": 0.2})


async def test_a_replica_that_does_not_look_yet_asks(
    retriever: Retriever, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await retriever.describe(call=CALL) == {"store": "ok", "lexical": True}

    def ping() -> None:
        raise Unavailable("The vector store does not answer.", "retriever", 1.0)

    monkeypatch.setattr(retriever._store, "ping", ping)
    with pytest.raises(Unavailable):
        await retriever.describe(call=CALL)
    await retriever.check_health()
    assert await retriever.describe(call=CALL) == {"store": "ok", "lexical": True}


async def test_a_store_that_falls_silent_is_told_and_its_replica_given_up_later(
    retriever: Retriever, monkeypatch: pytest.MonkeyPatch
) -> None:
    await retriever.check_health()
    with monkeypatch.context() as away:

        def lose(**_: object) -> None:
            raise OSError("connection lost")

        away.setattr(retriever._store.chroma.beside("changes"), "get", lose)
        away.setattr(retriever._store.chroma.beside("calibration"), "get", lose)
        away.setattr(retriever._store.chroma, "_collection", lambda name: None)
        await asyncio.sleep(0.1)
        with pytest.raises(Unavailable):
            await retriever.describe(call=CALL)
        await retriever.check_health()
        await asyncio.sleep(0.2)
        with pytest.raises(Unavailable):
            await retriever.check_health()
    # On a busy machine a look takes as long as the silence that is too long here.
    for _ in range(500):
        with suppress(Unavailable):
            await retriever.check_health()
            assert await retriever.describe(call=CALL) == {"store": "ok", "lexical": True}
            return
        await asyncio.sleep(0.01)
    await retriever.check_health()
