"""How tenants share the places of a replica."""

from contextlib import ExitStack

import pytest

from app.edge.limit import AdmissionLimit
from deployments.contracts.errors import Overloaded


def _limit(places: int = 20) -> AdmissionLimit:
    return AdmissionLimit(max_requests=places, target_wait_s=1.0)


def test_who_is_alone_may_have_all_places() -> None:
    limit = _limit()
    with ExitStack() as stack:
        for _ in range(20):
            stack.enter_context(limit.running("busy"))
        assert limit.is_reached


def test_who_has_most_of_them_leaves_the_rest_to_others() -> None:
    limit = _limit()
    with ExitStack() as stack:
        stack.enter_context(limit.running("quiet"))
        for _ in range(15):
            stack.enter_context(limit.running("busy"))
        with pytest.raises(Overloaded):
            stack.enter_context(limit.running("busy"))
        for _ in range(4):
            stack.enter_context(limit.running("quiet"))
        assert limit.is_reached


def test_everybody_has_two_places_however_many_there_are() -> None:
    limit = _limit()
    with ExitStack() as stack:
        for number in range(16):
            stack.enter_context(limit.running(f"t{number}"))
        stack.enter_context(limit.running("t0"))
        with pytest.raises(Overloaded):
            stack.enter_context(limit.running("t0"))


def test_places_that_were_given_back_count_no_more() -> None:
    limit = _limit()
    with limit.running("quiet"), ExitStack() as stack:
        for _ in range(15):
            stack.enter_context(limit.running("busy"))
    assert limit.open_requests == 0
    with ExitStack() as stack:
        for _ in range(20):
            stack.enter_context(limit.running("busy"))


def test_what_a_request_weighs_counts_towards_its_tenants_share() -> None:
    limit = _limit()
    with ExitStack() as stack:
        stack.enter_context(limit.running("quiet"))
        for _ in range(4):
            stack.enter_context(limit.running("busy"))
        permit = stack.enter_context(limit.running("busy"))
        with pytest.raises(Overloaded):
            permit.weigh(13)
        permit.weigh(6)
        assert limit.open_requests == 11


def test_what_is_large_comes_in_where_its_tenant_runs_nothing_else() -> None:
    limit = _limit()
    with limit.running("quiet"), limit.running("busy") as permit:
        permit.weigh(19)
        assert limit.is_reached
