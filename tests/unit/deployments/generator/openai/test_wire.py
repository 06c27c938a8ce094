"""What goes out for a request, and what is read from a chunk."""

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployments.contracts.errors import BackendFailed, InvalidRequest
from deployments.contracts.generation import (
    Alternative,
    Message,
    OutputFormat,
    Prompt,
    Sampling,
    TokenLogprob,
)
from deployments.contracts.tools import Tool, ToolCall, ToolCallDelta, ToolUse
from deployments.generator.openai.chunks import Piece, Usage, read_piece
from deployments.generator.openai.wire import request_body, request_path

CHAT = Prompt(messages=(Message("user", "Hi"),))
RAW = Prompt(text="Once")
SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}}


def body_of(sampling: Sampling, prompt: Prompt = CHAT) -> dict[str, Any]:
    """The fields that the sampling adds."""
    body: dict[str, Any] = json.loads(request_body("m", prompt, sampling, asks_usage=False))
    return {
        name: body[name] for name in body if name not in ("model", "stream", "messages", "prompt")
    }


@pytest.mark.parametrize(
    ("sampling", "expected"),
    [
        (Sampling(), {}),
        (Sampling(max_tokens=5, min_tokens=2), {"max_tokens": 5, "min_tokens": 2}),
        (Sampling(temperature=0.0, top_p=0.5), {"temperature": 0.0, "top_p": 0.5}),
        (Sampling(top_k=-1, min_p=0.1), {"top_k": -1, "min_p": 0.1}),
        (
            Sampling(presence_penalty=0.1, frequency_penalty=0.2, repetition_penalty=1.1),
            {"presence_penalty": 0.1, "frequency_penalty": 0.2, "repetition_penalty": 1.1},
        ),
        (Sampling(seed=0), {"seed": 0}),
        (Sampling(stop=("a", "b")), {"stop": ["a", "b"]}),
        (Sampling(ignore_eos=True), {"ignore_eos": True}),
        (Sampling(logit_bias={7: -100.0}), {"logit_bias": {"7": -100.0}}),
        (Sampling(top_logprobs=0), {"logprobs": True, "top_logprobs": 0}),
        (
            Sampling(output_format=OutputFormat(json_schema={})),
            {"response_format": {"type": "json_object"}},
        ),
        (
            Sampling(output_format=OutputFormat(json_schema=SCHEMA)),
            {
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {"name": "answer", "schema": SCHEMA, "strict": True},
                }
            },
        ),
        (
            Sampling(output_format=OutputFormat(regex="a+")),
            {"structured_outputs": {"regex": "a+"}},
        ),
        (
            Sampling(output_format=OutputFormat(choice=("yes", "no"))),
            {"structured_outputs": {"choice": ["yes", "no"]}},
        ),
    ],
    ids=lambda value: "-".join(value.asked()) if isinstance(value, Sampling) else "",
)
def test_a_wish_has_the_name_that_servers_know(
    sampling: Sampling, expected: dict[str, Any]
) -> None:
    assert body_of(sampling) == expected


def test_every_wish_goes_out() -> None:
    """A field that is added to the sampling and forgotten here would be ignored in silence."""
    wishes: dict[str, Any] = {
        "stop": ("a",),
        "ignore_eos": True,
        "logit_bias": {1: 1.0},
        "output_format": OutputFormat(regex="a"),
    }
    for name in Sampling.__slots__:
        assert body_of(Sampling(**{name: wishes.get(name, 1)})), name


def test_a_raw_prompt_has_its_own_path_and_its_own_log_probabilities() -> None:
    assert (request_path(CHAT), request_path(RAW)) == ("chat/completions", "completions")
    assert body_of(Sampling(top_logprobs=3), RAW) == {"logprobs": 3}
    assert request_path(Prompt(text="")) == "completions"


def test_counts_are_asked_for_unless_the_server_refuses() -> None:
    body = json.loads(request_body("m", CHAT, Sampling(), asks_usage=True))
    assert body["stream_options"] == {"include_usage": True}


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_number_that_json_has_not_is_refused(value: float) -> None:
    with pytest.raises(InvalidRequest):
        request_body("m", CHAT, Sampling(temperature=value), asks_usage=True)


@given(text=st.text(st.characters(exclude_categories=())))
def test_any_text_can_be_sent(text: str) -> None:
    """Half a character cannot travel as UTF-8; everything else arrives."""
    body = request_body("m", Prompt(text=text), Sampling(), asks_usage=True)
    assert json.loads(body)["prompt"] == text.encode("utf-8", "replace").decode()


