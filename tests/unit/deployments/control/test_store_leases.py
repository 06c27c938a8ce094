"""Leases on every kind of database: one holder at a time, each with a higher number."""

from concurrent.futures import ThreadPoolExecutor

from deployments.control.lease import Held
from deployments.control.store import ControlStore


def test_the_first_one_has_it_and_renews_it(store: ControlStore) -> None:
    assert store.beat("a", None) == Held("a", 1, 1)
    assert store.beat("a", None) == Held("a", 1, 2)


def test_nobody_takes_it_from_one_that_lives(store: ControlStore) -> None:
    seen = store.beat("a", None)
    assert store.beat("b", None) == seen
    renewed = store.beat("a", None)
    assert store.beat("b", seen) == renewed, "it was heard of since"


def test_of_many_that_heard_nothing_one_takes_it(store: ControlStore) -> None:
    seen = store.beat("gone", None)
    with ThreadPoolExecutor(8) as pool:
        held = list(pool.map(lambda n: store.beat(f"b{n}", seen), range(8)))
    (winner,) = {one.holder for one in held}
    assert winner != "gone"
    assert held[0].fence == 2
    assert store.beat("gone", None).holder == winner
