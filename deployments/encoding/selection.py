"""The choice of a runtime: the fastest one whose vectors are the model's own."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from deployments.contracts.errors import ConfigError
from deployments.contracts.vectors import Vectors

MIN_COSINE = 0.999
"""Vectors at least this close to those of float32 count as equal."""
_REPEATS = 3
_log = logging.getLogger("ray.serve")
T = TypeVar("T")


def min_cosine(vectors: Vectors, reference: Vectors) -> float:
    """Returns the smallest cosine between rows of the same place; rows are L2-normalised."""
    return float((vectors * reference).sum(axis=1).min())


def fastest(
    builders: Mapping[str, Callable[[], T]],
    *,
    is_equal: Callable[[T], bool],
    work: Callable[[T], Sequence[Callable[[], object]]],
) -> T:
    """Returns the candidate that does most work in a second, among those that give equal results.

    Args:
        builders: Makes each candidate by its name, in order of preference; one that raises
            ConfigError is left out.
        is_equal: Whether a candidate's results are those of the reference.
        work: What a candidate is timed by: equal calls that run at once, as many as fill the
            device. The best of three rounds counts.

    Raises:
        ConfigError: no candidate is left.
    """
    best: tuple[float, str, T] | None = None
    reason: ConfigError | None = None
    for name, build in builders.items():
        try:
            candidate = build()
        except ConfigError as error:
            _log.info("runtime %s is left out: %s", name, error)
            reason = error
            continue
        if not is_equal(candidate):
            _log.warning("runtime %s is left out: its vectors are not the model's own", name)
            continue
        if len(builders) == 1:
            return candidate  # nothing to compare it with
        took_s = _time_per_call_s(work(candidate))
        _log.info("runtime %s took %.1f ms", name, took_s * 1e3)
        if best is None or took_s < best[0]:
            best = took_s, name, candidate
    if best is None:
        raise ConfigError("No runtime computes this model's vectors.") from reason
    _log.info("runtime %s is taken", best[1])
    return best[2]


def _time_per_call_s(calls: Sequence[Callable[[], object]]) -> float:
    rounds = []
    with ThreadPoolExecutor(len(calls)) as pool:
        for _ in range(_REPEATS + 1):  # the first one warms up
            started_s = time.perf_counter()
            list(pool.map(lambda call: call(), calls))
            rounds.append((time.perf_counter() - started_s) / len(calls))
    return min(rounds[1:])
