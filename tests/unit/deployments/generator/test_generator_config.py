"""What a generator's settings may be."""

from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from deployments.contracts.errors import ConfigError
from deployments.generator.config import GeneratorArgs
from deployments.generator.engines import make_engine
from deployments.generator.extractive.engine import ExtractiveEngine
from deployments.generator.openai.engine import OpenAIEngine

OPENAI = {"model": "m", "base_url": "http://127.0.0.1:9/v1"}


def args(**settings: Any) -> GeneratorArgs:
    return GeneratorArgs.model_validate(settings)


def test_the_default_needs_nothing() -> None:
    assert isinstance(make_engine(args()), ExtractiveEngine)


@pytest.mark.parametrize("engine", ["vllm", "openai"])
def test_an_engine_needs_its_section(engine: str) -> None:
    with pytest.raises(ValidationError, match=f"needs a section `{engine}`"):
        args(engine=engine)


def test_gpus_are_those_of_all_parallel_sizes() -> None:
    sizes = {"tensor_parallel_size": 4, "pipeline_parallel_size": 2}
    vllm = args(engine="vllm", vllm={"model": "m", "engine_args": sizes}).vllm
    assert vllm is not None
    assert vllm.gpus == 8
    assert vllm.engine_args["distributed_executor_backend"] == "ray"


def test_one_gpu_leaves_the_executor_to_vllm() -> None:
    vllm = args(engine="vllm", vllm={"model": "m"}).vllm
    assert vllm is not None
    assert (vllm.gpus, vllm.engine_args) == (1, {})


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"vllm": {"model": "m", "engine_args": {"model": "n"}}}, "field of its own"),
        ({"openai": OPENAI | {"base_url": "example.com"}}, "pattern"),
        ({"openai": OPENAI | {"api_key": "sk-1"}}, "Extra inputs"),
        ({"sampling": {"temperature": 3}}, "less than or equal to 2"),
        ({"name": "Not a name"}, "pattern"),
    ],
    ids=["model-twice", "no-scheme", "key-in-file", "too-hot", "name"],
)
def test_mistakes_are_named(section: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        args(**section)


def test_a_key_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_KEY", "sk-secret")
    settings = args(engine="openai", openai=OPENAI | {"api_key_env": "SOME_KEY"})
    assert isinstance(make_engine(settings), OpenAIEngine)
    assert "sk-secret" not in repr(settings)
    assert "sk-secret" not in repr(SecretStr("sk-secret"))


def test_a_missing_key_is_named_before_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOME_KEY", raising=False)
    with pytest.raises(ConfigError, match="SOME_KEY"):
        make_engine(args(engine="openai", openai=OPENAI | {"api_key_env": "SOME_KEY"}))
