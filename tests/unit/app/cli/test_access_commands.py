"""`ragserve keys`, `ragserve tenants` and `ragserve audit`: what they send, and what is printed."""

import json
from collections.abc import Callable

import pytest

from tests.unit.app.cli.conftest import Answer, CannedService, Ended

Run = Callable[..., Ended]
BOUNDS = {
    "limits": {"requests_per_min": 600, "tokens_per_min": None, "concurrent_requests": None},
    "budgets": {"day_usd": None, "month_usd": 100.0, "day_tokens": None, "month_tokens": None},
}
KEY = {
    "id": "key_1",
    "tenant": "acme",
    "name": "search [page]",
    "scopes": ["query"],
    "created_at": "2026-11-01T00:00:00Z",
    "created_by": "operator",
    "expires_at": None,
    "revoked_at": None,
    "last_used_on": "",
    **BOUNDS,
}
SECRET = "rs_live_" + 49 * "x"
TENANT = {
    "id": "acme",
    "name": "Acme [Inc.]",
    "created_at": "2026-11-01T00:00:00Z",
    "deleted_at": None,
    **BOUNDS,
}


@pytest.fixture
def operator(service: CannedService, ragserve: Run, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("RAGSERVE_ADMIN_KEY", "open-sesame")
    monkeypatch.setenv("RAGSERVE_URL", service.url)
    return ragserve


def test_a_new_key_goes_to_standard_output_alone(operator: Run, service: CannedService) -> None:
    service.answers = [Answer({**KEY, "secret": SECRET}, status=201)]
    ended = operator(
        *("keys", "create", "page", "--tenant", "acme", "--scope", "query", "--scope", "ingest"),
        *("--group", "legal", "--requests-per-min", "600", "--usd-per-month", "100"),
    )
    assert ended.code == 0
    assert ended.out == SECRET + "\n"
    assert "key_1 of acme" in ended.err
    assert SECRET not in ended.err
    assert service.asked == [
        (
            "/admin/keys",
            {
                "name": "page",
                "scopes": ["query", "ingest"],
                "tenant": "acme",
                "groups": ["legal"],
                "limits": {"requests_per_min": 600},
                "budgets": {"month_usd": 100.0},
            },
        )
    ]
    assert service.keys == ["Bearer open-sesame"]


def test_all_pages_of_keys_are_listed(operator: Run, service: CannedService) -> None:
    revoked = {**KEY, "id": "key_2", "revoked_at": "2026-11-02T00:00:00Z"}
    service.answers = [
        Answer({"keys": [KEY], "next": "key_1"}),
        Answer({"keys": [revoked], "next": None}),
    ]
    ended = operator("keys", "list", "--tenant", "acme")
    lines = [" ".join(line.split()) for line in ended.out.splitlines()]
    assert lines[1:] == [
        "key_1 acme search [page] query 600/min, $100.00/month valid never",
        "key_2 acme search [page] query 600/min, $100.00/month revoked never",
    ]
    assert [path for path, _ in service.asked] == [
        "/admin/keys?limit=1000&after=&tenant=acme",
        "/admin/keys?limit=1000&after=key_1&tenant=acme",
    ]


def test_without_keys_it_says_how_to_make_one(operator: Run, service: CannedService) -> None:
    service.answers = [Answer({"keys": [], "next": None})]
    assert "ragserve keys create" in operator("keys", "list").out
    assert json.loads(operator("keys", "list", "--json").out) == []


def test_a_key_is_rotated_and_revoked(operator: Run, service: CannedService) -> None:
    service.answers = [Answer({**KEY, "secret": SECRET}, status=201), Answer(KEY)]
    assert operator("keys", "rotate", "key_1", "--keep", "2").out == SECRET + "\n"
    assert operator("keys", "revoke", "key_1").out == "key_1 is revoked.\n"
    assert service.asked == [
        ("/admin/keys/key_1/rotate", {"keeps_s": 7200.0}),
        ("/admin/keys/key_1", None),
    ]


def test_tenants(operator: Run, service: CannedService) -> None:
    service.answers = [Answer(TENANT, status=201), Answer({"tenants": [TENANT], "next": None})]
    made = operator("tenants", "create", "acme", "--name", "Acme [Inc.]", "--tokens-per-min", "9")
    assert "Acme [Inc.]" in made.out
    assert service.asked[0] == (
        "/admin/tenants",
        {"id": "acme", "name": "Acme [Inc.]", "limits": {"tokens_per_min": 9}},
    )
    assert json.loads(operator("tenants", "list", "--json").out) == [TENANT]


ENTRY = {
    "number": 1,
    "at": "2026-11-01T00:00:00Z",
    "actor": "operator",
    "tenant": "acme",
    "action": "key.create",
    "object": "key_1",
    "outcome": "done",
    "request_id": "r",
    "changes": {"scopes": ["query"]},
}


def test_the_log_is_a_table_or_json_lines(operator: Run, service: CannedService) -> None:
    service.answers = [Answer({"entries": [ENTRY], "next": None})]
    assert "key.create" in operator("audit").out
    assert [json.loads(line) for line in operator("audit", "--json").out.splitlines()] == [ENTRY]


@pytest.mark.parametrize(
    ("found", "code", "says"),
    [
        ({"intact": True, "entries": 1200, "broken_at": None, "reason": ""}, 0, "1,200 entries"),
        ({"intact": False, "entries": 7, "broken_at": 8, "reason": "it was changed"}, 1, "entry 8"),
    ],
)
def test_a_broken_log_is_an_exit_code(
    operator: Run, service: CannedService, found: dict[str, object], code: int, says: str
) -> None:
    service.answers = [Answer(found)]
    ended = operator("audit", "--verify")
    assert (ended.code, says in ended.out) == (code, True)


@pytest.mark.parametrize(("days", "sent"), [("7", {"conversation_days": 7.0}), ("0", {})])
def test_a_tenants_retention_is_changed(
    operator: Run, service: CannedService, days: str, sent: dict[str, float]
) -> None:
    changed = {**TENANT, "retention": {"conversation_days": sent.get("conversation_days")}}
    service.answers = [Answer(changed)]
    ended = operator("tenants", "change", "acme", "--conversation-days", days)
    assert ended.code == 0
    assert service.asked == [("/admin/tenants/acme", {"retention": sent})]
    assert ("conversations 7 days" in " ".join(ended.out.split())) == bool(sent)
