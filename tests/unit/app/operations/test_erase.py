"""Erasing a tenant from several places, of which some may be away."""

import time
from dataclasses import replace
from typing import Any

import pytest

from app.operations.erase import erase_tenant
from app.releases.route import RetrievalStages
from app.request.scope import RequestScope
from deployments.contracts.calls import CallContext
from deployments.contracts.erasure import ErasedPlace
from deployments.contracts.errors import InvalidRequest, Unavailable
from deployments.contracts.tenants import Erased
from tests.doubles import DoubleDirectory

SCOPE = RequestScope("erase", float("inf"))


class Place:
    """Has so many rows, and gives up a few of them at each step."""

    def __init__(self, rows: int, failure: Exception | None = None) -> None:
        self.rows = rows
        self.failure = failure
        self.calls: list[CallContext] = []

    async def erase_tenant(self, tenant: str, *, call: CallContext) -> Erased:
        assert tenant == "acme"
        self.calls.append(call)
        taken = min(self.rows, 2)
        self.rows -= taken
        if self.failure is not None and len(self.calls) > 1:
            raise self.failure
        return Erased({"documents": taken} if taken else {}, is_done=not taken)


def index(place: Place) -> RetrievalStages:
    stages = DoubleDirectory().retrieval("any")
    return replace(stages, retriever=place)  # type: ignore[arg-type]


async def erased(batches: Any = None, scope: RequestScope = SCOPE, **places: Place) -> Any:
    indexes = {name: index(place) for name, place in places.items()}
    return await erase_tenant("acme", indexes, batches, scope)


async def test_each_place_is_asked_until_nothing_is_left() -> None:
    one, keeper = Place(5), Place(0)
    assert await erased(keeper, one=one) == [
        ErasedPlace("one", {"documents": 5}),
        ErasedPlace("batches"),
    ]
    assert len(one.calls) == 4
    assert all(call.access.all_tenants for call in (*one.calls, *keeper.calls))


async def test_a_place_that_is_away_keeps_no_other() -> None:
    away, there = Place(9, Unavailable("Away.", "retriever")), Place(1)
    assert await erased(away=away, there=there) == [
        ErasedPlace("away", {"documents": 2}, is_done=False, reason="unavailable"),
        ErasedPlace("there", {"documents": 1}),
    ]


async def test_what_there_was_no_time_for_is_told() -> None:
    late = replace(SCOPE, deadline_s=time.monotonic() - 1)
    assert await erased(scope=late, one=Place(9)) == [
        ErasedPlace("one", {"documents": 2}, is_done=False, reason="deadline_exceeded")
    ]


async def test_what_is_asked_wrongly_is_no_receipt() -> None:
    with pytest.raises(InvalidRequest):
        await erased(one=Place(9, InvalidRequest("No.")))
