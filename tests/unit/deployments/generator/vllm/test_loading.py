"""What is said about a vLLM that is missing, not started, or unhappy."""

import os
import sys

import pytest

from deployments.contracts.errors import ConfigError, Unavailable
from deployments.contracts.generation import Prompt
from deployments.generator.vllm.engine import VllmEngine
from deployments.generator.vllm.errors import reason_of
from deployments.generator.vllm.loading import metric_loggers


async def test_missing_vllm_is_said_with_the_way_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "vllm", None)
    monkeypatch.setenv("VLLM_NO_USAGE_STATS", "the operator's")
    before = dict(os.environ)
    engine = VllmEngine(model="any", engine_args={}, default_max_tokens=8)
    with pytest.raises(ConfigError, match="make vllm-cpu"):
        await engine.start()
    assert dict(os.environ) == before
    assert engine.max_model_tokens is None


async def test_engine_that_was_not_started_says_so() -> None:
    engine = VllmEngine(model="any", engine_args={}, default_max_tokens=8)
    with pytest.raises(Unavailable):
        await engine.check_health()
    with pytest.raises(Unavailable):
        await engine.count_tokens(Prompt(text="a"))
    await engine.close()


def test_reason_has_one_line_and_no_place_of_compiled_code() -> None:
    error = RuntimeError(
        "[06:22:41] /project/cpp/regex.cc:83: Regex error at 1:\n   a\n   ^\nno end"
    )
    assert reason_of(error) == "Regex error at 1: a ^ no end"


def test_error_without_words_is_named_by_its_kind() -> None:
    assert reason_of(ValueError()) == "ValueError"


def test_vllm_without_its_metrics_for_ray_still_loads(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "vllm.v1.metrics.ray_wrappers", None)
    assert metric_loggers() is None
    assert "metrics of vLLM" in caplog.text
