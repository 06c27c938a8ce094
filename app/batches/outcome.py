"""What becomes of a line by the answer to it: its result, or another try later."""

import json
import random
from collections.abc import Callable

from app.batches.inner_request import InnerAnswer
from app.problems import problem_body
from deployments.batches.contract import Line, LineResult, PutOff, line_id

_PASSES = frozenset({429, 503})
"""Too much at this moment, or not there at this moment: no answer to the line."""
_MAY_PASS = frozenset({502, 504})
_MOST_TRIES = 3
"""So often a line is tried that took too long, or broke a server behind the service."""
_LONGEST_S = 60.0
_UNSAFE = {"\u2028": "\\u2028", "\u2029": "\\u2029", "\x85": "\\u0085"}
"""Ends of lines for some who read text by lines; inside of JSON they stand in strings only."""


def outcome_of(
    line: Line, answer: InnerAnswer, draw: Callable[[float, float], float] = random.uniform
) -> LineResult | PutOff:
    """Returns what is told of a line."""
    after_s = wait_of(line, answer, draw)
    if after_s is not None:
        return PutOff(line.key, after_s)
    return _result(line, answer.status, answer.body)


def wait_of(
    line: Line, answer: InnerAnswer, draw: Callable[[float, float], float] = random.uniform
) -> float | None:
    """Returns after how many seconds a line is tried again; None where the answer is one."""
    passes = answer.status in _PASSES
    if not passes and not (answer.status in _MAY_PASS and line.tries + 1 < _MOST_TRIES):
        return None
    longest_s = min(2.0**line.tries, _LONGEST_S)
    told_s = answer.headers.get("retry-after", "")
    least_s = min(float(told_s), _LONGEST_S) if told_s.isdigit() else 0.0
    return least_s + draw(0.5, 1.0) * longest_s


def refusal_of_stream(line: Line) -> LineResult | None:
    """Returns the result of a line that asks for a stream, of which a batch has no use; None where
    it does not."""
    body = json.loads(line.body)
    if not body.get("stream"):
        return None
    says = "A line of a batch is answered as a whole: leave `stream` out."
    detail = {"field": "stream", "message": says, "type": "unsupported_field"}
    request_id = line_id(line.key.batch_id, line.key.place)
    problem = problem_body(
        "unsupported_field", says, request_id=request_id, instance=line.url, errors=(detail,)
    )
    return _result(line, 400, json.dumps(problem).encode())


def unplanned(line: Line) -> LineResult:
    """Returns the result of a line that broke what works on lines."""
    says = "The line failed in a way that nobody planned for."
    request_id = line_id(line.key.batch_id, line.key.place)
    problem = problem_body("internal", says, request_id=request_id, instance=line.url)
    return _result(line, 500, json.dumps(problem).encode())


def _result(line: Line, status: int, body: bytes) -> LineResult:
    """Returns the line of the output, in OpenAI's form. The body stands in it as it came."""
    request_id = line_id(line.key.batch_id, line.key.place)
    text = body.decode()
    if "\n" in text or not text:
        text = json.dumps(json.loads(text or "null"))
    for character, escape in _UNSAFE.items():
        text = text.replace(character, escape)
    content = (
        f'{{"id":"{request_id}","custom_id":{json.dumps(line.custom_id)},"response":'
        f'{{"status_code":{status},"request_id":"{request_id}","body":{text}}},"error":null}}'
    )
    return LineResult(line.key, content, failed=status >= 400)
