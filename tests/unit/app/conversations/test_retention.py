"""A tenant may have its conversations go sooner than those of others."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.conversations.conversations import Conversations
from app.conversations.retention import Retention
from app.settings.live.conversations import ConversationSettings
from deployments.access.records import Retention as TenantRetention
from deployments.access.records import Tenant
from deployments.access.secrets import Peppers
from deployments.access.store import AccessStore, Author
from deployments.contracts.errors import NotFound
from deployments.conversations.records import Owner
from deployments.conversations.store import ConversationStore

DAY_S = 86_400.0
ACME, OTHER = Owner("acme", "key_1"), Owner("other", "key_2")


class Service:
    """Conversations beside tenants in one database; `now_s` is their clock."""

    def __init__(self, url: str) -> None:
        self.now_s = 1_800_000_000.0
        self.tenants = AccessStore(url, Peppers.parse("p" * 32))
        self.store = ConversationStore(url)
        self.store.upgrade()
        self.settings = ConversationSettings(enabled=True, ttl_days=30)

    def opened(self) -> Conversations:
        """Returns conversations as a replica has them that starts now."""
        return Conversations(
            self.store,
            lambda: self.settings,
            days_of_tenants=self.tenants.conversation_days,
            now=lambda: self.now_s,
        )

    def say(self, tenant: str, days: float | None) -> None:
        made = Tenant(tenant, retention=TenantRetention(days))
        try:
            self.tenants.tenant(tenant)
        except NotFound:
            self.tenants.create_tenant(made, by=Author("operator"))
        else:
            self.tenants.change_tenant(made, by=Author("operator"))


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    made = Service(f"sqlite:///{tmp_path / 'control.db'}")
    yield made
    made.store.close()
    made.tenants.close()


async def test_they_are_gone_for_their_owner_and_are_swept(service: Service) -> None:
    service.say("acme", 7)
    kept = service.opened()
    ours = await kept.create(ACME)
    theirs = await kept.create(OTHER)
    service.now_s += 6 * DAY_S
    assert (await kept.find(ACME, ours.id)).id == ours.id
    service.now_s += 2 * DAY_S
    for ask in (
        kept.find(ACME, ours.id),
        kept.turns(ACME, ours.id, after=0, limit=9),
        kept.begin(ACME, ours.id),
        kept.begin(ACME, ours.id, keeps=False),
    ):
        with pytest.raises(NotFound):
            await ask
    assert await kept.page(ACME, after="", limit=9) == []
    assert (await kept.find(OTHER, theirs.id)).id == theirs.id
    await kept.sweep()
    always = float("-inf")
    with pytest.raises(NotFound):
        service.store.find(ACME, ours.id, oldest_s=always)
    assert service.store.find(OTHER, theirs.id, oldest_s=always).id == theirs.id


async def test_none_lives_longer_than_the_service_says(service: Service) -> None:
    service.say("acme", 365)
    kept = service.opened()
    ours = await kept.create(ACME)
    service.now_s += 31 * DAY_S
    with pytest.raises(NotFound):
        await kept.find(ACME, ours.id)
    await kept.sweep()
    with pytest.raises(NotFound):
        service.store.find(ACME, ours.id, oldest_s=float("-inf"))


async def test_what_a_tenant_says_can_be_taken_back(service: Service) -> None:
    service.say("acme", 7)
    service.say("acme", None)
    kept = service.opened()
    ours = await kept.create(ACME)
    service.now_s += 8 * DAY_S
    await kept.sweep()
    assert (await kept.find(ACME, ours.id)).id == ours.id


async def test_a_deleted_tenants_conversations_go_in_its_time_too(service: Service) -> None:
    service.say("acme", 7)
    kept = service.opened()
    ours = await kept.create(ACME)
    service.tenants.delete_tenant("acme", by=Author("operator"))
    service.now_s += 8 * DAY_S
    await kept.sweep()
    with pytest.raises(NotFound):
        service.store.find(ACME, ours.id, oldest_s=float("-inf"))


def test_tenants_are_asked_again_after_some_seconds() -> None:
    asked, now_s = [{"acme": 7.0}, {"acme": 3.0}], [100.0]
    retention = Retention(lambda: 30.0, lambda: asked.pop(0), lambda: now_s[0])
    assert [retention.days("acme") for _ in range(3)] == [7.0] * 3
    assert retention.days("other") == 30.0
    now_s[0] += 5.0
    assert retention.days("acme") == 3.0
    assert retention.exceptions() == {"acme": 3.0}


def test_without_tenants_all_live_as_long() -> None:
    retention = Retention(lambda: 30.0)
    assert (retention.days("default"), dict(retention.exceptions())) == (30.0, {})
