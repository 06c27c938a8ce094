"""The table of statuses, and what is said of one."""

import json
from collections.abc import Iterator

import pytest
from grpc import StatusCode

from app import problems
from app.problems import retry_after_of
from app.rpc.statuses import (
    MAX_DETAILS_BYTES,
    STATUS_OF_CODE,
    details_of,
    status_of,
)
from deployments.contracts.errors import (
    BudgetExceeded,
    InvalidRequest,
    LimitReached,
    NotFound,
    Overloaded,
    RagError,
)


def _all_errors(kind: type[RagError] = RagError) -> Iterator[type[RagError]]:
    for narrower in kind.__subclasses__():
        yield narrower
        yield from _all_errors(narrower)


def test_every_code_of_a_problem_has_a_status_and_no_other_has() -> None:
    assert set(STATUS_OF_CODE) == set(problems.STATUS_OF_CODE)


@pytest.mark.parametrize("kind", list(_all_errors()), ids=lambda kind: kind.__name__)
def test_every_error_is_told_by_a_status_that_is_one(kind: type[RagError]) -> None:
    status = status_of(kind("It went wrong."))
    assert status not in (StatusCode.OK, StatusCode.UNKNOWN, StatusCode.CANCELLED)
    # What a repetition may mend over HTTP is told by a status that says so, and nothing else is.
    passing = problems.STATUS_OF_CODE[kind.code][0] in (429, 502, 503, 504)
    told = status in (
        StatusCode.RESOURCE_EXHAUSTED,
        StatusCode.UNAVAILABLE,
        StatusCode.DEADLINE_EXCEEDED,
    )
    assert told == passing or kind.code == "request_timeout"


def test_details_are_json_that_says_all_there_is() -> None:
    error = Overloaded("Come back later.", "embedder", 2.5)
    assert json.loads(details_of(error, request_id="abc")) == {
        "code": "overloaded",
        "status": 503,
        "detail": "Come back later.",
        "request_id": "abc",
        "retry_after_s": 2.5,
    }
    assert retry_after_of(error) == {"retry-after": "3"}


def test_details_name_the_fields() -> None:
    fields = ({"field": "top_k", "message": "too much", "type": "less_than"},)
    said = json.loads(details_of(InvalidRequest("No.", errors=fields), request_id="abc"))
    assert said["errors"] == list(fields)


@pytest.mark.parametrize(
    ("error", "helps"),
    [
        (LimitReached("Too often.", retry_after_s=3.0), True),
        (LimitReached("Too large for ever."), False),
        (BudgetExceeded("Spent.", retry_after_s=9000.0), False),
    ],
)
def test_details_say_whether_waiting_helps(error: RagError, helps: bool) -> None:
    assert json.loads(details_of(error, request_id="abc"))["should_retry"] is helps


@pytest.mark.parametrize("text", ["x" * 20_000, "\N{GRINNING FACE}" * 5_000, '"\\' * 9_000])
def test_details_are_whole_json_however_much_there_is_to_say(text: str) -> None:
    fields = tuple({"field": f"f{n}", "message": text[:300], "type": "t"} for n in range(20))
    said = details_of(NotFound(text, errors=fields), request_id="a" * 128)
    assert len(said.encode("ascii")) <= MAX_DETAILS_BYTES
    assert json.loads(said)["code"] == "not_found"
