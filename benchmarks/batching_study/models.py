"""What batches run on: models whose cost is known, and a record of every run."""

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

Run = Callable[[Sequence[Any]], Sequence[Any]]
"""Takes a batch of items and returns one result per item; called in a thread."""


def constant_model(run_s: float) -> Run:
    """Returns a model that takes the same time for any batch, as a GPU does for small ones."""

    def run(items: Sequence[int]) -> Sequence[int]:
        time.sleep(run_s)
        return items

    return run


def per_token_model(base_s: float, *, token_s: float) -> Run:
    """Returns a model whose time grows with the padded batch, longest item x items; an item is its
    number of tokens."""

    def run(token_counts: Sequence[int]) -> Sequence[int]:
        time.sleep(base_s + token_s * max(token_counts) * len(token_counts))
        return token_counts

    return run


class Recorder:
    """A model that keeps how large its batches were and how long each took; thread-safe."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._changed = threading.Condition()
        self._running = 0
        self.batch_sizes: list[int] = []
        self.run_s: list[float] = []

    def __call__(self, items: Sequence[Any]) -> Sequence[Any]:
        with self._changed:
            self._running += 1
            self.batch_sizes.append(len(items))
        started_s = time.perf_counter()
        try:
            return self._run(items)
        finally:
            with self._changed:
                self._running -= 1
                self.run_s.append(time.perf_counter() - started_s)
                self._changed.notify_all()

    def wait_until_idle(self, timeout_s: float) -> None:
        """Returns when no batch runs.

        Raises:
            TimeoutError: one still did after timeout_s.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: not self._running, timeout_s):
                raise TimeoutError(f"a batch still ran after {timeout_s:g} s")
