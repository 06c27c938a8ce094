"""The contract of the store of conversations, on every database that can be had here."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from deployments.contracts.erasure import ErasureScope
from deployments.contracts.errors import Conflict, NotFound, RagError
from deployments.contracts.generation import Message
from deployments.contracts.tools import ToolCall
from deployments.conversations.records import KeptCitation, KeptConversation, KeptTurn, Owner
from deployments.conversations.store import ConversationStore
from tests.unit.deployments.control.conftest import postgresql_url, url  # noqa: F401

NOW_S = 1_800_000_000.0
LEASE_S = 20.0
ALWAYS_S = float("-inf")
ZOE = Owner("acme", "key_1", "zoe")
KEPT = KeptConversation("c1", ZOE, "Leave", {"ticket": "7"}, NOW_S, NOW_S)
TURN = KeptTurn(
    1,
    "completed",
    (Message("user", "How much leave?\x00\ud800"),),
    Message("assistant", "Thirty days. [1]", (ToolCall("call_1", "book", '{"days": 30}'),)),
    (KeptCitation(0, 12, "doc_1", "doc_1-00000"),),
    "stable",
    "tiny",
    "stop",
    {"prompt_tokens": 9, "completion_tokens": 4, "cached_tokens": 1},
    "request",
    NOW_S + 1,
    NOW_S + 2,
)


@pytest.fixture
def store(url: str) -> Iterator[ConversationStore]:  # noqa: F811
    made = ConversationStore(url)
    made.upgrade()
    yield made
    made.close()


def begin(
    store: ConversationStore,
    holder: str = "one",
    *,
    owner: Owner = ZOE,
    id: str = "c1",
    now_s: float = NOW_S,
    after: int | None = None,
) -> tuple[int, list[KeptTurn]]:
    return store.begin(
        owner, id, holder, oldest_s=ALWAYS_S, now_s=now_s, lease_s=LEASE_S, after=after, limit=9
    )


def turns(store: ConversationStore, owner: Owner = ZOE, after: int = 0) -> list[KeptTurn]:
    return store.turns(owner, "c1", oldest_s=ALWAYS_S, after=after, limit=99)


def add(store: ConversationStore, *, status: str = "completed", id: str = "c1") -> int:
    n, _ = begin(store, id=id)
    kept = replace(TURN, n=n, status=status, ended_s=NOW_S + n)  # type: ignore[arg-type]
    assert store.keep(id, "one", kept)
    return n


def test_a_turn_comes_back_as_it_was_kept(store: ConversationStore) -> None:
    store.create(KEPT)
    assert store.find(ZOE, "c1", oldest_s=ALWAYS_S) == KEPT
    assert begin(store) == (1, [])
    assert store.keep("c1", "one", TURN)
    assert turns(store) == [TURN]
    found = store.find(ZOE, "c1", oldest_s=ALWAYS_S)
    assert (found.turns, found.last_turn_s) == (1, NOW_S + 2)
    assert begin(store) == (2, [TURN])


@pytest.mark.parametrize(
    "other",
    [replace(ZOE, tenant="beta"), replace(ZOE, key_id="key_2"), replace(ZOE, user="")],
    ids=["tenant", "key", "user"],
)
def test_nobody_else_finds_it(store: ConversationStore, other: Owner) -> None:
    store.create(KEPT)
    add(store)
    for ask in (
        lambda: store.find(other, "c1", oldest_s=ALWAYS_S),
        lambda: turns(store, other),
        lambda: begin(store, owner=other),
        lambda: store.completed(other, "c1", oldest_s=ALWAYS_S, limit=9),
        lambda: store.page(other, oldest_s=ALWAYS_S, after="c1", limit=9),
    ):
        with pytest.raises(NotFound):
            ask()
    assert store.page(other, oldest_s=ALWAYS_S, limit=9) == []
    assert len(turns(store)) == 1


def test_one_turn_at_a_time(store: ConversationStore) -> None:
    store.create(KEPT)
    begin(store)
    with pytest.raises(Conflict) as refused:
        begin(store, "two")
    assert refused.value.retry_after_s
    store.release("c1", "two")  # it is not theirs
    with pytest.raises(Conflict):
        begin(store, "two")
    store.release("c1", "one")
    assert begin(store, "two") == (1, [])


def test_of_many_at_once_one_gets_the_turn(store: ConversationStore) -> None:
    store.create(KEPT)
    outcomes: list[str] = []
    ready = threading.Barrier(8)

    def ask(place: int) -> None:
        ready.wait()
        try:
            n, _ = begin(store, f"holder-{place}")
            outcomes.append(f"turn {n}")
        except RagError as error:
            outcomes.append(error.code)

    threads = [threading.Thread(target=ask, args=(place,)) for place in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["conflict"] * 7 + ["turn 1"]


def test_whoever_is_lost_is_followed(store: ConversationStore) -> None:
    store.create(KEPT)
    begin(store)
    store.renew(["one", "else"], until_s=NOW_S + 30)
    with pytest.raises(Conflict):
        begin(store, "two", now_s=NOW_S + 29)
    assert begin(store, "two", now_s=NOW_S + 30) == (1, [])
    # The first one lives after all: it writes nothing any more.
    assert not store.keep("c1", "one", TURN)
    assert store.keep("c1", "two", TURN)


def test_what_broke_off_is_kept_and_not_told_again(store: ConversationStore) -> None:
    store.create(KEPT)
    add(store)
    add(store, status="incomplete")
    add(store)
    assert [turn.status for turn in turns(store)] == ["completed", "incomplete", "completed"]
    assert [turn.n for turn in turns(store, after=1)] == [2, 3]
    number, before = begin(store)
    assert (number, [turn.n for turn in before]) == (4, [1, 3])


def test_one_goes_on_from_the_last_completed_turn_alone(store: ConversationStore) -> None:
    store.create(KEPT)
    for status in ("completed", "completed", "incomplete"):
        add(store, status=status)
    with pytest.raises(Conflict, match="followed"):
        begin(store, after=1)
    for after in (3, 4):
        with pytest.raises(NotFound):
            begin(store, after=after)
    # None of those who were refused has taken it.
    assert begin(store, after=2)[0] == 4
    last = store.completed(ZOE, "c1", oldest_s=ALWAYS_S, after=2, limit=1)
    assert [turn.n for turn in last] == [2]


def test_pages_follow_the_latest_turn(store: ConversationStore) -> None:
    for place in range(5):
        at_s = NOW_S + place // 2
        store.create(replace(KEPT, id=f"c{place}", created_s=at_s, last_turn_s=at_s))
    store.create(replace(KEPT, id="other", owner=replace(ZOE, user="max")))
    first = store.page(ZOE, oldest_s=ALWAYS_S, limit=3)
    second = store.page(ZOE, oldest_s=ALWAYS_S, after=first[-1].id, limit=3)
    assert [one.id for one in (*first, *second)] == ["c4", "c2", "c3", "c0", "c1"]


def test_old_ones_are_as_good_as_gone_and_go(store: ConversationStore) -> None:
    store.create(KEPT)
    add(store)
    store.create(replace(KEPT, id="c2", last_turn_s=NOW_S + 50))
    old_s = NOW_S + 1
    for ask in (
        lambda: store.find(ZOE, "c1", oldest_s=old_s),
        lambda: store.begin(ZOE, "c1", "x", oldest_s=old_s, now_s=NOW_S, lease_s=LEASE_S, limit=9),
    ):
        with pytest.raises(NotFound):
            ask()
    assert [one.id for one in store.page(ZOE, oldest_s=old_s, limit=9)] == ["c2"]
    begin(store)
    assert store.forget(before_s=old_s, now_s=NOW_S) == 0  # its next turn is under way
    assert store.forget(before_s=old_s, now_s=NOW_S + LEASE_S) == 1
    assert store.find(ZOE, "c2", oldest_s=ALWAYS_S).id == "c2"
    with pytest.raises(NotFound):
        turns(store)


def test_those_of_one_tenant_may_go_alone(store: ConversationStore) -> None:
    store.create(KEPT)
    store.create(replace(KEPT, id="c2", owner=Owner("other", "key_2")))
    now_s = NOW_S + LEASE_S
    assert store.forget(before_s=NOW_S, now_s=now_s, tenant="third") == 0
    assert store.forget(before_s=NOW_S, now_s=now_s, tenant="acme") == 1
    assert store.forget(before_s=NOW_S, now_s=now_s) == 1


def test_a_deleted_conversation_takes_no_turn(store: ConversationStore) -> None:
    store.create(KEPT)
    add(store)
    begin(store)
    assert store.erase(ErasureScope("acme", "c1")) == {"conversations": 1, "turns": 1}
    assert not store.keep("c1", "one", replace(TURN, n=2))
    with pytest.raises(NotFound):
        store.find(ZOE, "c1", oldest_s=ALWAYS_S)


def test_a_new_one_whose_turn_is_not_kept_goes(store: ConversationStore) -> None:
    store.create(KEPT, holder="one", until_s=NOW_S + LEASE_S)
    with pytest.raises(Conflict):
        begin(store, "two")
    store.discard("c1", "two")
    assert store.find(ZOE, "c1", oldest_s=ALWAYS_S).id == "c1"
    store.discard("c1", "one")
    with pytest.raises(NotFound):
        store.find(ZOE, "c1", oldest_s=ALWAYS_S)


def test_all_of_a_user_or_a_tenant_goes(store: ConversationStore) -> None:
    owners = {
        "c1": ZOE,
        "c2": replace(ZOE, key_id="key_2"),
        "c3": replace(ZOE, user="max"),
        "c4": replace(ZOE, tenant="beta"),
    }
    for id, owner in owners.items():
        store.create(replace(KEPT, id=id, owner=owner))
    add(store)
    before = ErasureScope("acme", user="zoe", before_s=NOW_S - 1)
    assert store.erase(before) == {"conversations": 0, "turns": 0}
    assert store.erase(replace(before, before_s=NOW_S)) == {"conversations": 2, "turns": 1}
    alone = ErasureScope("acme", conversation="c4")
    assert store.erase(alone) == {"conversations": 0, "turns": 0}
    assert store.erase_tenant("acme") == {"conversations": 1, "turns": 0}
    assert store.find(owners["c4"], "c4", oldest_s=ALWAYS_S).id == "c4"


def test_nothing_of_what_was_erased_is_left_in_a_file_or_its_log(tmp_path: Path) -> None:
    file = tmp_path / "control.db"
    store = ConversationStore(f"sqlite:///{file}")
    store.upgrade()
    for id in ("c1", "c2"):
        store.create(replace(KEPT, id=id, title=f"the title of {id}"))
    store.erase(ErasureScope("acme", conversation="c1"))
    left = b"".join(part.read_bytes() for part in tmp_path.iterdir())
    assert (b"the title of c1" in left, b"the title of c2" in left) == (False, True)
    store.close()
