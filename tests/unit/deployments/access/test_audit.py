"""The audit log: what it says, that it cannot be changed, and that a change shows."""

import time
from dataclasses import replace

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from deployments.access.audit import AuditEntry, AuditQuery
from deployments.access.records import Key, Limits, Tenant
from deployments.access.store import AccessStore, Author
from deployments.control.database import open_engine, parse_url
from tests.unit.deployments.access.conftest import PEPPER, Clock, OpenStore

BY = Author("key_admin", "request-7")
KEY = Key("", "default", "page", frozenset({"query"}), limits=Limits(requests_per_min=5))


def run(url: str, *statements: str) -> None:
    """Does in the database what somebody with a shell could do."""
    engine = open_engine(parse_url(url)).execution_options(writes=True)
    try:
        with engine.begin() as connection:
            for statement in statements:
                connection.execute(text(statement))
    finally:
        engine.dispose()


def without_triggers(url: str) -> str:
    if url.startswith("sqlite"):
        return "DROP TRIGGER audit_is_not_changed"
    return "DROP TRIGGER audit_stays ON audit"


def test_a_change_says_who_what_and_how_much(store: AccessStore, clock: Clock) -> None:
    made, secret = store.create_key(KEY, by=BY)
    store.revoke_key(made.id, by=BY)
    created, revoked = store.audit(AuditQuery(None))
    assert created == AuditEntry(
        actor="key_admin",
        tenant="default",
        action="key.create",
        target=made.id,
        request_id="request-7",
        changes={"scopes": ["query"], "limits": {"requests_per_min": 5}},
        at_s=clock.now_s,
        number=1,
    )
    assert (revoked.action, revoked.changes, revoked.number) == ("key.revoke", {}, 2)
    assert secret not in repr((created, revoked))


def test_revoking_twice_is_one_change(store: AccessStore) -> None:
    made, _ = store.create_key(KEY, by=BY)
    for _ in range(2):
        store.revoke_key(made.id, by=BY)
    assert [entry.action for entry in store.audit(AuditQuery(None))] == [
        "key.create",
        "key.revoke",
    ]


def test_a_tenant_reads_its_own_entries(store: AccessStore) -> None:
    store.create_tenant(Tenant("acme"), by=BY)
    store.create_key(KEY, by=BY)
    store.create_key(replace(KEY, tenant="acme"), by=BY)
    own = store.audit(AuditQuery("acme"))
    assert [(entry.number, entry.action) for entry in own] == [
        (1, "tenant.create"),
        (3, "key.create"),
    ]
    assert [entry.number for entry in store.audit(AuditQuery("acme", after=1))] == [3]


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        (AuditQuery(is_newest_first=True, limit=2), [5, 4]),
        (AuditQuery(is_newest_first=True, before=4), [3, 2, 1]),
        (AuditQuery(action="key."), [2, 3, 5]),
        (AuditQuery(action="key.rev"), [3]),
        (AuditQuery(action="%"), []),
        (AuditQuery(actor="key_boss"), [4, 5]),
        (AuditQuery(actor="key_boss", action="key.create"), [5]),
        (AuditQuery("acme", is_newest_first=True), [5, 1]),
        (AuditQuery(target="tenant-b"), [4]),
    ],
)
def test_what_somebody_looks_for_is_found(
    store: AccessStore, query: AuditQuery, numbers: list[int]
) -> None:
    boss = Author("key_boss", "request-8")
    store.create_tenant(Tenant("acme"), by=BY)
    made, _ = store.create_key(KEY, by=BY)
    store.revoke_key(made.id, by=BY)
    store.create_tenant(Tenant("tenant-b"), by=boss)
    store.create_key(replace(KEY, tenant="acme"), by=boss)
    assert [entry.number for entry in store.audit(query)] == numbers


@pytest.mark.parametrize("statement", ["UPDATE audit SET actor = 'x'", "DELETE FROM audit"])
def test_the_database_refuses_changes(store: AccessStore, url: str, statement: str) -> None:
    store.create_key(KEY, by=BY)
    with pytest.raises(DatabaseError, match="stay as they are"):
        run(url, statement)


@pytest.mark.parametrize(
    ("change", "at", "reason"),
    [
        ("UPDATE audit SET actor = 'somebody' WHERE number = 2", 2, "changed"),
        ("UPDATE audit SET changes = '{}' WHERE number = 1", 1, "changed"),
        ("UPDATE audit SET previous = hash WHERE number = 3", 3, "another"),
        ("UPDATE audit SET number = 9 WHERE number = 3", 9, "missing"),
    ],
)
def test_whoever_gets_around_that_breaks_the_chain(
    store: AccessStore, url: str, change: str, at: int, reason: str
) -> None:
    for _ in range(3):
        store.create_key(KEY, by=BY)
    assert store.verify_audit().rows == 3
    run(url, without_triggers(url), change)
    found = store.verify_audit()
    assert (found.broken_at, reason in found.reason) == (at, True)


def test_the_chain_outlives_a_rotation_of_the_pepper(
    store: AccessStore, open_store: OpenStore
) -> None:
    store.create_key(KEY, by=BY)
    after = open_store("q" * 32 + "," + PEPPER)
    after.create_key(KEY, by=BY)
    assert after.verify_audit().broken_at is None
    without = open_store("q" * 32).verify_audit()
    assert (without.broken_at, "not known" in without.reason) == (1, True)


def test_old_entries_are_forgotten_and_the_rest_is_whole(store: AccessStore, clock: Clock) -> None:
    clock.now_s = time.time() - 401 * 86_400
    store.create_key(KEY, by=BY)
    clock.now_s = time.time()
    store.create_key(KEY, by=BY)
    assert store.forget_audit() == 1
    assert store.forget_audit() == 0
    verified = store.verify_audit()
    assert (verified.rows, verified.broken_at) == (1, None)


def test_without_its_row_there_is_no_change(store: AccessStore, url: str) -> None:
    run(url, "DROP TABLE audit")
    with pytest.raises(Exception, match="no tables"):
        store.create_key(KEY, by=BY)
    assert store.keys(None) == []
