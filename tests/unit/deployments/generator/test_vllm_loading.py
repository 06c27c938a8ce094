"""The environment of vLLM, and what an operator is told without it."""

import os
import sys
from pathlib import Path

import pytest

from deployments.errors import ConfigError
from deployments.generator.vllm_engine import VllmEngine
from deployments.generator.vllm_errors import reason_of
from deployments.generator.vllm_loading import EngineEnvironment


def test_environment_is_left_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VLLM_RPC_BASE_PATH", raising=False)
    monkeypatch.setenv("VLLM_NO_USAGE_STATS", "the operator's")
    before = dict(os.environ)
    environment = EngineEnvironment()
    environment.enter("model", {})
    sockets = Path(os.environ["VLLM_RPC_BASE_PATH"])
    (sockets / "left-behind").touch()
    assert os.environ["VLLM_NO_USAGE_STATS"] == "the operator's"
    environment.leave()
    environment.leave()
    assert dict(os.environ) == before
    assert not sockets.exists()


async def test_missing_vllm_is_said_with_the_way_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "vllm", None)
    monkeypatch.delenv("VLLM_RPC_BASE_PATH", raising=False)
    engine = VllmEngine(model="any", engine_args={}, default_max_tokens=8)
    with pytest.raises(ConfigError, match="make vllm-cpu"):
        await engine.start()
    assert "VLLM_RPC_BASE_PATH" not in os.environ
    assert engine.max_model_tokens is None


def test_reason_has_one_line_and_no_place_of_compiled_code() -> None:
    error = RuntimeError(
        "[06:22:41] /project/cpp/regex.cc:83: Regex error at 1:\n   a\n   ^\nno end"
    )
    assert reason_of(error) == "Regex error at 1: a ^ no end"


def test_error_without_words_is_named_by_its_kind() -> None:
    assert reason_of(ValueError()) == "ValueError"
