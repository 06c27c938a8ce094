"""A Chroma in memory that may be stopped before each of its calls, and threads that take turns at
them: every order in which calls of several replicas can arrive, and every place to be killed at."""

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from deployments.retriever.chroma.connection import Chroma
from deployments.retriever.config import StoreArgs

T = TypeVar("T")


class Killed(BaseException):
    """What ends a thread as a signal ends a process: nothing of ours catches it."""


class MemoryCollection:
    """Rows in a dict, in the order of their first writing."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, Any]] = {}

    def upsert(
        self,
        *,
        ids: Sequence[str],
        embeddings: Any,
        metadatas: Sequence[Mapping[str, object]],
        documents: Sequence[str | None] | None = None,
    ) -> None:
        texts = documents or [None] * len(ids)
        for row, vector, metadata, text in zip(ids, embeddings, metadatas, texts, strict=True):
            self.rows[row] = {"embeddings": vector, "metadatas": dict(metadata), "documents": text}

    def update(self, *, ids: Sequence[str], metadatas: Sequence[Mapping[str, object]]) -> None:
        for row, metadata in zip(ids, metadatas, strict=True):
            if row in self.rows:
                self.rows[row]["metadatas"] |= metadata

    def get(
        self,
        *,
        ids: Sequence[str] | None = None,
        where: Mapping[str, Any] | None = None,
        limit: int | None = None,
        offset: int = 0,
        include: Sequence[str],
    ) -> dict[str, Any]:
        rows = [
            row
            for row, fields in self.rows.items()
            if (ids is None or row in ids) and _passes(fields["metadatas"], where)
        ]
        rows = rows[offset : None if limit is None else offset + limit]
        fields = {name: [self.rows[row][name] for row in rows] for name in include}
        return {"ids": rows, **fields}

    def delete(self, *, ids: Sequence[str]) -> None:
        assert ids, "Chroma refuses to delete nothing"
        for row in ids:
            self.rows.pop(row, None)

    def count(self) -> int:
        return len(self.rows)


def _passes(metadata: Mapping[str, Any], where: Mapping[str, Any] | None) -> bool:
    if not where:
        return True
    [(key, asked)] = where.items()
    if key == "$and":
        return all(_passes(metadata, part) for part in asked)
    [(operation, operand)] = asked.items() if isinstance(asked, dict) else [("$eq", asked)]
    if key not in metadata:
        return bool(operation == "$ne")
    value = metadata[key]
    return bool(
        {
            "$eq": lambda: value == operand,
            "$ne": lambda: value != operand,
            "$in": lambda: value in operand,
            "$gt": lambda: value > operand,
            "$gte": lambda: value >= operand,
            "$lte": lambda: value <= operand,
        }[operation]()
    )


class MemoryChroma(Chroma):
    """Shares `collections` with every other connection to the same server.

    Args:
        collections: The server.
        turns: Who may call now; None for everybody.
    """

    def __init__(
        self, collections: dict[str, MemoryCollection], turns: "Turns | None" = None
    ) -> None:
        super().__init__(StoreArgs(url="http://127.0.0.1:9"))
        self._memory = collections
        self._turns = turns

    def guard(self, call: Callable[[], T]) -> T:
        if self._turns is not None:
            self._turns.wait()
        return call()

    def _collection(self, name: str) -> MemoryCollection:
        return self._memory.setdefault(name, MemoryCollection())


class Turns:
    """Runs jobs in threads of which one moves at a time, from one call of the store to the next.

    Args:
        choose: Returns who of those that wait is next, as a number of `jobs`, given all that do.
        killed: The jobs that are killed, each before which of its calls, counted from 0.
    """

    def __init__(
        self, choose: Callable[[Sequence[int]], int], killed: Mapping[int, int] | None = None
    ) -> None:
        self._choose = choose
        self._killed = killed or {}
        self._job = threading.local()
        self._parked = threading.Semaphore(0)
        self._turns: dict[int, threading.Semaphore] = {}
        self.calls: dict[int, int] = {}

    def wait(self) -> None:
        """Lets others move until it is this thread's turn."""
        number: int | None = getattr(self._job, "number", None)
        if number is None:
            return
        self._parked.release()
        self._turns[number].acquire()
        self.calls[number] += 1
        if self._killed.get(number) == self.calls[number] - 1:
            raise Killed

    def run(self, jobs: Sequence[Callable[[], object]]) -> dict[int, BaseException | None]:
        """Runs the jobs to their ends; returns with what each failed."""
        ends: dict[int, BaseException | None] = {}

        def work(number: int, job: Callable[[], object]) -> None:
            self._job.number = number
            try:
                self.wait()
                job()
                ends[number] = None
            except BaseException as error:
                ends[number] = error
            self._parked.release()

        for number in range(len(jobs)):
            self._turns[number] = threading.Semaphore(0)
            self.calls[number] = -1
        threads = [
            threading.Thread(target=work, args=(number, job)) for number, job in enumerate(jobs)
        ]
        for thread in threads:
            thread.start()
            self._parked.acquire()
        while waiting := [number for number in range(len(jobs)) if number not in ends]:
            self._turns[self._choose(waiting)].release()
            self._parked.acquire()
        for thread in threads:
            thread.join()
        return ends
