"""Opening a real, embedded Chroma."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest

from deployments.contracts.errors import Unavailable
from deployments.retriever.chroma import connection as chroma_module
from deployments.retriever.chroma.connection import Chroma
from deployments.retriever.config import StoreArgs

_THREADS = 8


def test_threads_that_use_it_first_at_the_same_moment_open_it_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[Any] = []
    connect = chroma_module.connect  # type: ignore[attr-defined]

    def counted(args: StoreArgs) -> Any:
        opened.append(args)
        return connect(args)

    monkeypatch.setattr(chroma_module, "connect", counted)
    chroma = Chroma(StoreArgs(path=str(tmp_path)))
    together = Barrier(_THREADS)

    def use(number: int) -> tuple[Any, Any]:
        together.wait()
        chroma.ping()
        return chroma.chunks(), chroma.beside(f"part-{number % 2}")

    with ThreadPoolExecutor(_THREADS) as threads:
        used = list(threads.map(use, range(_THREADS)))
    assert len(opened) == 1
    assert len({id(chunks) for chunks, _ in used}) == 1
    assert len({id(beside) for _, beside in used}) == 2


def test_what_could_not_be_opened_is_opened_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(args: StoreArgs) -> Any:
        raise ConnectionError("nobody listens")

    chroma = Chroma(StoreArgs(path=str(tmp_path)))
    with monkeypatch.context() as patch:
        patch.setattr(chroma_module, "connect", refuse)
        for _ in range(2):
            with pytest.raises(Unavailable):
                chroma.chunks()
    assert chroma.chunks().count() == 0
