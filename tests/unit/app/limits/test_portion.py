"""What a portion keeps free, and when it gives that back."""

from dataclasses import replace

from app.limits.portion import IDLE_S, Portion
from deployments.budgets.contract import NOTHING, Amount, Place, PortionNews

PLACE = Place("key:k", "2026-11", 1e9, limit_tokens=1_000_000)
ASKED = Amount(70, 10)


def _portion(*, most: int = 10_000, granted: int = 100) -> Portion:
    """Returns a portion that has been told of once, with something free."""
    portion = Portion("p", "h", PLACE, "v1", 0.0)
    portion.note_request(ASKED, 0.0)
    state = portion.tell(0.0, offers=True)
    portion.hear(state, PortionNews("held", Amount(0, granted), Amount(0, most)), 0.0)
    return portion


def test_a_request_moves_what_is_free_into_use_and_back() -> None:
    portion = _portion()
    assert portion.covers(ASKED)
    portion.draw(ASKED)
    assert (portion.in_use, portion.free) == (ASKED, Amount(0, 90))
    portion.settle(ASKED, Amount(20, 3))
    assert (portion.in_use, portion.free, portion.spent) == (NOTHING, Amount(0, 97), Amount(20, 3))


def test_more_than_was_drawn_is_taken_from_what_is_free() -> None:
    portion = _portion(granted=15)
    portion.draw(ASKED)
    portion.settle(ASKED, Amount(0, 13))
    assert portion.free == Amount(0, 2)
    portion.settle(NOTHING, Amount(0, 50))
    assert (portion.free, portion.spent) == (NOTHING, Amount(0, 63))


def test_it_wants_room_for_as_many_as_are_under_way() -> None:
    portion = _portion(granted=0)
    assert portion.tell(0.1, offers=False).wants == Amount(0, 80)
    portion.take(Amount(0, 500))
    assert portion.tell(0.1, offers=False).wants == Amount(0, 500)


def test_near_the_end_of_a_budget_nothing_is_kept() -> None:
    portion = _portion(most=9, granted=0)
    portion.take(ASKED)
    portion.settle(ASKED, Amount(0, 1))
    assert portion.free == NOTHING
    assert portion.tell(0.1, offers=False).free == NOTHING


def test_what_is_free_shrinks_with_what_is_left() -> None:
    portion = _portion(granted=100)
    state = portion.tell(0.1, offers=False)
    assert state.free == Amount(0, 80)
    portion.hear(state, PortionNews("held", most=Amount(0, 30)), 0.1)
    state = portion.tell(0.2, offers=False)
    assert state.free == Amount(0, 30)
    portion.hear(state, PortionNews("held", most=Amount(0, 9)), 0.2)
    assert portion.tell(0.3, offers=False).free == NOTHING


def test_an_idle_portion_gives_back_what_is_free() -> None:
    portion = _portion()
    assert portion.is_due(1.0)
    state = portion.tell(1.0, offers=False)
    assert state.free != NOTHING
    portion.hear(state, PortionNews("held", most=Amount(0, 10_000)), 1.0)
    state = portion.tell(IDLE_S, offers=False)
    assert (state.free, state.wants, state.ends) == (NOTHING, NOTHING, False)
    portion.hear(state, PortionNews("held", most=Amount(0, 10_000)), IDLE_S)
    assert not portion.is_due(IDLE_S + 60)
    assert portion.is_due(700.0)
    assert portion.tell(700.0, offers=False).ends


def test_what_is_in_use_never_ends() -> None:
    portion = _portion()
    portion.draw(ASKED)
    state = portion.tell(3600.0, offers=False)
    assert (state.ends, state.in_use, state.free) == (False, ASKED, NOTHING)


def test_it_gives_back_when_it_is_called_and_keeps_nothing_for_a_while() -> None:
    portion = _portion()
    state = portion.tell(1.0, offers=False)
    assert portion.hear(state, PortionNews("held", most=Amount(0, 10_000), called=1), 1.0)
    state = portion.tell(1.0, offers=False)
    assert (state.free, state.wants) == (NOTHING, NOTHING)
    assert not portion.hear(state, PortionNews("held", most=Amount(0, 10_000), called=1), 1.0)
    portion.note_request(ASKED, 3.9)
    assert portion.tell(3.9, offers=False).wants == NOTHING
    assert portion.tell(4.1, offers=False).wants == Amount(0, 80)


def test_other_limits_take_back_what_is_free_also_what_is_granted_meanwhile() -> None:
    portion = _portion()
    state = portion.tell(0.1, offers=False)
    assert portion.move_to(replace(PLACE, limit_tokens=50))
    assert portion.free == NOTHING
    news = PortionNews("held", Amount(0, 500), Amount(0, 10_000))
    assert portion.hear(state, news, 0.1)
    assert portion.free == NOTHING
    assert not portion.move_to(replace(PLACE, limit_tokens=50))


def test_a_budget_that_warns_and_is_spent_covers_everything() -> None:
    portion = _portion()
    state = portion.tell(0.1, offers=False)
    assert portion.hear(state, PortionNews("held", is_over=True), 0.1)
    assert portion.covers(Amount(0, 10**9))
    portion.draw(Amount(0, 10**9))
    assert (portion.free, portion.in_use) == (NOTHING, Amount(0, 10**9))


def test_it_is_told_of_before_it_is_empty() -> None:
    portion = _portion(granted=40)
    portion.draw(ASKED)
    assert not portion.is_low()
    portion.draw(ASKED)
    portion.draw(ASKED)
    assert portion.is_low()
    assert not portion.is_low()
    portion.tell(0.1, offers=False)
    assert portion.is_low()


def test_what_was_heard_of_long_ago_may_not_begin_anew() -> None:
    portion = _portion()
    assert portion.tell(3600.0, offers=False).may_be_new
    assert not portion.tell(50_000.0, offers=False).may_be_new
