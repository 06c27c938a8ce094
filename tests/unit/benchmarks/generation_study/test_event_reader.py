"""What the reader finds in a stream does not depend on where the stream is cut."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.generation_study.event_reader import BrokenOff, EventReader, Usage


def _event(delta: dict[str, object]) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": None}
    return f"data: {json.dumps({'choices': [choice]}, separators=(',', ':'))}\n\n".encode()


_ROLE = _event({"role": "assistant", "content": ""})
_TEXT = _event({"content": 'a "usage":{ in the text, data: [DONE]\n\n'})
_COUNTS = b'data: {"choices":[],"usage":{"prompt_tokens":66,"completion_tokens":128}}\n\n'
_STREAM = _ROLE + _TEXT + _TEXT + _COUNTS + b"data: [DONE]\n\n"


@given(st.lists(st.integers(0, len(_STREAM)), max_size=30))
def test_cuts_change_nothing(cuts: list[int]) -> None:
    borders = sorted({0, len(_STREAM), *cuts})
    reader = EventReader()
    for start, end in zip(borders, borders[1:], strict=False):
        reader.feed(_STREAM[start:end], float(end))
    assert reader.events == 5
    assert reader.usage() == Usage(66, 128)
    text_began = len(_ROLE) + _TEXT.index(b'"content":"') + len(b'"content":"')
    assert reader.first_text_s == min(end for end in borders if end > text_began)


def test_role_alone_is_no_text() -> None:
    reader = EventReader()
    reader.feed(_ROLE, 1.0)
    assert reader.first_text_s is None


@pytest.mark.parametrize(
    "stream", [_ROLE + _TEXT, _STREAM.replace(_COUNTS, b""), _STREAM[: -len(b"data: [DONE]\n\n")]]
)
def test_stream_without_its_end_is_broken_off(stream: bytes) -> None:
    reader = EventReader()
    reader.feed(stream, 1.0)
    with pytest.raises(BrokenOff):
        reader.usage()


def test_error_inside_the_stream_is_what_is_said() -> None:
    reader = EventReader()
    reader.feed(_ROLE + b'data: {"error":{"message":"The engine was stopped."}}\n\n', 1.0)
    with pytest.raises(BrokenOff, match="The engine was stopped"):
        reader.usage()