def chat(delta: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": delta, **fields}]}


def asked_with(tools: ToolUse) -> dict[str, Any]:
    prompt = Prompt(messages=CHAT.messages, tools=tools)
    return body_of(Sampling(), prompt)


def test_functions_go_out_as_they_came() -> None:
    tool = Tool("f", "Does it.", SCHEMA, strict=True)
    function = {"name": "f", "description": "Does it.", "parameters": SCHEMA, "strict": True}
    offered = [{"type": "function", "function": function}]
    assert asked_with(ToolUse((tool,), parallel=False)) == {
        "tools": offered,
        "tool_choice": "auto",
        "parallel_tool_calls": False,
    }
    named = {"type": "function", "function": {"name": "f"}}
    assert asked_with(ToolUse((tool,), "named", "f")) == {"tools": offered, "tool_choice": named}
    assert asked_with(ToolUse((tool,), "none")) == {"tools": offered, "tool_choice": "none"}
    assert asked_with(ToolUse()) == {}


def test_turns_with_calls_go_out_as_they_came() -> None:
    turns = (
        Message("assistant", "", (ToolCall("c", "f", "{}"),)),
        Message("tool", "seven", call_id="c"),
    )
    body = json.loads(request_body("m", Prompt(messages=turns), Sampling(), asks_usage=False))
    function = {"name": "f", "arguments": "{}"}
    call = {"id": "c", "type": "function", "function": function}
    assert body["messages"] == [
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "content": "seven", "tool_call_id": "c"},
    ]


TOKEN = {"token": "a", "logprob": -1.0, "bytes": [97]}


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (chat({"content": "a"}), Piece("a", 1)),
        (chat({"role": "assistant", "content": ""}), Piece()),
        (chat({"content": None}, finish_reason="length"), Piece(finish_reason="length")),
        (chat({}, finish_reason="stop"), Piece(finish_reason="stop")),
        (chat({}, finish_reason="tool_calls"), Piece(finish_reason="tool_calls")),
        (chat({}, finish_reason="function_call"), Piece(finish_reason="tool_calls")),
        (
            chat({"tool_calls": [{"index": 1, "id": "c", "function": {"name": "f"}}]}),
            Piece(tokens=1, calls=(ToolCallDelta(1, "c", "f"),)),
        ),
        (
            chat({"tool_calls": [{"index": 1, "function": {"arguments": "{"}}]}),
            Piece(tokens=1, calls=(ToolCallDelta(1, arguments="{"),)),
        ),
        (
            chat({"tool_calls": [{"function": {"name": "f", "arguments": {"a": 1}}}]}),
            Piece(tokens=1, calls=(ToolCallDelta(0, "", "f", '{"a": 1}'),)),
        ),
        (chat({}, finish_reason="content_filter"), Piece(finish_reason="content_filter")),
        (chat({"refusal": "I cannot."}), Piece("I cannot.", 1)),
        (chat({"reasoning_content": "hm"}), Piece("", 1)),
        (chat({"reasoning": "hm"}), Piece("", 1)),
        ({"choices": [{"text": "a", "finish_reason": None}]}, Piece("a", 1)),
        ({"choices": [], "prompt_filter_results": []}, Piece()),
        (
            {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 4}},
            Piece(usage=Usage(3, 4, 0)),
        ),
        (
            {"usage": {"prompt_tokens": 3, "prompt_tokens_details": {"cached_tokens": 2}}},
            Piece(usage=Usage(3, 0, 2)),
        ),
        ({"choices": [], "usage": {"prompt_tokens_details": None}}, Piece(usage=Usage(0, 0, 0))),
        (
            chat({"content": "ab"}, logprobs={"content": [{**TOKEN, "top_logprobs": [TOKEN]}] * 2}),
            Piece("ab", 2, (TokenLogprob("a", -1.0, (Alternative("a", -1.0),)),) * 2),
        ),
        (
            {
                "choices": [
                    {
                        "text": "ab",
                        "logprobs": {
                            "tokens": ["a", "b"],
                            "token_logprobs": [None, -1.0],
                            "top_logprobs": [None, {"c": -2.0, "b": -1.0}],
                        },
                    }
                ]
            },
            Piece(
                "ab",
                1,
                (TokenLogprob("b", -1.0, (Alternative("b", -1.0), Alternative("c", -2.0))),),
            ),
        ),
    ],
)
def test_a_chunk_is_read(payload: dict[str, Any], expected: Piece) -> None:
    assert read_piece(payload) == expected


@pytest.mark.parametrize(
    "payload",
    [
        None,
        7,
        "text",
        [],
        {},
        {"hello": "world"},
        {"choices": "none"},
        {"choices": [7]},
        chat({"content": 7}),
        {"choices": None, "usage": None},
        {"choices": [], "usage": {"prompt_tokens": "many"}},
    ],
    ids=repr,
)
def test_what_is_no_chunk_is_refused(payload: object) -> None:
    with pytest.raises(BackendFailed):
        read_piece(payload)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["choices", "delta", "content", "usage", "logprobs", "text", "tokens"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)


@given(payload=JSON)
def test_any_json_is_a_chunk_or_refused(payload: object) -> None:
    try:
        piece = read_piece(payload)
    except BackendFailed:
        return
    assert isinstance(piece, Piece)
