"""Who gets which release: sticky, in proportion, and no one moves without need."""

import time
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployments.canary.assignment import assign_arm, assign_release
from deployments.canary.rollout import Shares

KEYS = [f"caller-{number}" for number in range(10_000)]
NAMES = st.text("abcdefgh-", min_size=1, max_size=6)
TRAFFIC = st.dictionaries(NAMES, st.floats(0, 1), min_size=1, max_size=5).filter(
    lambda traffic: sum(traffic.values()) > 0
)


def assigned(traffic: dict[str, float]) -> list[str]:
    return [assign_release(traffic, sticky_key=key) for key in KEYS]


def arms(canary: float, baseline: float, *, salt: str = "first") -> list[str | None]:
    shares = Shares(canary, baseline)
    return [assign_arm(shares, salt=salt, sticky_key=key) for key in KEYS]


@pytest.mark.parametrize(
    "traffic",
    [
        {"a": 1.0},
        {"a": 0.5, "b": 0.5},
        {"stable": 0.95, "canary": 0.05},
        {"a": 1.0, "b": 1.0, "c": 1.0},
        {"a": 0.1, "b": 0.2, "c": 0.1},
        {"a": 1e-9, "b": 1.0},
    ],
    ids=["one", "halves", "canary", "thirds", "sum-below-one", "next-to-nothing"],
)
def test_shares_follow_the_weights(traffic: dict[str, float]) -> None:
    counts = Counter(assigned(traffic))
    total = sum(traffic.values())
    for name, weight in traffic.items():
        assert counts[name] / len(KEYS) == pytest.approx(weight / total, abs=0.01)


def test_a_weight_of_zero_serves_nobody() -> None:
    assert set(assigned({"a": 0.0, "b": 0.7, "c": 0.0})) == {"b"}


def test_a_raised_weight_moves_callers_one_way_only() -> None:
    before = assigned({"stable": 0.9, "canary": 0.1})
    after = assigned({"stable": 0.7, "canary": 0.3})
    moves = Counter((old, new) for old, new in zip(before, after, strict=True) if old != new)
    assert set(moves) == {("stable", "canary")}
    assert moves["stable", "canary"] / len(KEYS) == pytest.approx(0.2, abs=0.01)


def test_a_raised_weight_moves_nobody_between_the_others() -> None:
    before = assigned({"a": 0.5, "b": 0.4, "c": 0.1})
    after = assigned({"a": 0.5, "b": 0.4, "c": 0.5})
    moves = {new for old, new in zip(before, after, strict=True) if old != new}
    assert moves == {"c"}


def test_arms_have_their_shares() -> None:
    counts = Counter(arms(0.1, 0.4))
    assert counts["canary"] / len(KEYS) == pytest.approx(0.1, abs=0.01)
    assert counts["baseline"] / len(KEYS) == pytest.approx(0.4, abs=0.01)


def test_who_has_the_canary_keeps_it_while_its_share_rises() -> None:
    steps = [arms(share, min(4 * share, 1 - share)) for share in (0.01, 0.05, 0.25, 0.5)]
    for former, later in zip(steps, steps[1:], strict=False):
        kept = [new for old, new in zip(former, later, strict=True) if old == "canary"]
        assert set(kept) == {"canary"}


def test_a_shadow_picks_whose_requests_are_repeated() -> None:
    shares = Shares(shadow=0.2, baseline=0.5)
    found = Counter(assign_arm(shares, salt="s", sticky_key=key) for key in KEYS)
    assert found["canary"] / len(KEYS) == pytest.approx(0.2, abs=0.01)


def test_nobody_has_an_arm_without_shares() -> None:
    assert set(arms(0.0, 0.0)) == {None}


def test_a_salt_deals_anew() -> None:
    both = zip(arms(0.5, 0.5), arms(0.5, 0.5, salt="second"), strict=True)
    assert sum(one == other for one, other in both) / len(KEYS) == pytest.approx(0.5, abs=0.02)


def test_an_assignment_takes_less_than_20_microseconds() -> None:
    traffic, shares = {"stable": 0.9, "canary": 0.1}, Shares(0.1, 0.4)

    def once_us() -> float:
        began_s = time.thread_time()
        for key in KEYS:
            assign_arm(shares, salt="s", sticky_key=key)
            assign_release(traffic, sticky_key=key)
        return (time.thread_time() - began_s) / len(KEYS) * 1e6

    assert min(once_us() for _ in range(5)) < 20


def test_a_key_may_be_broken_text() -> None:
    assert assign_release({"a": 0.5, "b": 0.5}, sticky_key="\ud800") in ("a", "b")


@given(TRAFFIC, st.text(max_size=20))
def test_a_key_keeps_its_release_whatever_the_order_of_the_mapping(
    traffic: dict[str, float], key: str
) -> None:
    name = assign_release(traffic, sticky_key=key)
    assert traffic[name] > 0
    assert assign_release(traffic, sticky_key=key) == name
    assert assign_release(dict(reversed(traffic.items())), sticky_key=key) == name


@given(st.text(max_size=20), st.floats(0.01, 1), st.floats(0.01, 1))
def test_only_the_share_of_the_weights_counts(key: str, a: float, b: float) -> None:
    """Doubling every weight moves nobody."""
    once = assign_release({"a": a, "b": b}, sticky_key=key)
    assert assign_release({"a": 2 * a, "b": 2 * b}, sticky_key=key) == once
