"""Tenants and keys in the database: what is found, what a change does, what is never there."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from deployments.access.audit import AuditQuery
from deployments.access.records import Budgets, Key, Limits, Retention, Tenant
from deployments.access.store import AccessStore, Author
from deployments.access.subset import require_subset
from deployments.activity import Usage, UsageKey
from deployments.contracts.errors import Conflict, InvalidRequest, NotFound
from deployments.ledger.store import Ledger
from tests.activity_reports import make_report
from tests.unit.deployments.access.conftest import PEPPER, Clock, OpenStore

BY = Author("operator", "request-1")
KEY = Key(
    id="",
    tenant="acme",
    name="search page",
    scopes=frozenset({"query"}),
    groups=frozenset({"legal"}),
    releases=frozenset({"one"}),
    limits=Limits(600, 60_000, 8),
    budgets=Budgets(day_picousd=5 * 10**12, mode="warn"),
)


@pytest.fixture
def acme(store: AccessStore) -> Tenant:
    return store.create_tenant(Tenant("acme", "Acme", Limits(tokens_per_min=9)), by=BY)


@pytest.mark.usefixtures("acme")
def test_a_key_is_found_by_its_secret_with_all_that_it_is(store: AccessStore) -> None:
    made, secret = store.create_key(KEY, by=BY)
    found = store.find(secret)
    assert found is not None
    assert found.key == made
    assert made == replace(KEY, id=made.id, created_s=made.created_s, created_by="operator")
    assert found.tenant.limits == Limits(tokens_per_min=9)
    assert store.find(secret[:-1] + ("1" if secret.endswith("0") else "0")) is None


@pytest.mark.usefixtures("acme")
def test_a_rotated_key_has_two_secrets_for_a_while(store: AccessStore, clock: Clock) -> None:
    made, first = store.create_key(KEY, by=BY)
    _, second = store.rotate_key(made.id, keeps_s=60, by=BY)
    old, new = store.find(first), store.find(second)
    assert old is not None
    assert new is not None
    assert old.key.id == new.key.id == made.id
    assert (old.secret_ends_s, new.secret_ends_s) == (clock.now_s + 60, None)
    store.rotate_key(made.id, keeps_s=600, by=BY)
    oldest = store.find(first)
    assert oldest is not None
    assert oldest.secret_ends_s == clock.now_s + 60, "another rotation makes it live no longer"


@pytest.mark.usefixtures("acme")
def test_a_key_that_ended_is_not_rotated(store: AccessStore, clock: Clock) -> None:
    revoked, _ = store.create_key(KEY, by=BY)
    store.revoke_key(revoked.id, by=BY)
    expired, _ = store.create_key(replace(KEY, expires_s=clock.now_s - 1), by=BY)
    for key in (revoked, expired):
        with pytest.raises(Conflict):
            store.rotate_key(key.id, keeps_s=60, by=BY)


@pytest.mark.usefixtures("acme")
def test_every_change_is_seen_by_those_who_look(store: AccessStore, open_store: OpenStore) -> None:
    other = open_store()
    version = other.changes(0).version
    made, _ = store.create_key(KEY, by=BY)
    for change in (
        lambda: store.change_key(replace(made, name="new"), by=BY),
        lambda: store.rotate_key(made.id, keeps_s=1, by=BY),
        lambda: store.revoke_key(made.id, by=BY),
    ):
        before = other.changes(version).version
        change()
        seen = other.changes(before)
        assert seen.keys == {made.id}
        assert not seen.tenants
        assert not other.changes(seen.version).keys
    before = other.changes(version).version
    store.delete_tenant("acme", by=BY)
    assert other.changes(before).tenants == {"acme"}


def test_changes_at_once_have_versions_of_their_own(open_store: OpenStore) -> None:
    stores = [open_store() for _ in range(4)]
    stores[0].upgrade()

    def make(number: int) -> None:
        stores[number % 4].create_key(replace(KEY, tenant="default"), by=BY)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(make, range(24)))
    assert len(stores[0].keys(None, limit=100)) == 24
    entries = stores[0].audit(AuditQuery(None))
    assert [entry.number for entry in entries] == list(range(1, 25))
    assert stores[0].verify_audit().broken_at is None
    version = 1
    seen: set[str] = set()
    while True:
        changes = stores[0].changes(version)
        if changes.version == version:
            break
        seen |= changes.keys
        version = changes.version
    assert version == 25
    assert len(seen) == 24


def test_a_tenants_id_is_never_given_twice(store: AccessStore, acme: Tenant) -> None:
    with pytest.raises(Conflict):
        store.create_tenant(acme, by=BY)
    store.delete_tenant(acme.id, by=BY)
    with pytest.raises(Conflict):
        store.create_tenant(acme, by=BY)
    with pytest.raises(NotFound):
        store.create_key(KEY, by=BY)
    assert [tenant.id for tenant in store.tenants()] == ["default"]


def test_the_tenant_of_everybody_stays(store: AccessStore) -> None:
    with pytest.raises(Conflict):
        store.delete_tenant("default", by=BY)


@pytest.mark.usefixtures("acme")
def test_keys_are_listed_with_the_day_of_their_last_use(store: AccessStore, url: str) -> None:
    used, _ = store.create_key(KEY, by=BY)
    unused, _ = store.create_key(replace(KEY, tenant="default"), by=BY)
    ledger = Ledger(url)
    for number, day in enumerate(("2026-11-02", "2026-11-09"), start=1):
        key = UsageKey(day, used.id, "one", "tiny", "v1", "acme")
        ledger.take(make_report(number, usage={key: Usage(requests=1)}), now_s=0.0)
    ledger.close()
    days = {key.id: key.last_used_day for key in store.keys(None)}
    assert days == {used.id: "2026-11-09", unused.id: ""}
    assert [key.id for key in store.keys("acme")] == [used.id]


@pytest.mark.usefixtures("acme")
def test_no_secret_and_no_pepper_is_in_the_database(store: AccessStore, url: str) -> None:
    if not url.startswith("sqlite"):
        pytest.skip("only a file can be read as a whole")
    _, secret = store.create_key(KEY, by=BY)
    store.close()
    path = url.removeprefix("sqlite:///")
    content = b""
    for end in ("", "-wal"):
        try:
            with open(path + end, "rb") as file:
                content += file.read()
        except FileNotFoundError:
            continue
    assert b"search page" in content
    assert secret[len("rs_live_") :].encode() not in content
    assert PEPPER.encode() not in content


MAKER = replace(KEY, id="key_maker", scopes=frozenset({"query", "admin"}), expires_s=100.0)
CHILD = replace(KEY, expires_s=50.0)


def test_a_key_may_make_one_like_itself() -> None:
    require_subset(CHILD, MAKER)


@pytest.mark.parametrize(
    ("field", "child"),
    [
        ("tenant", replace(CHILD, tenant="other")),
        ("scopes", replace(CHILD, scopes=frozenset({"query", "ingest"}))),
        ("scopes", replace(CHILD, scopes=frozenset({"operator"}))),
        ("groups", replace(CHILD, groups=None)),
        ("groups", replace(CHILD, groups=frozenset({"legal", "board"}))),
        ("releases", replace(CHILD, releases=None)),
        ("limits", replace(CHILD, limits=Limits(601, 60_000, 8))),
        ("limits", replace(CHILD, limits=Limits(600, None, 8))),
        ("budgets", replace(CHILD, budgets=Budgets())),
        ("expires_at", replace(CHILD, expires_s=None)),
        ("expires_at", replace(CHILD, expires_s=101.0)),
    ],
)
def test_a_key_makes_none_that_opens_more(field: str, child: Key) -> None:
    with pytest.raises(InvalidRequest) as refused:
        require_subset(child, MAKER)
    assert [error["field"] for error in refused.value.errors] == [field]


def test_an_operator_makes_any_key() -> None:
    require_subset(replace(CHILD, tenant="other"), replace(MAKER, scopes=frozenset({"operator"})))


def test_what_tenants_say_of_their_conversations(store: AccessStore) -> None:
    assert store.conversation_days() == {}
    for id, days in (("acme", 7.5), ("other", None), ("third", 1.0)):
        made = store.create_tenant(Tenant(id, retention=Retention(days)), by=BY)
        assert store.tenant(id) == made
    assert store.conversation_days() == {"acme": 7.5, "third": 1.0}
    store.change_tenant(replace(store.tenant("acme"), retention=Retention()), by=BY)
    store.delete_tenant("third", by=BY)
    assert store.conversation_days() == {"third": 1.0}
    said = [entry.changes for entry in store.audit(AuditQuery("acme"))]
    assert said == [{"retention": {"conversation_days": 7.5}}, {}]
