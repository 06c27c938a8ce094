"""Who is compared: a server over HTTP, or the bare model in this process."""

import itertools
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from benchmarks.load.driver import Sample, closed_loop, open_loop
from benchmarks.load.http import HttpTarget
from benchmarks.peers.process import Server

_TIMEOUT_S = 120.0


@dataclass(frozen=True, slots=True)
class Workload:
    """Requests of one kind: `concurrency` of them on their way at any time."""

    name: str
    path: str
    bodies: Sequence[bytes]
    concurrency: int
    texts: Sequence[str] = ()
    """The texts in the bodies, for the bare model."""
    bare_batch: int = 1
    """Texts that the bare model gets in a batch."""


class Contender(Protocol):
    """Whoever can be put under a workload."""

    name: str

    def freeze(self) -> None:
        """Rests while others are measured."""
        ...

    def thaw(self) -> None:
        """Gets ready to be measured."""
        ...

    async def time_wave(self, workload: Workload) -> float:
        """Returns the seconds until as many requests as the workload has at a time are answered."""
        ...

    async def measure(
        self, workload: Workload, *, duration_s: float, warmup_s: float
    ) -> list[Sample]:
        """Returns a sample per request that ended in the window after the warm-up."""
        ...


class HttpContender:
    """A server at an address; one that this command has started is frozen while others work.

    Args:
        name: What results call it.
        url: Scheme, host and port.
        server: Its process, if it is ours.
    """

    def __init__(self, name: str, url: str, server: Server | None = None) -> None:
        self.name = name
        self.url = url
        self._server = server

    def freeze(self) -> None:
        """Stops the process, if it is ours."""
        if self._server is not None:
            self._server.freeze()

    def thaw(self) -> None:
        """Lets the process go on, if it is ours."""
        if self._server is not None:
            self._server.thaw()

    def target(self) -> HttpTarget:
        """Returns a client of it."""
        return HttpTarget(self.url, timeout_s=_TIMEOUT_S)

    async def time_wave(self, workload: Workload) -> float:
        """Returns the seconds of one wave of requests, sent all at once."""
        bodies = workload.bodies
        began_s = time.perf_counter()
        async with self.target() as target:
            await open_loop(
                lambda index: target.post(workload.path, bodies[index % len(bodies)]),
                [0.0] * workload.concurrency,
                drain_s=_TIMEOUT_S,
            )
        return time.perf_counter() - began_s

    async def measure(
        self, workload: Workload, *, duration_s: float, warmup_s: float
    ) -> list[Sample]:
        """Returns the samples of a closed loop."""
        bodies = workload.bodies
        async with self.target() as target:
            return await closed_loop(
                lambda index: target.post(workload.path, bodies[index % len(bodies)]),
                concurrency=workload.concurrency,
                duration_s=duration_s,
                warmup_s=warmup_s,
                drain_s=_TIMEOUT_S,
            )


class BareEncoder:
    """`SentenceTransformer.encode` in this process, in batches of texts of about the same length:
    the limit of what a server of it can give.

    Args:
        model: A loaded `SentenceTransformer`.
        bfloat16: Whether the matrix products are in bfloat16, else in float32.
    """

    def __init__(self, model: Any, *, bfloat16: bool) -> None:
        self.name = f"bare {'bfloat16' if bfloat16 else 'float32'}"
        import torch

        self._torch = torch
        self._model = model
        self._bfloat16 = bfloat16

    def freeze(self) -> None:
        """Nothing runs between two calls."""

    def thaw(self) -> None:
        """Nothing is to be done."""

    async def time_wave(self, workload: Workload) -> float:
        """Returns the seconds of one batch."""
        began_s = time.perf_counter()
        self.encode(workload.texts[: workload.bare_batch], batch_size=workload.bare_batch)
        return time.perf_counter() - began_s

    async def measure(
        self, workload: Workload, *, duration_s: float, warmup_s: float
    ) -> list[Sample]:
        """Returns a sample per text; texts of one batch have the same times."""
        batches = _batches(workload)
        samples: list[Sample] = []
        begin_s = time.perf_counter() + warmup_s
        for texts in itertools.cycle(batches):
            started_s = time.perf_counter() - begin_s
            if started_s >= duration_s:
                break
            self.encode(texts, batch_size=len(texts))
            ended_s = time.perf_counter() - begin_s
            if 0 <= ended_s <= duration_s:
                samples += [Sample(started_s, started_s, ended_s, "ok")] * len(texts)
        return samples

    def encode(self, texts: Sequence[str], *, batch_size: int = 32) -> Any:
        """Returns L2-normalised vectors, shape (n, dim)."""
        bfloat16 = self._torch.bfloat16
        with self._torch.autocast("cpu", dtype=bfloat16, enabled=self._bfloat16):
            return self._model.encode(list(texts), batch_size=batch_size, normalize_embeddings=True)


def _batches(workload: Workload) -> list[list[str]]:
    """Returns the texts in batches of like length, in an order that mixes short and long ones."""
    texts = sorted(workload.texts, key=len)
    size = workload.bare_batch
    batches = [texts[start : start + size] for start in range(0, len(texts), size)]
    random.Random(0).shuffle(batches)
    return batches
