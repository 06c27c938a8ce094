"""Whose files and batches are, and what is left of a tenant that was erased."""

import pytest

from deployments.batches.contract import LineResult, WorkReport
from deployments.batches.erasing import ErasableStore
from deployments.batches.owners import owner_text
from deployments.contracts.errors import NotFound
from deployments.control.config import BatchArgs
from tests.unit.deployments.batches.conftest import begin
from tests.unit.deployments.control.conftest import postgresql_url, url  # noqa: F401


@pytest.fixture
def store(url: str) -> ErasableStore:  # noqa: F811
    made = ErasableStore(url, BatchArgs())
    made.upgrade()
    return made


def test_a_tenant_goes_and_others_stay(store: ErasableStore) -> None:
    owners = {
        "acme": owner_text("acme", "key_1"),
        "acme too": owner_text("acme", "key_2"),
        "acme%": owner_text("acme%", "key_1"),
        "default": owner_text("default", "key_1"),
        "nobody": "",
    }
    ids = {name: begin(store, 3, owner=owner) for name, owner in owners.items()}
    work = store.exchange(WorkReport("runner", wants=20), now_s=1.0)
    done = [LineResult(line.key, "answered", failed=False) for line in work.lines]
    store.exchange(WorkReport("runner", results=done), now_s=2.0)
    erased = store.erase("acme")
    assert erased.counts == {"lines": 6, "results": 6, "batches": 2, "files": 4}
    assert not erased.is_done
    assert store.erase("acme").is_done
    for name, owner in owners.items():
        if name in ("acme", "acme too"):
            with pytest.raises(NotFound):
                store.batch(ids[name], owner=None)
            assert store.files(None, after=None, limit=10, owner=owner) == []
        else:
            assert store.batch(ids[name], owner=owner).completed == 3
    assert store.erase("default").counts["batches"] == 2
    assert store.batch(ids["acme%"], owner=owners["acme%"]).completed == 3
    store.close()


def test_equal_files_of_two_tenants_are_two(store: ErasableStore) -> None:
    files = [
        store.keep("a.jsonl", b"{}", owner=owner_text(tenant, "key_1"), now_s=0.0)
        for tenant in ("default", "acme")
    ]
    assert files[0].id != files[1].id
    with pytest.raises(NotFound):
        store.file(files[1].id, owner=files[0].owner)
    store.close()


def test_what_an_unregistered_key_had_before_stays_its_own(store: ErasableStore) -> None:
    digest = "0123456789ab" + "c" * 52
    batch_id = begin(store, 1, owner=digest)
    assert store.batch(batch_id, owner=digest[:12]).total == 1
    assert len(store.batches("requests", after=None, limit=10, owner=digest[:12])) == 1
    for other in ("0123456789ac", "", "acme/0123456789ab", "key_1"):
        with pytest.raises(NotFound):
            store.batch(batch_id, owner=other)
    store.close()
