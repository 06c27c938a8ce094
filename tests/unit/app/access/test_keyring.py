"""What one replica knows of keys: asked for once, forgotten when they change, believed for a while
when nobody can be asked."""

import asyncio
from dataclasses import replace

import pytest

from app.access.keyring import Keyring
from deployments.access.records import Key, Tenant
from deployments.access.secrets import new_key
from deployments.access.store import Changes, KnownKey
from deployments.contracts.errors import Unavailable

SECRET = new_key()
KNOWN = KnownKey(Key("key_1", "acme", "page", frozenset({"query"})), Tenant("acme"))


class Source:
    """Where keys are kept, and how often it was asked."""

    def __init__(self) -> None:
        self.keys = {SECRET: KNOWN}
        self.asked = 0
        self.version = 1
        self.away = False
        self.changed = Changes(1)

    def upgrade(self) -> None:
        self._answer()

    def find(self, secret: str) -> KnownKey | None:
        self._answer()
        self.asked += 1
        return self.keys.get(secret)

    def known(self, key_id: str) -> KnownKey | None:
        self._answer()
        self.asked += 1
        return next((one for one in self.keys.values() if one.key.id == key_id), None)

    def changes(self, since: int) -> Changes:
        self._answer()
        return self.changed

    def change(self, known: KnownKey | None, *, tenant: bool = False) -> None:
        self.keys = {} if known is None else {SECRET: known}
        keys, tenants = frozenset({"key_1"}), frozenset({"acme"})
        version = self.changed.version + 1
        self.changed = Changes(
            version, frozenset() if tenant else keys, tenants if tenant else frozenset()
        )

    def _answer(self) -> None:
        if self.away:
            raise Unavailable("The control database does not answer.", "control", 1.0)


class Clock:
    now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def keyring(source: Source, clock: Clock) -> Keyring:
    return Keyring(source, lambda secret: secret[-8:], max_known=3, stale_s=300, now=clock)


async def test_a_key_is_asked_for_once(keyring: Keyring, source: Source) -> None:
    await keyring.look()
    found = await asyncio.gather(*(keyring.find(SECRET) for _ in range(20)))
    assert found == [KNOWN] * 20
    assert await keyring.find(SECRET) == KNOWN
    assert source.asked == 1


async def test_what_cannot_be_a_key_is_asked_for_never(keyring: Keyring, source: Source) -> None:
    for text in ("sk-123", SECRET[:-1] + ("0" if SECRET[-1] != "0" else "1"), ""):
        assert await keyring.find(text) is None
    assert source.asked == 0


async def test_an_unknown_key_is_asked_for_again_after_a_while(
    keyring: Keyring, source: Source, clock: Clock
) -> None:
    await keyring.look()
    stranger = new_key()
    for _ in range(5):
        assert await keyring.find(stranger) is None
    assert source.asked == 1
    clock.now_s += 11
    await keyring.look()
    assert await keyring.find(stranger) is None
    assert source.asked == 2


async def test_strangers_do_not_push_out_a_good_key(keyring: Keyring, source: Source) -> None:
    await keyring.look()
    await keyring.find(SECRET)
    for _ in range(10):
        await keyring.find(new_key())
    asked = source.asked
    assert await keyring.find(SECRET) == KNOWN
    assert source.asked == asked


@pytest.mark.parametrize("tenant", [False, True])
async def test_a_change_is_known_after_a_look(
    keyring: Keyring, source: Source, tenant: bool
) -> None:
    await keyring.look()
    await keyring.find(SECRET)
    revoked = replace(KNOWN, key=replace(KNOWN.key, revoked_s=1.0))
    source.change(revoked, tenant=tenant)
    assert await keyring.find(SECRET) == KNOWN
    await keyring.look()
    assert await keyring.find(SECRET) == revoked


async def test_a_key_that_was_made_just_now_is_known_at_once(
    keyring: Keyring, source: Source
) -> None:
    source.keys = {}
    await keyring.look()
    assert await keyring.find(SECRET) is None
    source.change(KNOWN)
    await keyring.look()
    assert await keyring.find(SECRET) == KNOWN


async def test_without_the_database_known_keys_go_on_for_a_while(
    keyring: Keyring, source: Source, clock: Clock
) -> None:
    await keyring.look()
    await keyring.find(SECRET)
    assert keyring.problem == ""
    source.away = True
    await keyring.look()
    assert keyring.problem
    clock.now_s += 299
    assert await keyring.find(SECRET) == KNOWN
    with pytest.raises(Unavailable):
        await keyring.find(new_key())
    clock.now_s += 2
    with pytest.raises(Unavailable):
        await keyring.find(SECRET)
    source.away = False
    await keyring.look()
    assert await keyring.find(SECRET) == KNOWN
    assert keyring.problem == ""


async def test_an_answer_that_was_on_its_way_while_it_changed_is_not_kept(
    keyring: Keyring, source: Source
) -> None:
    """A look between the reading of a key and its arrival must not be lost."""
    await keyring.look()
    revoked = replace(KNOWN, key=replace(KNOWN.key, revoked_s=1.0))
    begun, may_go_on = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    read = source.find

    def slowly(secret: str) -> KnownKey | None:
        found = read(secret)
        if source.asked == 1:
            loop.call_soon_threadsafe(begun.set)
            asyncio.run_coroutine_threadsafe(may_go_on.wait(), loop).result(5)
        return found

    source.find = slowly  # type: ignore[method-assign]
    asked = asyncio.create_task(keyring.find(SECRET))
    await begun.wait()
    source.change(revoked)
    await keyring.look()
    may_go_on.set()
    assert await asked == revoked
    assert await keyring.find(SECRET) == revoked


async def test_a_key_is_also_found_by_its_id(keyring: Keyring, source: Source) -> None:
    await keyring.look()
    assert await keyring.by_id("key_1") == await keyring.by_id("key_1") == KNOWN
    assert source.asked == 1
    assert await keyring.by_id("key_2") is None
    revoked = replace(KNOWN, key=replace(KNOWN.key, revoked_s=1.0))
    source.change(revoked)
    await keyring.look()
    assert await keyring.by_id("key_1") == revoked
