"""The gateway's shell as a plain class: live settings come whole or not at all."""

import asyncio
import threading
import warnings
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from deployments.access.store import AccessStore

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of Ray's own, when it is imported
    from app.ingress import Ingress, admin_key


def live(release: str, weight: float = 1.0) -> dict[str, Any]:
    return {
        "releases": {release: {"retrieval": "retrieval-a", "generator": "generator-a"}},
        "traffic": {release: weight},
    }


BAD = [
    {},
    {"releases": {}, "traffic": {}},
    live("a", weight=0.0),
    live("a", weight=-1.0),
    {**live("a"), "traffic": {"b": 1.0}},
    {**live("a"), "trafic": {"a": 1.0}},
    {"releases": {"a": {"retrieval": "r"}}, "traffic": {"a": 1.0}},
    {**live("a"), "traffic": {"a": "much"}},
]
IDS = [
    "empty",
    "no-releases",
    "all-zero",
    "negative",
    "unknown-release",
    "misspelt",
    "no-generator",
    "no-number",
]


async def names(ingress: Ingress) -> list[str]:
    app = await ingress.__serve_build_asgi_app__()
    found: list[str] = app.state.gateway.releases.names()
    return found


@pytest.mark.parametrize("bad", BAD, ids=IDS)
def test_bad_first_settings_stop_the_start(bad: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Ingress({}).reconfigure(bad)


@pytest.mark.parametrize("bad", BAD, ids=IDS)
async def test_bad_later_settings_change_nothing(bad: dict[str, Any]) -> None:
    ingress = Ingress({})
    ingress.reconfigure(live("first"))
    ingress.reconfigure(bad)
    assert await names(ingress) == ["first"]


async def test_good_settings_reach_an_application_that_runs() -> None:
    ingress = Ingress({})
    ingress.reconfigure(live("first"))
    app = await ingress.__serve_build_asgi_app__()
    ingress.reconfigure(live("second"))
    assert app.state.gateway.releases.names() == ["second"]


@pytest.mark.parametrize("args", [{"request_timeout": 3}, {"request_timeout_s": 0}])
def test_bad_arguments_stop_the_start(args: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Ingress(args)


async def test_arguments_reach_the_application() -> None:
    app = await Ingress({"request_timeout_s": 7.0}).__serve_build_asgi_app__()
    assert app.state.args.request_timeout_s == 7.0


@pytest.mark.parametrize(
    ("given", "kept"),
    [("sesame\n", "sesame"), ("", ""), ("s\u00e9same", ""), ("ses\tame", "")],
    ids=["newline", "none", "umlaut", "tab"],
)
def test_a_key_that_no_header_carries_opens_nothing(given: str, kept: str) -> None:
    assert admin_key({"RAGSERVE_ADMIN_KEY": given}) == kept


async def test_a_refusal_is_told_until_good_settings_come() -> None:
    ingress = Ingress({})
    ingress.reconfigure(live("first"))
    ingress.reconfigure(live("first", weight=-1.0))
    app = await ingress.__serve_build_asgi_app__()
    assert "traffic.first" in app.state.gateway.settings_error()
    ingress.reconfigure(live("first"))
    assert app.state.gateway.settings_error() == ""


def test_a_name_that_no_header_carries_is_refused() -> None:
    with pytest.raises(ValidationError):
        Ingress({}).reconfigure(live("h\u00e9"))


async def test_old_rows_of_the_audit_log_go_while_a_replica_runs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path / 'control.db'}"
    monkeypatch.setenv("RAGSERVE_KEY_PEPPER", "p" * 32)
    monkeypatch.setenv("RAGSERVE_DATABASE_URL", url)
    forgotten = threading.Event()
    monkeypatch.setattr(AccessStore, "forget_audit", lambda _: forgotten.set())
    ingress = Ingress({})
    ingress.reconfigure(live("first"))
    app = await ingress.__serve_build_asgi_app__()
    async with app.router.lifespan_context(app):
        assert await asyncio.to_thread(forgotten.wait, 10.0)


async def test_a_content_policy_that_cannot_be_kept_changes_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("RAGSERVE_CONTENT_SALT", raising=False)
    tracing = {"otlp_url": "http://127.0.0.1:9/v1/traces", "spool_dir": str(tmp_path)}
    ingress = Ingress({"tracing": tracing})
    ingress.reconfigure(live("first"))
    ingress.reconfigure(live("second") | {"recording": {"content": "hash"}})
    app = await ingress.__serve_build_asgi_app__()
    service = app.state.gateway
    assert service.releases.names() == ["first"]
    assert "salt" in service.settings_error()
    async with app.router.lifespan_context(app):
        pass  # its end stops the threads
