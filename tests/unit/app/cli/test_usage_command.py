"""`ragserve usage`: what it asks, and what a person or a spreadsheet sees."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.unit.app.cli.conftest import Answer, CannedService, Ended

Run = Callable[..., Ended]
FIGURES = {
    "requests": 12345,
    "failed": 1,
    "prompt_tokens": 1_000_000,
    "cached_tokens": 7,
    "completion_tokens": 8,
    "embedding_tokens": 9,
    "rerank_tokens": 10,
    "cost_usd": 1.500000000001,
}
REPORT = {
    "from": "2026-11-01",
    "to": "2026-11-30",
    "by": ["day", "model"],
    "rows": [
        {"day": "2026-11-21", "model": "tiny [v2]", **FIGURES},
        {"day": "2026-11-22", "model": "", **FIGURES, "cost_usd": 1e-9},
    ],
    "total": {**FIGURES, "requests": 24690},
}


@pytest.fixture
def operator(service: CannedService, ragserve: Run, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("RAGSERVE_ADMIN_KEY", "open-sesame")
    monkeypatch.setenv("RAGSERVE_URL", service.url)
    service.answers = [Answer(REPORT)]
    return ragserve


def asked(service: CannedService) -> dict[str, list[str]]:
    ((path, _),) = service.asked
    assert urlsplit(path).path == "/v1/usage"
    return parse_qs(urlsplit(path).query)


def test_it_shows_a_table_with_a_total(operator: Run, service: CannedService) -> None:
    ended = operator("usage")
    assert ended.code == 0
    assert asked(service) == {"by": ["day,release"]}
    assert service.keys == ["Bearer open-sesame"]
    head, _, *lines = ended.out.splitlines()
    assert head == "2026-11-01 to 2026-11-30, UTC"
    assert lines[0].split()[:3] == ["day", "model", "requests"]
    assert "tiny [v2]" in lines[1]
    assert "12,345" in lines[1]
    assert "1.500000" in lines[1]
    assert lines[2].split()[1] == "-"
    assert lines[3].split()[:2] == ["total", "24,690"]


def test_options_become_the_query(operator: Run, service: CannedService) -> None:
    dates = ("--from", "2026-11-01", "--to", "2026-11-30")
    only = ("--key", "0123456789ab", "--release", "a&b", "--model", "tiny model")
    assert operator("usage", "--by", "key,model", *dates, *only).code == 0
    assert asked(service) == {
        "by": ["key,model"],
        "from": ["2026-11-01"],
        "to": ["2026-11-30"],
        "key": ["0123456789ab"],
        "release": ["a&b"],
        "model": ["tiny model"],
    }


def test_csv_has_a_line_per_row_and_all_digits(operator: Run) -> None:
    head, *lines = csv.reader(operator("usage", "--csv").out.splitlines())
    assert head == ["day", "model", *FIGURES]
    assert [line[:3] for line in lines] == [
        ["2026-11-21", "tiny [v2]", "12345"],
        ["2026-11-22", "", "12345"],
    ]
    assert [line[-1] for line in lines] == ["1.500000000001", "0.000000001000"]


def test_json_is_the_answer(operator: Run) -> None:
    assert json.loads(operator("usage", "--json").out) == REPORT


def test_without_groups_there_is_one_row(operator: Run, service: CannedService) -> None:
    service.answers = [Answer(REPORT | {"by": [], "rows": [FIGURES]})]
    ended = operator("usage", "--by", "")
    assert asked(service) == {}, "an empty value is not in a parsed query"
    assert len(ended.out.splitlines()) == 4
    assert "12,345" in ended.out


def test_a_refusal_is_shown(operator: Run, service: CannedService) -> None:
    detail = "'soon' is no day; send one such as 2026-11-01."
    service.answers = [Answer({"detail": detail, "code": "invalid_request"}, status=422)]
    ended = operator("usage", "--from", "soon")
    assert ended.code == 1
    assert detail in ended.err


def test_it_needs_a_key(ragserve: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RAGSERVE_ADMIN_KEY", raising=False)
    ended = ragserve("usage", "--home", str(tmp_path))
    assert ended.code == 1
    assert "operators' key" in ended.err


def test_help_teaches_by_an_example(ragserve: Run) -> None:
    ended = ragserve("usage", "--help")
    assert ended.code == 0
    assert "Example: ragserve usage" in ended.out
    assert "--csv" in ended.out
