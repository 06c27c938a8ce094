"""From vLLM's output to ours; what it looks like is vLLM's, so values of the same shape stand for
it."""

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest

from deployments.contracts.errors import InvalidRequest, StageFailed, Unavailable
from deployments.contracts.generation import (
    Alternative,
    EngineDelta,
    OutputFormat,
    Sampling,
    TokenLogprob,
)
from deployments.generator.vllm.output import delta_of, token_logprobs


@dataclass
class Logprob:
    logprob: float
    rank: int | None
    decoded_token: str | None


def step(finish_reason: str | None = None, **changes: object) -> Any:
    """Two tokens of a request whose prompt has five."""
    written = SimpleNamespace(
        text="ab", token_ids=[1, 2], logprobs=None, finish_reason=finish_reason
    )
    values: dict[str, object] = {
        "outputs": [written],
        "prompt_token_ids": [9, 9, 9, 9, 9],
        "num_cached_tokens": 4,
        "metrics": SimpleNamespace(queued_ts=10.0, scheduled_ts=10.25),
    }
    return SimpleNamespace(**(values | changes))


def test_first_and_last_step_carry_the_counts() -> None:
    first = delta_of(step(), Sampling(), first=True)
    between = delta_of(step(), Sampling(), first=False)
    last = delta_of(step("length"), Sampling(), first=False)
    assert first == EngineDelta("ab", 2, prompt_tokens=5, cached_tokens=4, queue_ms=250.0)
    assert between == EngineDelta("ab", 2)
    assert (last.finish_reason, last.prompt_tokens, last.cached_tokens) == ("length", 5, 4)


def test_missing_measurements_are_zero() -> None:
    bare = step(metrics=None, num_cached_tokens=None, prompt_token_ids=None)
    delta = delta_of(bare, Sampling(), first=True)
    assert (delta.prompt_tokens, delta.cached_tokens, delta.queue_ms) == (0, 0, 0.0)


def test_stopped_engine_is_unavailable() -> None:
    with pytest.raises(Unavailable):
        delta_of(step("abort"), Sampling(), first=False)


def test_request_that_the_engine_gave_up_is_the_formats_fault_where_there_is_one() -> None:
    asked = Sampling(output_format=OutputFormat(regex="[^a]"))
    with pytest.raises(InvalidRequest, match="output format"):
        delta_of(step("error"), asked, first=False)
    with pytest.raises(StageFailed):
        delta_of(step("error"), Sampling(), first=False)


PLACE = {
    7: Logprob(-2.5, 3, "c"),
    4: Logprob(-0.1, 1, "a"),
    5: Logprob(-1.0, 2, "b"),
}


def test_alternatives_come_likeliest_first_without_an_unlikely_choice() -> None:
    found = token_logprobs([7], [PLACE], top=2)
    assert found == (TokenLogprob("c", -2.5, (Alternative("a", -0.1), Alternative("b", -1.0))),)


def test_no_alternatives_leave_the_chosen_token() -> None:
    assert token_logprobs([5], [PLACE], top=0) == (TokenLogprob("b", -1.0, ()),)


def test_half_a_character_has_no_text() -> None:
    (found,) = token_logprobs([1], [{1: Logprob(-1.0, 1, None)}], top=1)
    assert found.token == ""


def test_nothing_is_reported_unasked() -> None:
    assert token_logprobs([5], [PLACE], top=None) == ()
