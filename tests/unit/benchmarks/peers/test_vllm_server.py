"""vLLM's own server is given what our engine gives to vLLM."""

from pathlib import Path

import pytest

from benchmarks.peers.vllm_server import flag, ready_url, server_command, server_environment
from deployments.generator.vllm.settings import with_cpu_defaults


@pytest.mark.parametrize(
    ("argument", "value", "expected"),
    [
        ("max_model_len", -1, "--max-model-len=-1"),
        ("enforce_eager", True, "--enforce-eager"),
        ("enable_prefix_caching", False, "--no-enable-prefix-caching"),
        ("load_format", "dummy", "--load-format=dummy"),
        ("hf_overrides", {"rope": [1, 2]}, '--hf-overrides={"rope": [1, 2]}'),
    ],
)
def test_engine_argument_as_one_word(argument: str, value: object, expected: str) -> None:
    assert flag(argument, value) == expected


def test_every_argument_of_the_engine_is_passed() -> None:
    engine_args = {"load_format": "dummy", "max_num_seqs": 8}
    command = server_command("/models/a", engine_args, name="a", port=7998, cpu=True)
    for argument, value in with_cpu_defaults(engine_args).items():
        assert flag(argument, value) in command
    assert "--max-num-seqs=8" in command


def test_arguments_are_left_alone_on_a_gpu() -> None:
    command = server_command("/models/a", {"dtype": "bfloat16"}, name="a", port=1, cpu=False)
    assert [word for word in command if word.startswith("--")][-1] == "--dtype=bfloat16"
    assert not any("eager" in word for word in command)


def test_server_listens_on_this_machine_only() -> None:
    command = server_command("/models/a", {}, name="llama", port=7998, cpu=True)
    options = dict(zip(command, command[1:], strict=False))
    assert (options["--host"], options["--port"]) == ("127.0.0.1", "7998")
    assert (options["--model"], options["--served-model-name"]) == ("/models/a", "llama")
    assert ready_url(7998) == "http://127.0.0.1:7998/health"


def test_environment_is_that_of_the_engine(tmp_path: Path) -> None:
    variables = server_environment(str(tmp_path), {}, sockets="/tmp/s", cpu=True)
    assert variables["VLLM_ENABLE_V1_MULTIPROCESSING"] == "0"
    assert variables["OMP_NUM_THREADS"] == "1"
    assert variables["VLLM_RPC_BASE_PATH"] == "/tmp/s"
