"""What is opened beside keys: rows of the audit log for budgets that run out."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.access.opening import audited_alerts
from deployments.access.audit import AuditQuery
from deployments.access.records import Key
from deployments.access.secrets import Peppers
from deployments.access.store import AccessStore, Author
from deployments.budgets.contract import Alert, Place

BY = Author("somebody")


@pytest.fixture
def keys(tmp_path: Path) -> Iterator[AccessStore]:
    store = AccessStore(f"sqlite:///{tmp_path / 'control.db'}", Peppers.parse("p" * 32))
    store.upgrade()
    yield store
    store.close()


def test_a_budget_that_runs_out_is_in_the_audit_log_of_its_tenant(keys: AccessStore) -> None:
    key, _ = keys.create_key(Key("", "default", "page", frozenset({"query"})), by=BY)
    note = audited_alerts(keys)
    assert note is not None
    note(Alert(Place(f"key:{key.id}", "2026-11", 9e9), 80))
    note(Alert(Place("tenant:default", "2026-11-29", 9e9), 100))
    rows = keys.audit(AuditQuery("default"))[-2:]
    assert [(row.actor, row.action, row.target, dict(row.changes)) for row in rows] == [
        ("ragserve", "budget.reached", f"key:{key.id}", {"percent": 80, "period": "2026-11"}),
        ("ragserve", "budget.reached", "tenant:default", {"percent": 100, "period": "2026-11-29"}),
    ]
    assert keys.verify_audit().broken_at is None


def test_a_log_that_is_away_ends_no_settlement(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    away = AccessStore(f"sqlite:///{tmp_path / 'no' / 'control.db'}", Peppers.parse("p" * 32))
    note = audited_alerts(away)
    assert note is not None
    with caplog.at_level(logging.WARNING):
        note(Alert(Place("tenant:default", "2026-11", 9e9), 80))
    assert "tenant:default" in caplog.text


def test_where_there_are_no_keys_there_is_no_log() -> None:
    assert audited_alerts(None) is None
