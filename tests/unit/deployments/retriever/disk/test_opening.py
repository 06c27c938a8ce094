"""Which folder an index gets."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from deployments.node_folder import FOLDER_VARIABLE
from deployments.retriever.config import RetrieverArgs
from deployments.retriever.disk.folder import IndexFolder
from deployments.retriever.disk.keeper import IndexKeeper
from deployments.retriever.disk.opening import open_keeper, remove_other_deals


def root_of(**settings: Any) -> Path | None:
    given = {"store": {"url": "http://127.0.0.1:8100", "collection": "minilm"}, **settings}
    keeper = open_keeper(RetrieverArgs.model_validate(given))
    assert keeper is None or isinstance(keeper, IndexKeeper)
    return None if keeper is None else keeper._root


def test_the_settings_name_the_folder_before_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(FOLDER_VARIABLE, raising=False)
    assert root_of() is None
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "env"))
    own = root_of(index={"path": str(tmp_path / "own")})
    assert own is not None
    assert own.parent == tmp_path / "own"
    named = root_of()
    assert named is not None
    assert named.parent == tmp_path / "env"
    assert root_of(index={"path": ""}) is None
    monkeypatch.setenv(FOLDER_VARIABLE, "")
    assert root_of() is None
    assert not list(tmp_path.iterdir())


def test_collections_of_one_name_in_two_stores_have_two_folders(tmp_path: Path) -> None:
    roots = {
        root_of(store={"url": url, "collection": name}, index={"path": str(tmp_path)})
        for url in ("http://127.0.0.1:8100", "http://chroma:8000")
        for name in ("minilm", "other")
    }
    assert len(roots) == 4


def test_a_folder_is_absolute() -> None:
    with pytest.raises(ValidationError, match="absolute"):
        root_of(index={"path": "index"})


def test_each_shard_of_each_deal_has_a_folder_of_its_own(tmp_path: Path) -> None:
    index = {"path": str(tmp_path)}
    whole = root_of(index=index)
    assert whole is not None
    dealt = [root_of(index=index, shard=shard, shards=2) for shard in (1, 2)]
    assert dealt == [
        whole.with_name(f"{whole.name}-1-of-2"),
        whole.with_name(f"{whole.name}-2-of-2"),
    ]
    with pytest.raises(ValidationError, match="no shard 3 of 2"):
        root_of(shard=3, shards=2)


def test_files_of_another_deal_go_unless_somebody_writes_them(tmp_path: Path) -> None:
    index = {"path": str(tmp_path)}
    folders = {
        name: IndexFolder(root, "identity")
        for name, root in {
            "whole": root_of(index=index),
            "first": root_of(index=index, shard=1, shards=2),
            "second": root_of(index=index, shard=2, shards=2),
            "third": root_of(index=index, shard=3, shards=3),
            "other": root_of(index=index, store={"url": "http://chroma:8000", "collection": "b-b"}),
        }.items()
        if root is not None
    }
    for folder in folders.values():
        assert folder.try_lock()
    (tmp_path / "token-vectors").mkdir()
    for name in ("whole", "second"):
        folders[name].unlock()
    store = {"url": "http://127.0.0.1:8100", "collection": "minilm"}
    given = {"store": store, "index": index, "shard": 1, "shards": 2}
    remove_other_deals(RetrieverArgs.model_validate(given))
    left = {name for name, folder in folders.items() if folder.root.exists()}
    assert left == {"first", "second", "third", "other"}
    assert (tmp_path / "token-vectors").exists()
    for folder in folders.values():
        folder.unlock()
