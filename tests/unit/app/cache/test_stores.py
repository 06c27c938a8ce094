"""What every store of answers does."""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from app.cache.stores.operations import COMPANION, FORGOTTEN_S, Forget, Get, Put, Store
from app.cache.stores.redis_store import RedisStore
from app.cache.stores.sqlite_store import SqliteStore
from app.storage.circuit import StoreAway
from tests.unit.app.cache.conftest import TENANT_BYTES, WallClock

PUT = Put("acme", "k1", b"text", ("doc:1", "user:zoe"), 60.0, 1_800_000_000.0)
GET = Get("acme", "k1")


def is_redis(store: Store) -> bool:
    return isinstance(store, RedisStore)


def test_an_answer_is_kept_for_its_tenant(store: Store) -> None:
    assert store.run([GET, PUT, GET]) == [None, 1, b"text"]
    assert store.run([Get("other", "k1"), Get("acme", "k2"), GET]) == [None, None, b"text"]


def test_another_replica_sees_it(open_store: Callable[[], Store]) -> None:
    open_store().run([PUT])
    assert open_store().run([GET]) == [b"text"]


def test_a_later_answer_takes_the_place_of_a_former_one(store: Store) -> None:
    store.run([PUT, replace(PUT, value=b"newer", tags=("doc:2",))])
    assert store.run([GET]) == [b"newer"]
    assert store.run([Forget("acme", "doc:1"), GET]) == [0, b"newer"]


def test_an_answer_is_gone_after_its_time(store: Store, clock: WallClock) -> None:
    if is_redis(store):
        pytest.skip("the server's own clock decides")
    store.run([PUT])
    clock.pass_s(59.0)
    assert store.run([GET]) == [b"text"]
    clock.pass_s(2.0)
    assert store.run([GET]) == [None]


def test_any_bytes_are_kept(store: Store) -> None:
    value = bytes(range(256)) * 4
    store.run([replace(PUT, value=value)])
    assert store.run([GET]) == [value]


def test_the_least_recently_used_go_first(store: Store, clock: WallClock) -> None:
    size = TENANT_BYTES // 4 - 400
    puts = [replace(PUT, key=f"k{place}", value=b"x" * size, ttl_s=9e3) for place in range(4)]
    for put in puts:
        store.run([put])
        clock.pass_s(40.0)
    store.run([Get("acme", "k0")])
    clock.pass_s(40.0)
    store.run([replace(puts[0], key="k4")])
    kept = [store.run([Get("acme", f"k{place}")])[0] is not None for place in range(5)]
    assert kept[0], "it was used after the others"
    assert kept[4], "it is the newest"
    assert not kept[1], "it was used longest ago"


def test_one_tenant_fills_its_share_alone(store: Store, clock: WallClock) -> None:
    store.run([replace(PUT, tenant="small")])
    for place in range(100):
        clock.pass_s(0.1)
        store.run([replace(PUT, key=f"k{place}", value=b"x" * 1_000, ttl_s=9e3)])
    kept = [store.run([Get("acme", f"k{place}")])[0] for place in range(100)]
    assert 0 < sum(value is not None for value in kept) * 1_000 <= TENANT_BYTES
    assert store.run([Get("small", "k1")]) == [b"text"]


def test_what_is_larger_than_a_share_is_not_kept(store: Store) -> None:
    store.run([PUT])
    assert store.run([replace(PUT, key="k2", value=b"x" * TENANT_BYTES)]) == [0]
    assert store.run([GET]) == [b"text"]


def test_a_tag_deletes_all_that_have_it(store: Store) -> None:
    store.run([PUT, replace(PUT, key="k2", tags=("doc:1",)), replace(PUT, key="k3", tags=())])
    store.run([replace(PUT, tenant="other")])
    assert store.run([Forget("acme", "doc:1")]) == [2]
    gets = [Get("acme", f"k{place}") for place in (1, 2, 3)]
    assert store.run([*gets, Get("other", "k1")]) == [None, None, b"text", b"text"]


@pytest.mark.parametrize("tag", ["", "doc:1"])
def test_what_belongs_to_an_answer_goes_with_it_and_counts_as_none(store: Store, tag: str) -> None:
    companion = replace(PUT, key=f"{COMPANION}k2", value=b"question")
    store.run([PUT, companion])
    found = Get("acme", companion.key)
    assert store.run([found, Forget("acme", tag), found, GET]) == [b"question", 1, None, None]


