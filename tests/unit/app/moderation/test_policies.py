"""Which policy holds for whom, what its version says, and what settings are refused."""

from typing import Any

import pytest
from pydantic import ValidationError

from app.moderation.policies import Policies, policy_version
from app.settings.live.gateway import GatewayLive
from app.settings.live.moderation import Moderation

SETTINGS: dict[str, Any] = {
    "blocklists": {"oaths": {"terms": ["by jove"]}, "names": {"terms": ["Рeg"]}},
    "classifiers": {"judge": {"base_url": "http://judge.test/v1"}},
    "policies": {
        "house": {"input": {"blocklist": ["oaths"]}},
        "strict": {
            "output": {"blocklist": ["oaths", "names"], "classifier": "judge", "stream": "whole"}
        },
        "off": {},
    },
    "default": "house",
    "tenants": {"acme": "strict", "free": "off"},
}


def live(moderation: dict[str, Any], **releases: Any) -> GatewayLive:
    one = {"retrieval": "r", "generator": "g"}
    return GatewayLive.model_validate(
        {
            "releases": {"one": one, "two": {**one, "moderation": "strict"}, **releases},
            "traffic": {"one": 1.0},
            "moderation": moderation,
        }
    )


@pytest.mark.parametrize(
    ("tenant", "release", "name"),
    [
        ("default", "one", "house"),
        ("default", "two", "strict"),
        ("acme", "one", "strict"),
        ("free", "two", "off"),
        ("default", None, "house"),
        ("default", "gone", "house"),
    ],
)
def test_the_tenant_decides_before_the_release_and_that_before_the_default(
    tenant: str, release: str | None, name: str
) -> None:
    settings = live(SETTINGS)
    policies = Policies(lambda: settings)
    found = policies.of(tenant=tenant, release=release)
    assert found is not None
    assert found.name == name
    assert policies.version(tenant=tenant, release=release) == found.version
    assert policies.of(tenant=tenant, release=release) is found, "compiled once"


def test_without_settings_there_is_no_policy() -> None:
    settings = GatewayLive.model_validate(
        {"releases": {"one": {"retrieval": "r", "generator": "g"}}, "traffic": {"one": 1.0}}
    )
    policies = Policies(lambda: settings)
    assert policies.of(tenant="default", release="one") is None
    assert policies.version(tenant="default", release="one") == ""


def test_a_release_names_a_policy_that_exists() -> None:
    with pytest.raises(ValidationError, match="there is no moderation policy strict"):
        live({"policies": {"house": {}}})


def version(name: str, **changes: Any) -> str:
    return policy_version(name, Moderation.model_validate({**SETTINGS, **changes}))


def test_a_version_is_of_all_that_a_policy_says_and_of_nothing_else() -> None:
    house = version("house")
    assert house == version("house", default="strict"), "who it holds for is no part of it"
    lists = {**SETTINGS["blocklists"], "oaths": {"terms": ["by jove", "egad"]}}
    assert version("house", blocklists=lists) != house
    names = {**SETTINGS["blocklists"], "names": {"terms": ["other"]}}
    assert version("house", blocklists=names) == house
    assert version("strict", blocklists=names) != version("strict")
    judge = {"judge": {"base_url": "http://judge.test/v1", "thresholds": {"hate": 0.5}}}
    assert version("strict", classifiers=judge) != version("strict")
    assert version("house", classifiers=judge) == house
    assert len({version(name) for name in SETTINGS["policies"]}) == 3


def test_new_settings_hold_at_once_and_an_unchanged_list_is_not_built_again() -> None:
    settings = live(SETTINGS)
    policies = Policies(lambda: settings)
    policies.prepare(settings.moderation)
    before = policies.of(tenant="default", release="one")
    settings = live({**SETTINGS, "tenants": {"default": "strict"}})
    policies.prepare(settings.moderation)
    after = policies.of(tenant="default", release="one")
    assert before is not None
    assert after is not None
    assert after.name == "strict"
    house = policies.of(tenant="other", release="one")
    assert house is not None
    assert house.input._lists is before.input._lists


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"default": "gone"}, "there is no moderation policy gone"),
        ({"tenants": {"acme": "gone"}}, "there is no moderation policy gone"),
        ({"policies": {"house": {"input": {"blocklist": ["gone"]}}}}, "names no list: gone"),
        (
            {"policies": {"house": {"input": {"classifier": "gone"}}}},
            "names no classifier: gone",
        ),
        (
            {"policies": {"house": {"output": {"classifier": "judge"}}}},
            "set `stream` to sentence or whole",
        ),
        (
            {"policies": {"house": {"input": {"patterns": {"p": "a+"}}}}},
            "has no bound: write how often at most",
        ),
        ({"policies": {"house": {"input": {"patterns": {"p": "(a"}}}}}, "RE2 does not take it"),
        ({"blocklists": {"oaths": {"terms": ["?!"]}}}, "needs a letter or a digit"),
        ({"blocklists": {"oaths": {"terms": []}}}, "a list needs `terms`"),
        ({"policies": {"house": {"inptu": {}}}}, "Extra inputs are not permitted"),
    ],
)
def test_what_cannot_work_is_refused_with_the_reason(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        Moderation.model_validate({**SETTINGS, "tenants": {}, "default": None, **change})
