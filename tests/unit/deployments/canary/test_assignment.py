"""Who gets which release: sticky, in proportion, and no one moves without need."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deployments.canary.assignment import assign_release

KEYS = [f"user-{number}" for number in range(10_000)]
NAMES = st.text("abcdefgh-", min_size=1, max_size=6)
TRAFFIC = st.dictionaries(NAMES, st.floats(0, 1), min_size=1, max_size=5).filter(
    lambda traffic: sum(traffic.values()) > 0
)


def assigned(traffic: dict[str, float], *, salt: str = "") -> list[str]:
    return [assign_release(traffic, sticky_key=key, salt=salt) for key in KEYS]


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


def test_a_salt_deals_anew() -> None:
    traffic = {"a": 0.5, "b": 0.5}
    both = zip(assigned(traffic), assigned(traffic, salt="second"), strict=True)
    assert sum(one == other for one, other in both) / len(KEYS) == pytest.approx(0.5, abs=0.02)


@settings(deadline=None)
@given(TRAFFIC, st.text(max_size=20))
def test_a_key_keeps_its_release_whatever_the_order_of_the_mapping(
    traffic: dict[str, float], key: str
) -> None:
    name = assign_release(traffic, sticky_key=key)
    assert traffic[name] > 0
    assert assign_release(traffic, sticky_key=key) == name
    assert assign_release(dict(reversed(traffic.items())), sticky_key=key) == name


@settings(deadline=None)
@given(st.text(max_size=20), st.floats(0.01, 1), st.floats(0.01, 1))
def test_only_the_share_of_the_weights_counts(key: str, a: float, b: float) -> None:
    """Doubling every weight moves nobody."""
    once = assign_release({"a": a, "b": b}, sticky_key=key)
    assert assign_release({"a": 2 * a, "b": 2 * b}, sticky_key=key) == once
