"""`ragserve reindex`: page by page to the end, and a word on what could not be copied."""

from collections.abc import Callable

import pytest

from tests.unit.app.cli.conftest import Answer, CannedService, Ended

COUNTS = {"added": 2, "updated": 0, "unchanged": 1, "failed": 0, "failures": [], "total": 5}


@pytest.fixture
def reindex(
    service: CannedService, ragserve: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch
) -> Callable[[], Ended]:
    monkeypatch.setenv("RAGSERVE_ADMIN_KEY", "open-sesame")
    monkeypatch.setenv("RAGSERVE_URL", service.url)
    return lambda: ragserve("reindex", "--from", "old", "--to", "new", "--page", "3")


def test_it_goes_on_to_the_last_page(service: CannedService, reindex: Callable[[], Ended]) -> None:
    service.answers = [
        Answer(COUNTS | {"next_cursor": "17"}),
        Answer(COUNTS | {"added": 1, "next_cursor": None}),
    ]
    done = reindex()
    assert done.code == 0, done.err
    assert "5 documents: 3 added, 0 updated, 2 unchanged, 0 failed" in done.out
    assert [body["cursor"] for _, body in service.asked] == [None, "17"]
    assert {body["limit"] for _, body in service.asked} == {3}


def test_what_failed_is_named(service: CannedService, reindex: Callable[[], Ended]) -> None:
    failure = {"path": "a[1].md", "message": "Its text was not kept."}
    service.answers = [
        Answer(COUNTS | {"failed": 1, "failures": [failure], "next_cursor": None}),
    ]
    done = reindex()
    assert done.code == 1
    assert "a[1].md: Its text was not kept." in done.out


def test_a_service_that_is_gone_midway_is_an_error(
    service: CannedService, reindex: Callable[[], Ended]
) -> None:
    problem = {"detail": "No release names the retrieval application new.", "request_id": "x"}
    service.answers = [
        Answer(COUNTS | {"next_cursor": "17"}),
        Answer(problem, status=422),
    ]
    done = reindex()
    assert done.code == 1
    assert "No release names" in done.err
