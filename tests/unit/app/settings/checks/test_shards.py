"""How many shards a retrieval application may have, and what its deployments are called."""

from typing import Any

import pytest

from app.settings.checks.shards import check_shards
from app.settings.retrieval import RetrievalArgs
from deployments.contracts.errors import ConfigError
from deployments.settings import parse_settings

SERVER = {"url": "http://127.0.0.1:8100"}


def args(**given: Any) -> RetrievalArgs:
    return parse_settings(RetrievalArgs, {"store": SERVER, **given}, place="args")


@pytest.mark.parametrize("shards", [0, -1, 65, 1.5, "two", None])
def test_a_number_that_is_none_is_refused_by_its_place(shards: object) -> None:
    with pytest.raises(ConfigError, match=r"args.*shards"):
        args(shards=shards)


@pytest.mark.parametrize(
    ("given", "reason"),
    [({"lexical": False}, "lexical: false"), ({"store": {"path": "/var/chroma"}}, "store.path")],
)
def test_shards_need_an_index_and_a_server(given: dict[str, Any], reason: str) -> None:
    args(**given)
    with pytest.raises(ConfigError, match=reason):
        args(shards=2, **given)


def test_each_shard_has_its_number() -> None:
    assert args().retriever().shards == 1
    dealt = args(shards=64).retriever(3)
    assert (dealt.shard, dealt.shards) == (3, 64)


def named(*names: str) -> list[dict[str, Any]]:
    return [{"name": name} for name in ("Embedder", *names)]


def test_the_file_names_the_deployments_that_there_are() -> None:
    check_shards("app", 1, named("Retriever"))
    check_shards("app", 1, named())
    check_shards("app", 2, [])
    check_shards("app", 2, named("Retriever-2", "Retriever-1"))


@pytest.mark.parametrize(
    ("shards", "names"),
    [
        (2, ("Retriever",)),
        (2, ("Retriever-1",)),
        (2, ()),
        (2, ("Retriever-1", "Retriever-2", "Retriever-3")),
        (1, ("Retriever-1", "Retriever-2")),
    ],
)
def test_deployments_of_another_number_are_refused(shards: int, names: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError, match=f"shards: {shards}.*Retriever"):
        check_shards("retrieval", shards, named(*names))
