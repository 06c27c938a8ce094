"""Which requests share the prefix cache of a model server."""

from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import ValidationError

from deployments.contracts.tenants import Access
from deployments.generator.cache_salt import salt_of
from deployments.generator.config import GeneratorArgs
from tests.openai_peer import OpenAIPeer
from tests.openai_peer_client import Limits, deltas_of, running

TENANTS = ("default", "acme", "beta")


@pytest.fixture(scope="module")
def peer() -> Iterator[OpenAIPeer]:
    with OpenAIPeer() as running_peer:
        yield running_peer


def test_each_tenant_shares_its_prefixes_with_itself() -> None:
    salts = [salt_of(tenant, "tenant") for tenant in TENANTS]
    assert salts == [salt_of(tenant, "tenant") for tenant in TENANTS]
    assert len(set(salts)) == 3
    assert salts[0] is None, "a service without tenants works as ever"
    assert all(salt and "acme" not in salt and len(salt) == 32 for salt in salts[1:])


def test_all_share_them_where_the_operator_says_so() -> None:
    assert {salt_of(tenant, "none") for tenant in TENANTS} == {None}


async def test_a_server_of_vllm_is_told_the_salt(peer: OpenAIPeer) -> None:
    async with running(peer.base_url, "echo", Limits(cache_salt="tenant")) as engine:
        for tenant in TENANTS:
            await deltas_of(engine, f"salted-{tenant}", access=Access(tenant))
    sent = [peer.received(f"salted-{tenant}")[0].body.get("cache_salt") for tenant in TENANTS]
    assert sent == [salt_of(tenant, "tenant") for tenant in TENANTS]


async def test_other_servers_hear_of_no_such_field(peer: OpenAIPeer) -> None:
    async with running(peer.base_url, "echo") as engine:
        await deltas_of(engine, "unsalted", access=Access("acme"))
    assert "cache_salt" not in peer.received("unsalted")[0].body


@pytest.mark.parametrize(
    ("section", "salt"),
    [
        ({"engine": "vllm", "vllm": {"model": "m"}}, "tenant"),
        ({"engine": "vllm", "vllm": {"model": "m", "cache_salt": "none"}}, "none"),
        ({"engine": "openai", "openai": {"model": "m", "base_url": "http://m/v1"}}, "none"),
    ],
)
def test_tenants_are_parted_unless_the_settings_say_otherwise(
    section: dict[str, Any], salt: str
) -> None:
    settings = GeneratorArgs.model_validate(section)
    engine = settings.vllm or settings.openai
    assert engine is not None
    assert engine.cache_salt == salt


def test_another_salt_is_refused() -> None:
    with pytest.raises(ValidationError):
        GeneratorArgs.model_validate(
            {"engine": "vllm", "vllm": {"model": "m", "cache_salt": "key"}}
        )
