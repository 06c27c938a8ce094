"""Requests are reproducible, and share no beginning."""

import json

from benchmarks.generation_study.workload import Load, body, prompt


def test_same_number_gives_the_same_prompt() -> None:
    assert prompt(3) == prompt(3)
    assert prompt(3) != prompt(3, seed=1)


def test_prompts_differ_from_their_first_words_on() -> None:
    beginnings = {tuple(prompt(number).split()[:8]) for number in range(500)}
    assert len(beginnings) == 500


def test_answer_has_a_fixed_length() -> None:
    request = json.loads(body("llama", "Hello", max_tokens=7))
    assert (request["model"], request["max_tokens"]) == ("llama", 7)
    assert request["ignore_eos"] is True
    assert request["stream_options"] == {"include_usage": True}
    assert request["messages"] == [{"role": "user", "content": "Hello"}]


def test_whole_answer_is_not_streamed() -> None:
    request = json.loads(body("llama", "Hello", max_tokens=7, stream=False))
    assert "stream" not in request
    assert "stream_options" not in request


def test_label_says_streams_and_tokens() -> None:
    assert Load(8, 128).label == "8 x 128"
