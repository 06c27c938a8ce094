"""Which answers are a line's result, and how they stand in the output."""

import json

import pytest

from app.batches.inner_request import InnerAnswer
from app.batches.outcome import outcome_of
from deployments.batches.contract import Line, LineKey, LineResult, PutOff, Submitter


def line(tries: int = 0) -> Line:
    key = LineKey("batch_1f", 3, 1)
    return Line(key, 'a "quoted" id', "/v1/query", "{}", Submitter(), tries)


@pytest.mark.parametrize(
    ("status", "tries", "put_off"),
    [
        (503, 0, True),
        (429, 40, True),
        (504, 0, True),
        (504, 2, False),
        (502, 1, True),
        (500, 0, False),
        (422, 0, False),
        (200, 9, False),
    ],
)
def test_only_what_passes_is_tried_again(status: int, tries: int, put_off: bool) -> None:
    outcome = outcome_of(line(tries), InnerAnswer(status, {}, b"{}"))
    assert isinstance(outcome, PutOff) is put_off


def test_waits_grow_and_have_a_bound() -> None:
    waits = []
    for tries in (0, 3, 50):
        put_off = outcome_of(line(tries), InnerAnswer(503), lambda low, high: high)
        assert isinstance(put_off, PutOff)
        waits.append(put_off.after_s)
    assert waits == [1.0, 8.0, 60.0]
    told = outcome_of(line(), InnerAnswer(503, {"retry-after": "7"}), lambda low, high: low)
    assert told == PutOff(line().key, 7.5)


def test_a_result_is_one_line_whatever_the_answer_holds() -> None:
    body = '{"answer": "one\\ntwo \u2028 three \x85"}'.encode()
    result = outcome_of(line(), InnerAnswer(200, {}, body))
    assert isinstance(result, LineResult)
    assert len(result.content.splitlines()) == 1
    read = json.loads(result.content)
    assert read["custom_id"] == 'a "quoted" id'
    assert read["response"]["body"]["answer"] == "one\ntwo \u2028 three \x85"
    assert (read["id"], read["error"], result.failed) == ("batch_req_1f_3", None, False)
    pretty = outcome_of(line(), InnerAnswer(404, {}, b'{\n "a": 1\n}'))
    assert isinstance(pretty, LineResult)
    assert pretty.failed
    assert "\n" not in pretty.content
