"""The change log in a real, embedded Chroma."""

from collections.abc import Callable
from itertools import count
from typing import Any

import pytest

from deployments.retriever.chroma import change_log as changes_module
from deployments.retriever.chroma.change_log import ChangeLog, WriterLog

_NUMBERS = count()


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Any:
    import chromadb
    from chromadb.config import Settings

    return chromadb.PersistentClient(
        str(tmp_path_factory.mktemp("changes")), settings=Settings(anonymized_telemetry=False)
    )


@pytest.fixture
def collection(client: Any) -> Any:
    return client.get_or_create_collection(f"changes-{next(_NUMBERS)}", embedding_function=None)


def run(call: Callable[[], Any]) -> Any:
    return call()


def log_over(collection: Any) -> ChangeLog:
    return ChangeLog(lambda: collection, run)


def test_writers_count_their_own_changes(collection: Any) -> None:
    one, other = log_over(collection), log_over(collection)
    one.announce(["a"])
    other.announce(["b", "c"])
    one.announce(["d"])
    assert sorted(other.numbers().values()) == [1, 2]
    assert {log.number: log.recent for log in one.logs().values()} == {
        2: (("a",), ("d",)),
        1: (("b", "c"),),
    }
    assert one.numbers() == {writer: log.number for writer, log in one.logs().items()}


def test_nothing_announced_is_an_empty_log(collection: Any) -> None:
    assert (log_over(collection).numbers(), log_over(collection).logs()) == ({}, {})


def test_a_log_names_only_the_last_changes(
    collection: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes_module, "_KEPT_IDS", 3)
    log = log_over(collection)
    for name in "abcd":
        log.announce([name])
    assert list(log.logs().values()) == [WriterLog(4, (("b",), ("c",), ("d",)))]
    log.announce(["e", "f", "g", "h"])
    assert list(log.logs().values()) == [WriterLog(5, ())]


def test_a_failed_announcement_fails_and_the_next_one_counts(
    collection: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may arrive late, over a newer row of the same writer: so the newer one is another's."""
    log = log_over(collection)
    log.announce(["a"])
    [writer] = log.numbers()
    with monkeypatch.context() as broken:

        def lose(**_: object) -> None:
            raise OSError("connection lost")

        broken.setattr(collection, "upsert", lose)
        with pytest.raises(OSError, match="lost"):
            log.announce(["b"])
    log.announce(["c"])
    logs = log.logs()
    assert logs.pop(writer) == WriterLog(1, (("a",),))
    assert list(logs.values()) == [WriterLog(1, (("c",),))]


def test_too_many_writers_lose_their_older_half(
    collection: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes_module, "_MAX_WRITERS", 4)
    writers = [log_over(collection) for _ in range(5)]
    for place, writer in enumerate(writers[:4]):
        writer.announce([f"d{place}"])
    oldest = set(writers[0].numbers())
    writers[4].announce(["d4"])
    left = writers[4].logs()
    assert len(left) == 3
    assert len(oldest - left.keys()) == 2
    [new] = left.keys() - oldest
    assert left[new] == WriterLog(1, ()), "whoever missed a row that went has to compare"
    writers[0].announce(["again"])
    assert WriterLog(2, (("d0",), ("again",))) in writers[0].logs().values()


def test_a_number_without_its_row_says_that_nothing_is_known(collection: Any) -> None:
    log = log_over(collection)
    log.announce(["a"])
    [writer] = log.numbers()
    collection.delete(ids=[f"{writer}-recent"])
    assert log.logs() == {writer: WriterLog(1, ())}
