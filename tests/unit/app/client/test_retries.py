"""When a call is repeated, and how long it waits."""

import pytest

from app.client.api_errors import (
    ApiConnectionError,
    ApiError,
    ApiTimeoutError,
    Refusal,
    UnexpectedResponseError,
    status_error,
)
from app.client.replies import retry_after_s
from app.client.retries import Repeat, Retries, RetryBudget

UNSENT = ApiConnectionError("nobody", False)
LOST = ApiConnectionError("it broke off")


def refused(status: int, told_s: float | None = None) -> ApiError:
    return status_error(Refusal(status, "no", retry_after_s=told_s))


@pytest.mark.parametrize(
    ("error", "repeat", "repeated"),
    [
        *((refused(status), "always", True) for status in (429, 502, 503, 504)),
        *((refused(status), "always", False) for status in (400, 401, 404, 409, 422, 500)),
        *((refused(status), "unsent", False) for status in (429, 503)),
        (refused(503, 30.0), "always", True),
        (refused(503, 31.0), "always", False),
        *((error, "always", True) for error in (UNSENT, LOST, ApiTimeoutError("late"))),
        (UNSENT, "unsent", True),
        (LOST, "unsent", False),
        (UnexpectedResponseError("no"), "always", False),
        (ValueError("no"), "always", False),
    ],
    ids=str,
)
def test_only_what_may_pass_and_is_safe_is_repeated(
    error: BaseException, repeat: Repeat, repeated: bool
) -> None:
    assert Retries().allows(error, repeat) is repeated


def test_the_longest_wait_doubles_up_to_a_bound() -> None:
    retries = Retries(first_wait_s=0.5, max_wait_s=3.0)
    longest = [retries.wait_s(LOST, attempt, lambda most_s: most_s) for attempt in range(1, 6)]
    assert longest == [0.5, 1.0, 2.0, 3.0, 3.0]
    assert retries.wait_s(LOST, 3, lambda _: 0.0) == 0.0


def test_nobody_comes_back_before_the_time_that_was_told() -> None:
    retries = Retries(first_wait_s=4.0)
    assert retries.wait_s(refused(503, 2.0), 1, lambda _: 0.0) == 2.0
    assert retries.wait_s(refused(503, 2.0), 1, lambda most_s: most_s) == 4.0
    assert retries.wait_s(refused(503, 9.0), 1, lambda most_s: most_s) == 13.0
    assert retries.wait_s(refused(503, 0.0), 1, lambda most_s: most_s) == 0.0


def test_calls_that_fail_use_up_what_the_others_may_repeat() -> None:
    retries = Retries(budget=RetryBudget(4.0))
    assert [retries.allows(LOST, "always") for _ in range(4)] == [True, False, False, False]
    for _ in range(21):
        retries.budget.succeeded()
    assert not retries.allows(LOST, "always")
    for _ in range(21):
        retries.budget.succeeded()
    assert retries.allows(LOST, "always")


def test_what_is_no_failure_of_the_service_costs_nothing() -> None:
    retries = Retries(budget=RetryBudget(2.0))
    for _ in range(9):
        assert not retries.allows(refused(422), "always")
    assert retries.budget.allows_repetition


@pytest.mark.parametrize(
    ("told", "expected_s"),
    [
        ("0", 0.0),
        ("7", 7.0),
        ("", None),
        ("-1", None),
        ("soon", None),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0),
    ],
)
def test_retry_after_is_seconds_or_a_date(told: str, expected_s: float | None) -> None:
    assert retry_after_s(told) == expected_s


def test_a_date_to_come_is_a_time_from_now() -> None:
    found = retry_after_s("Wed, 21 Oct 2099 07:28:00 GMT")
    assert found is not None
    assert found > 1e9
