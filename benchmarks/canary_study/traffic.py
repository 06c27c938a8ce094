"""Simulated requests of a canary and its baseline, of which the truth is known.

Times are lognormal, as those of services are. Requests come 4 times a second, and a look every 50
seconds: 200 requests, a tenth of them the canary's.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter  # type: ignore[import-untyped]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

LOOKS = 40
LOOK_REQUESTS = 200
LOOK_S = 50.0
CANARY_SHARE = 0.1
SIGMA = 0.6
"""Standard deviation of the logarithm of times."""

_SHAPES = {"total_ms": (800.0, 1.0), "ttft_ms": (200.0, 0.8), "tpot_ms": (20.0, 0.5)}
"""Median, and correlation with the time of the whole answer."""
_SHARES = {"error": 0.01, "truncated": 0.05, "refused": 0.10, "degraded": 0.005}
_USERS = 400
_USER_SIGMA = 0.4
_DRIFT = 0.5
_LOAD_MEMORY = 0.9
_REPLICA_MEMORY = 0.5
_CHUNK = 100

Dependence = Literal["none", "load", "replica", "drift", "users"]
"""How requests depend on each other.

- `load`: AR(1) with 0.9 from request to request of the whole service.
- `replica`: AR(1) with 0.5 from request to request of an arm, each arm for itself.
- `drift`: times rise and fall by 65 % together, twice.
- `users`: 400 users of their own speed, some of whom ask far more than others; everybody stays in
  an arm.
"""


@dataclass(frozen=True, slots=True)
class Scenario:
    """A canary as it is in truth.

    Args:
        name: For the reader.
        slower: Factor of the canary's times.
        sigma: Standard deviation of the logarithm of the canary's times.
        shares: The canary's shares where they differ from stable's.
        stable_shares: Stable's shares where they differ from the usual ones.
        dependence: See `Dependence`.
        blind: A metric that the baseline does not measure.
        rated: Share of the answers that somebody rates.
        liked: Share of the canary's rated answers that are liked.
        stable_liked: The same of stable's.
    """

    name: str
    slower: float = 1.0
    sigma: float = SIGMA
    shares: dict[str, float] = field(default_factory=dict)
    stable_shares: dict[str, float] = field(default_factory=dict)
    dependence: Dependence = "none"
    blind: str = ""
    rated: float = 0.0
    liked: float = 0.9
    stable_liked: float = 0.9


@dataclass(frozen=True, slots=True)
class Traffic:
    """One run: the requests of both arms in order of time. `canary` says whose each is."""

    canary: Mask
    at_s: Array
    callers: NDArray[np.int64]
    values: dict[str, Array]


def simulate(
    scenario: Scenario, *, runs: int, looks: int, baseline_ratio: float, seed: int
) -> Iterator[Traffic]:
    """Yields independent runs; the same seed gives the same ones."""
    for start in range(0, runs, _CHUNK):
        generator = np.random.default_rng((seed, start))
        size = min(_CHUNK, runs - start), looks * LOOK_REQUESTS
        yield from _chunk(scenario, generator, size, baseline_ratio)


def _chunk(
    scenario: Scenario, generator: np.random.Generator, size: tuple[int, int], ratio: float
) -> Iterator[Traffic]:
    runs, requests = size
    callers = np.arange(runs * requests).reshape(size)
    places = generator.random(size)
    levels = np.zeros(size)
    if scenario.dependence == "users":
        often = 1.0 / np.arange(1, _USERS + 1) ** 0.7
        callers = generator.choice(_USERS, size=size, p=often / often.sum())
        places = np.take_along_axis(generator.random((runs, _USERS)), callers, axis=1)
        speeds = generator.normal(0.0, _USER_SIGMA, (runs, _USERS))
        levels = np.take_along_axis(speeds, callers, axis=1)
    canary = places < CANARY_SHARE
    baseline = ~canary & (places < (1.0 + ratio) * CANARY_SHARE)
    noise = _noise(scenario.dependence, generator, (canary, baseline))
    if scenario.dependence == "users":
        noise = noise * np.sqrt(1.0 - (_USER_SIGMA / SIGMA) ** 2) + levels / SIGMA
    at_s = (np.arange(requests) + 0.5) * LOOK_S / LOOK_REQUESTS
    moods = np.zeros(requests)
    if scenario.dependence == "drift":
        moods = _DRIFT * np.sin(at_s / at_s[-1] * 4.0 * np.pi)
    for run in range(runs):
        kept = canary[run] | baseline[run]
        mine = canary[run][kept]
        yield Traffic(
            mine,
            at_s[kept],
            callers[run][kept],
            _values(scenario, generator, mine, noise[run][kept], moods[kept]),
        )


def _noise(
    dependence: Dependence, generator: np.random.Generator, arms: tuple[Mask, Mask]
) -> Array:
    """Returns standard normal numbers by run and request."""
    noise = generator.normal(size=arms[0].shape)
    if dependence == "load":
        return _autoregressive(noise, _LOAD_MEMORY)
    if dependence == "replica":
        for arm in arms:
            for row, mine in zip(noise, arm, strict=True):
                row[mine] = _autoregressive(row[mine], _REPLICA_MEMORY)
    return noise


def _autoregressive(noise: Array, memory: float) -> Array:
    """Returns stationary AR(1) processes of variance 1, made of independent numbers, along the last
    axis."""
    steps: Array = noise * np.sqrt(1.0 - memory**2)
    steps[..., 0] = noise[..., 0]
    filtered: Array = lfilter([1.0], [1.0, -memory], steps)
    return filtered


def _values(
    scenario: Scenario,
    generator: np.random.Generator,
    canary: NDArray[np.bool_],
    noise: Array,
    moods: Array,
) -> dict[str, Array]:
    values: dict[str, Array] = {}
    sigma = np.where(canary, scenario.sigma, SIGMA)
    for name, (median, shared) in _SHAPES.items():
        own = generator.normal(size=noise.size)
        mixed = shared * noise + np.sqrt(1.0 - shared**2) * own
        times = median * np.exp(moods + sigma * mixed)
        values[name] = np.where(canary, scenario.slower, 1.0) * times
    for name, usual in _SHARES.items():
        stable = scenario.stable_shares.get(name, usual)
        shares = np.where(canary, scenario.shares.get(name, stable), stable)
        values[name] = (generator.random(noise.size) < shares).astype(float)
    failed = values["error"] > 0
    for name in _SHAPES:
        values[name][failed] = np.nan
    if scenario.blind:
        values[scenario.blind][~canary] = np.nan
    if scenario.rated > 0.0:
        shares = np.where(canary, scenario.liked, scenario.stable_liked)
        liked = (generator.random(noise.size) < shares).astype(float)
        rated = ~failed & (generator.random(noise.size) < scenario.rated)
        values["feedback"] = np.where(rated, liked, np.nan)
    return values
