"""The engine without a model writes what it is asked for, at the pace that the prompt names."""

import time
import warnings

import pytest

from deployments.contracts.calls import CallContext
from deployments.contracts.errors import ConfigError
from deployments.contracts.generation import (
    Generation,
    GenerationEvent,
    GenerationRequest,
    Message,
    Prompt,
    Sampling,
    Started,
    TextDelta,
)

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of Ray's own, when it is imported
    from benchmarks.generation_study.noop_generator import Generator, NoopEngine, build_generator

_CALL = CallContext("r-1", 10.0)


def _prompt(pace: str) -> Prompt:
    return Prompt(messages=(Message("user", pace),))


async def _events(window_ms: float, pace: str, tokens: int) -> list[GenerationEvent]:
    generator = Generator({"name": "noop", "delta_window_ms": window_ms})
    request = GenerationRequest(
        messages=_prompt(pace).messages, sampling=Sampling(max_tokens=tokens)
    )
    return [event async for events in generator.stream(request, call=_CALL) for event in events]


async def test_one_token_at_a_time_and_an_end() -> None:
    deltas = [
        one async for one in NoopEngine().stream(_prompt("0"), Sampling(max_tokens=3), call=_CALL)
    ]
    assert [one.completion_tokens for one in deltas] == [1, 1, 1]
    assert [one.finish_reason for one in deltas] == [None, None, "length"]


async def test_pace_is_kept() -> None:
    began_s = time.perf_counter()
    sampling = Sampling(max_tokens=10)
    async for _ in NoopEngine().stream(_prompt("100"), sampling, call=_CALL):
        pass
    assert time.perf_counter() - began_s >= 0.095


async def test_answer_is_that_of_a_generator() -> None:
    started, *deltas, written = await _events(15.0, "0", 20)
    assert isinstance(started, Started)
    assert isinstance(written, Generation)
    assert (written.completion_tokens, written.finish_reason) == (20, "length")
    assert written.text == "".join(one.text for one in deltas if isinstance(one, TextDelta))


async def test_window_gathers_tokens() -> None:
    alone = await _events(0.0, "500", 20)
    together = await _events(50.0, "500", 20)
    assert len(together) < len(alone)


async def test_gateway_takes_it_for_a_language_model() -> None:
    generator = Generator({"name": "noop", "delta_window_ms": 0.0})
    assert await generator.describe(call=_CALL) == {"model": "noop", "language_model": True}


def test_misspelt_setting_is_named() -> None:
    with pytest.raises(ConfigError, match="window_ms"):
        build_generator({"name": "noop", "delta_window_ms": 0.0, "window_ms": 1.0})
