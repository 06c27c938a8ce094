"""What goes with the next question: the last turns that fit, whole."""

from dataclasses import replace

import pytest

from app.conversations.history import history_of
from deployments.contracts.generation import Message
from deployments.contracts.tools import ToolCall
from deployments.conversations.records import KeptTurn


def turn(n: int, question: str, answer: str) -> KeptTurn:
    return KeptTurn(n, "completed", (Message("user", question),), Message("assistant", answer))


TURNS = [turn(1, "a" * 40, "A" * 40), turn(2, "b" * 40, "B" * 40), turn(3, "c" * 40, "C" * 40)]


@pytest.mark.parametrize(
    ("tokens", "shown"), [(0, ""), (19, ""), (20, "cC"), (39, "cC"), (40, "bBcC"), (99, "aAbBcC")]
)
def test_the_last_turns_that_fit(tokens: int, shown: str) -> None:
    found = history_of(TURNS, tokens)
    assert "".join(message.content[0] for message in found) == shown


def test_a_turn_without_an_answer_is_left_out() -> None:
    blocked = turn(2, "b" * 40, "")
    found = history_of([TURNS[0], blocked, TURNS[2]], 99)
    assert [message.content[0] for message in found] == ["a", "A", "c", "C"]


def test_what_came_of_a_call_goes_with_the_call_alone() -> None:
    calls = replace(TURNS[0], answer=Message("assistant", "", (ToolCall("x", "f", "{}" * 20),)))
    came = replace(TURNS[1], asked=(Message("tool", "b" * 40, call_id="x"),))
    roles = [one.role for one in history_of([calls, came, TURNS[2]], 99)]
    assert roles == ["user", "assistant", "tool", "assistant", "user", "assistant"]
    short = history_of([calls, came, TURNS[2]], 45)
    assert [one.content[0] for one in short] == ["c", "C"]


def test_bytes_count_and_not_characters() -> None:
    wide = turn(1, "é" * 40, "é" * 40)
    assert history_of([wide], 39) == ()
    assert len(history_of([wide], 40)) == 2
