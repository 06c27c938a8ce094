"""Requests under keys in the database: one works, others read, and what is lost begins anew."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from deployments.contracts.erasure import ErasureScope, user_mark
from deployments.idempotency.store import Claim, IdempotencyStore
from tests.unit.deployments.control.conftest import postgresql_url, url  # noqa: F401

NOW_S = 1_800_000_000.0
LEASE_S = 6.0
FIRST = Claim("digest", "acme", "asked", "one")
SECOND = Claim("digest", "acme", "asked", "two")
START = '{"status": 200, "headers": []}'


@pytest.fixture
def store(url: str) -> Iterator[IdempotencyStore]:  # noqa: F811
    made = IdempotencyStore(url)
    made.upgrade()
    yield made
    made.close()


def add(
    store: IdempotencyStore, claim: Claim, place: int, *pieces: bytes, at_s: float = NOW_S
) -> bool:
    return store.append(claim, start=START, place=place, pieces=pieces, now_s=at_s, lease_s=LEASE_S)


def test_whoever_comes_second_reads(store: IdempotencyStore) -> None:
    assert store.claim(FIRST, now_s=NOW_S, lease_s=LEASE_S) is None
    found = store.claim(SECOND, now_s=NOW_S, lease_s=LEASE_S)
    assert found is not None
    assert (found.holder, found.start, found.pieces, found.is_done) == ("one", "", (), False)
    assert add(store, FIRST, 0, b"a", b"b")
    assert add(store, FIRST, 2, b"c")
    found = store.progress("digest", place=1, now_s=NOW_S)
    assert found is not None
    assert (found.start, found.pieces, found.is_alive) == (START, (b"b", b"c"), True)


def test_an_answer_is_given_until_its_time_is_over(store: IdempotencyStore) -> None:
    store.claim(FIRST, now_s=NOW_S, lease_s=LEASE_S)
    add(store, FIRST, 0, b"answer")
    store.finish(FIRST, expires_s=NOW_S + 60)
    found = store.claim(SECOND, now_s=NOW_S + 59, lease_s=LEASE_S)
    assert found is not None
    assert (found.is_done, found.pieces) == (True, (b"answer",))
    assert store.claim(SECOND, now_s=NOW_S + 60, lease_s=LEASE_S) is None
    found = store.progress("digest", place=0, now_s=NOW_S + 60)
    assert found is not None
    assert (found.holder, found.pieces) == ("two", ())


def test_a_key_is_free_again_where_nothing_is_kept(store: IdempotencyStore) -> None:
    store.claim(FIRST, now_s=NOW_S, lease_s=LEASE_S)
    add(store, FIRST, 0, b"a")
    store.finish(FIRST, expires_s=None)
    assert store.progress("digest", place=0, now_s=NOW_S) is None
    assert store.claim(SECOND, now_s=NOW_S, lease_s=LEASE_S) is None
    assert add(store, SECOND, 0, b"b")


def test_work_whose_replica_is_lost_begins_anew(store: IdempotencyStore) -> None:
    store.claim(FIRST, now_s=NOW_S, lease_s=LEASE_S)
    assert add(store, FIRST, 0, b"half", at_s=NOW_S + 5)
    found = store.progress("digest", place=0, now_s=NOW_S + 11.5)
    assert found is not None
    assert not found.is_alive
    assert store.claim(SECOND, now_s=NOW_S + 11.5, lease_s=LEASE_S) is None
    # The first one lives after all: it changes nothing any more.
    assert not add(store, FIRST, 1, b"late", at_s=NOW_S + 11.5)
    store.finish(FIRST, expires_s=None)
    store.finish(FIRST, expires_s=NOW_S + 99)
    found = store.progress("digest", place=0, now_s=NOW_S + 11.5)
    assert found is not None
    assert (found.holder, found.pieces, found.is_done) == ("two", (), False)


def test_what_is_old_or_of_a_tenant_is_forgotten(store: IdempotencyStore) -> None:
    for digest, tenant in (("a", "acme"), ("b", "acme"), ("c", "beta")):
        claim = Claim(digest, tenant, "asked", "one")
        store.claim(claim, now_s=NOW_S, lease_s=LEASE_S)
        add(store, claim, 0, b"text")
        store.finish(claim, expires_s=NOW_S + (10 if digest == "a" else 1000))
    assert store.forget(now_s=NOW_S + 10) == 1
    assert store.erase_tenant("acme") == 1
    assert store.progress("b", place=0, now_s=NOW_S + 10) is None
    left = store.progress("c", place=0, now_s=NOW_S + 10)
    assert left is not None
    assert left.pieces == (b"text",)


def test_what_is_of_a_conversation_or_a_user_is_erased(store: IdempotencyStore) -> None:
    labels = {
        "a": ("acme", "conv_1", user_mark("acme", "zoe")),
        "b": ("acme", "", user_mark("acme", "zoe")),
        "c": ("acme", "conv_2", ""),
        "d": ("beta", "conv_1", user_mark("beta", "zoe")),
    }
    for digest, (tenant, conversation, mark) in labels.items():
        claim = Claim(digest, tenant, "asked", "one")
        store.claim(claim, now_s=NOW_S, lease_s=LEASE_S)
        add(store, claim, 0, b"text")
        if digest != "c":
            store.finish(claim, expires_s=NOW_S + 10, conversation=conversation, user_mark=mark)
    assert store.erase(ErasureScope("acme", conversation="conv_1")) == 1
    assert store.erase(ErasureScope("acme", user="zoe")) == 1
    assert store.erase(ErasureScope("acme", user="zoe")) == 0
    assert [one for one in labels if store.progress(one, place=0, now_s=NOW_S)] == ["c", "d"]
    # A key whose answer is gone begins anew, and belongs to nobody until it has ended.
    again = Claim("d", "beta", "asked", "two")
    assert store.claim(again, now_s=NOW_S + 10, lease_s=LEASE_S) is None
    assert store.erase(ErasureScope("beta", conversation="conv_1")) == 0


def test_nothing_of_a_tenant_is_left_in_a_file_or_its_log(tmp_path: Path) -> None:
    store = IdempotencyStore(f"sqlite:///{tmp_path / 'control.db'}")
    store.upgrade()
    for tenant in ("acme", "beta"):
        claim = Claim(tenant, tenant, "asked", "one")
        store.claim(claim, now_s=NOW_S, lease_s=LEASE_S)
        add(store, claim, 0, f"the answer to {tenant}".encode())
    store.erase_tenant("acme")
    left = b"".join(part.read_bytes() for part in tmp_path.iterdir())
    assert (b"the answer to acme" in left, b"the answer to beta" in left) == (False, True)
    store.close()