def test_a_tenant_goes_whole(store: Store, clock: WallClock) -> None:
    store.run([PUT, replace(PUT, key="k2", tags=()), replace(PUT, tenant="other")])
    assert store.run([Forget("acme")]) == [2]
    assert store.run([GET, Get("acme", "k2"), Get("other", "k1")]) == [None, None, b"text"]
    clock.pass_s(10.0)
    assert store.run([replace(PUT, begun_s=clock.now_s), GET]) == [1, b"text"]


def test_more_than_one_call_of_the_script_can_delete(store: Store) -> None:
    if not is_redis(store):
        pytest.skip("one statement deletes all")
    store._tenant_bytes = 10**9  # type: ignore[attr-defined]
    store.run([replace(PUT, key=f"k{place}") for place in range(1_100)])
    assert store.run([Forget("acme")]) == [1_100]


@pytest.mark.parametrize("forget", [Forget("acme", "doc:1"), Forget("acme")])
def test_work_that_began_before_is_not_kept(store: Store, clock: WallClock, forget: Forget) -> None:
    clock.pass_s(20.0)
    store.run([forget])
    assert store.run([PUT, GET]) == [0, None]
    clock.pass_s(20.0)
    assert store.run([replace(PUT, begun_s=clock.now_s), GET]) == [1, b"text"]


def test_what_was_forgotten_is_known_as_long_as_a_request_lasts(
    store: Store, clock: WallClock
) -> None:
    store.run([Forget("acme", "doc:1")])
    clock.pass_s(FORGOTTEN_S - 100)
    assert store.run([PUT]) == [0]


def test_a_single_answer_can_go(store: Store) -> None:
    store.run([PUT, replace(PUT, key="k2")])
    assert store.run([Forget("acme", key="k1"), GET, PUT]) == [1, None, 1]


def test_equal_tags_are_one(store: Store) -> None:
    store.run([replace(PUT, tags=("doc:1", "doc:1"))])
    assert store.run([Forget("acme", "doc:1")]) == [1]


def test_redis_forgets_by_itself(open_store: Callable[[], Store]) -> None:
    store = open_store()
    if not is_redis(store):
        pytest.skip("a clock of the test decides")
    store.run([replace(PUT, ttl_s=0.05)])
    time.sleep(0.1)
    assert store.run([GET]) == [None]


def test_a_full_file_takes_from_the_tenant_that_has_most(tmp_path: Path, clock: WallClock) -> None:
    store = SqliteStore(tmp_path / "c.db", max_bytes=8_000, tenant_bytes=8_000, now_s=clock)
    store.run([replace(PUT, tenant="small")])
    for place in range(10):
        clock.pass_s(1.0)
        store.run([replace(PUT, key=f"k{place}", value=b"x" * 1_000, ttl_s=9e3)])
    store.run([replace(PUT, tenant="third", value=b"x" * 1_000)])
    assert store.run([Get("small", "k1"), Get("acme", "k0")]) == [b"text", None]
    assert store.run([Get("third", "k1")]) != [None]
    store.close()


def test_a_damaged_file_is_put_aside(tmp_path: Path, clock: WallClock) -> None:
    path = tmp_path / "c.db"
    store = SqliteStore(path, max_bytes=10**6, tenant_bytes=10**6, now_s=clock)
    store.run([replace(PUT, value=b"x" * 50_000)])
    store.close()
    content = bytearray(path.read_bytes())
    content[4096:40_000] = b"\xff" * (40_000 - 4096)
    path.write_bytes(content)
    with pytest.raises(StoreAway):
        store.run([GET, PUT, Forget("acme")])
    assert store.run([GET, PUT, GET]) == [None, 1, b"text"]
    assert (tmp_path / "c.db.damaged").exists()
    store.close()


def test_a_file_that_is_none_of_ours_is_left_alone(tmp_path: Path, clock: WallClock) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("These are no answers. " * 500)
    store = SqliteStore(path, max_bytes=10**6, tenant_bytes=10**6, now_s=clock)
    with pytest.raises(StoreAway):
        store.run([PUT])
    assert path.read_text().startswith("These are no answers.")


def test_deleted_text_is_not_left_in_the_file(tmp_path: Path, clock: WallClock) -> None:
    path = tmp_path / "c.db"
    store = SqliteStore(path, max_bytes=10**6, tenant_bytes=10**6, now_s=clock)
    store.run([replace(PUT, value=b"the secret of acme " * 500)])
    store.run([Forget("acme")])
    for file in tmp_path.iterdir():
        assert b"secret of acme" not in file.read_bytes()
    store.close()
