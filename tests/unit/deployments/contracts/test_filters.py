"""How large a filter may be, and what it may not ask for."""

from collections.abc import Callable
from typing import Any

import pytest

from deployments.contracts.errors import InvalidRequest
from deployments.contracts.filters import (
    MAX_CONDITIONS,
    MAX_DEPTH,
    MAX_VALUES,
    check_filter,
    check_whole_filter,
)


def nested(levels: int) -> dict[str, Any]:
    where: dict[str, Any] = {"k": 1}
    for _ in range(levels - 1):
        where = {"$and": [where, where]}
    return where


def wide(conditions: int) -> dict[str, Any]:
    return {"$or": [{"k": number} for number in range(conditions)]}


def listed(values: int) -> dict[str, Any]:
    half = values // 2
    return {"$and": [{"k": {"$in": [0] * half}}, {"m": {"$nin": [0] * (values - half)}}]}


@pytest.mark.parametrize(
    "where",
    [{}, {"k": 1}, nested(5), wide(MAX_CONDITIONS), listed(MAX_VALUES), {"$and": "text"}],
    ids=["empty", "one", "deep", "wide", "listed", "odd"],
)
def test_what_fits_passes(where: dict[str, Any]) -> None:
    check_filter(where)
    check_whole_filter({"$and": [where, {"$and": [{"k": 1}]}]})


@pytest.mark.parametrize(
    ("where", "says"),
    [
        (wide(MAX_CONDITIONS + 1), "conditions"),
        ({"$or": [{"$or": [{"k": 1}] * 65}] * 2}, "conditions"),
        ({"$and": [{"$and": []}] * (MAX_CONDITIONS + 1)}, "conditions"),
        ({str(number): number for number in range(MAX_CONDITIONS + 1)}, "conditions"),
        (listed(MAX_VALUES + 1), "values"),
        ({"k": [0] * (MAX_VALUES + 1)}, "values"),
    ],
)
def test_what_is_too_much_is_refused_by_name(where: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidRequest, match=says):
        check_filter(where)


@pytest.mark.parametrize("levels", [MAX_DEPTH + 1, 100_000])
def test_depth_costs_no_stack(levels: int) -> None:
    where: dict[str, Any] = {"k": 1}
    for _ in range(levels - 1):
        where = {"$and": [where]}
    with pytest.raises(InvalidRequest, match="levels"):
        check_filter(where)
    while "$and" in where:  # the interpreter would free it level by level, on the stack
        [where] = where["$and"]


def test_doubling_at_every_level_is_not_walked_through() -> None:
    with pytest.raises(InvalidRequest):
        check_filter(nested(60))


@pytest.mark.parametrize("check", [check_filter, check_whole_filter])
@pytest.mark.parametrize("key", ["tenant", "acl", "ragserve:tenant", "ragserve:anything"])
def test_no_filter_asks_whose_a_document_is(check: Callable[[object], None], key: str) -> None:
    for where in ({key: "acme"}, {"$and": [{"team": "red"}, {"$or": [{key: {"$ne": "x"}}]}]}):
        with pytest.raises(InvalidRequest, match="cannot ask for"):
            check(where)
    check({"tenants": "acme"})
