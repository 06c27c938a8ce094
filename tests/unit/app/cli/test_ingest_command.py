"""`ragserve ingest`: what is sent, what is printed, and the exit code."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.unit.app.cli.conftest import Answer, CannedService, Ended

NOBODY = "http://127.0.0.1:9"  # the discard port: nothing answers there

Ragserve = Callable[..., Ended]


@pytest.fixture(autouse=True)
def without_a_key(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nobody's key: not the environment's, and not that of a stack in the working directory."""
    monkeypatch.delenv("RAGSERVE_ADMIN_KEY", raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("a.md", "b.md"):
        (tmp_path / name).write_text(f"# {name}\n\nText.")
    return tmp_path


def outcomes(status: str, message: str = "") -> Callable[[dict[str, Any]], Answer]:
    """A service that says the same of every document."""

    def respond(body: dict[str, Any]) -> Answer:
        documents = body["documents"]
        counts = dict.fromkeys(("added", "updated", "unchanged", "failed"), 0)
        counts[status] = len(documents)
        found = [
            {
                "path": one["path"],
                "status": status,
                "document_id": one["id"],
                "chunk_count": 3,
                "message": message,
            }
            for one in documents
        ]
        return Answer({"outcomes": found, **counts})

    return respond


def test_what_was_written_is_counted(
    service: CannedService, ragserve: Ragserve, folder: Path
) -> None:
    service.respond = outcomes("added")
    ended = ragserve("ingest", str(folder), "--url", service.url, "--root", str(folder))
    assert (ended.code, ended.err) == (0, "")
    assert "2 files read in" in ended.out
    assert "2 added, 0 updated, 0 unchanged, 0 failed; 6 chunks written" in ended.out
    [(path, body)] = service.asked
    assert path == "/v1/documents"
    assert [one["path"] for one in body["documents"]] == ["a.md", "b.md"]


def test_a_second_run_says_that_nothing_changed(
    service: CannedService, ragserve: Ragserve, folder: Path
) -> None:
    service.respond = outcomes("unchanged")
    ended = ragserve("ingest", str(folder), "--url", service.url)
    assert ended.code == 0
    assert ended.out == "Nothing changed: all 2 documents were known already.\n"


def test_metadata_goes_with_every_document(
    service: CannedService, ragserve: Ragserve, folder: Path
) -> None:
    service.respond = outcomes("added")
    pairs = ("-m", "team=red", "--metadata", "formula=a=b", "-m", "empty=")
    assert ragserve("ingest", str(folder), "--url", service.url, *pairs).code == 0
    [(_, body)] = service.asked
    for document in body["documents"]:
        assert document["metadata"] == {"team": "red", "formula": "a=b"}


@pytest.mark.parametrize(
    ("groups", "sent"),
    [((), [False]), (("--acl", "board", "--acl", "legal"), [["board", "legal"]])],
)
def test_groups_go_with_every_document_or_are_left_as_they_are(
    service: CannedService,
    ragserve: Ragserve,
    folder: Path,
    groups: tuple[str, ...],
    sent: list[object],
) -> None:
    service.respond = outcomes("added")
    assert ragserve("ingest", str(folder), "--url", service.url, *groups).code == 0
    [(_, body)] = service.asked
    assert [document.get("acl", False) for document in body["documents"]] == sent * 2


@pytest.mark.parametrize("pair", ["team", "=red", ""], ids=["no-value", "no-key", "empty"])
def test_metadata_that_is_no_pair_is_wrong_usage(
    service: CannedService, ragserve: Ragserve, folder: Path, pair: str
) -> None:
    ended = ragserve("ingest", str(folder), "--url", service.url, "-m", pair)
    assert ended.code == 2
    assert "is not KEY=VALUE" in ended.err
    assert service.asked == []


def test_failures_are_named_and_the_exit_code_tells(
    service: CannedService, ragserve: Ragserve, folder: Path
) -> None:
    service.respond = outcomes("added")
    (folder / "empty.md").write_text("")
    ended = ragserve("ingest", str(folder), str(folder / "none.md"), "--url", service.url)
    assert ended.code == 1
    lines = ended.out.splitlines()
    assert lines[0] == f"failed {folder}/none.md: There is no such file or folder."
    assert lines[1].startswith("failed ")
    assert lines[1].endswith("empty.md: The file is empty.")
    assert "2 added" in lines[2]
    assert "2 failed" in lines[2]


def test_what_the_service_refuses_is_named_as_it_says(
    service: CannedService, ragserve: Ragserve, folder: Path
) -> None:
    service.respond = outcomes("failed", "Its text [is] too long.")
    ended = ragserve("ingest", str(folder), "--url", service.url, "--root", str(folder))
    assert ended.code == 1
    assert ended.out.startswith("failed a.md: Its text [is] too long.\nfailed b.md: ")


def test_nothing_to_read_is_a_failure(
    service: CannedService, ragserve: Ragserve, tmp_path: Path
) -> None:
    ended = ragserve("ingest", str(tmp_path), "--url", service.url)
    assert ended.code == 1
    assert "No file was found" in ended.out
    assert service.asked == []


def test_a_busy_service_gets_the_batch_again(
    service: CannedService, ragserve: Ragserve, folder: Path
) -> None:
    added = outcomes("added")

    def respond(body: dict[str, Any]) -> Answer:
        if len(service.asked) == 1:
            return Answer({"detail": "Full."}, 503, {"Retry-After": "0"})
        return added(body)

    service.respond = respond
    ended = ragserve("ingest", str(folder), "--url", service.url)
    assert ended.code == 0
    first, second = service.asked
    assert first == second


def test_nobody_there_is_a_hint(ragserve: Ragserve, folder: Path) -> None:
    ended = ragserve("ingest", str(folder), "--url", NOBODY)
    assert ended.code == 1
    assert ended.err.splitlines()[0] == f"Error: No service answers at {NOBODY}."
    assert "ragserve up" in ended.err


def test_a_problem_ends_the_run(service: CannedService, ragserve: Ragserve, folder: Path) -> None:
    service.answers = [Answer({"detail": "A stage failed.", "request_id": "abc"}, 500)]
    ended = ragserve("ingest", str(folder), "--url", service.url)
    assert ended.code == 1
    assert ended.err.splitlines()[0] == "Error: A stage failed."
    assert len(service.asked) == 1


FITTED = {"min_relevance_score": 0.5, "own_questions": 100, "foreign_questions": 127}
CALIBRATED = Answer(
    {
        "status": "fitted",
        "before": None,
        "after": FITTED | {"kept_ratio": 0.97, "refused_ratio": 0.96},
        "reason": "",
    }
)


def with_calibration(
    service: CannedService, status: str, calibration: Answer
) -> Callable[[dict[str, Any] | None], Answer]:
    """A service with one collection that takes documents and can be calibrated."""
    written = outcomes(status)

    def respond(body: dict[str, Any] | None) -> Answer:
        path, _ = service.asked[-1]
        if path == "/v1/documents":
            assert body is not None
            return written(body)
        if path == "/admin/releases":
            return Answer({"releases": [{"name": "one", "retrieval": "retrieval-a"}]})
        return calibration

    return respond


def paths(service: CannedService) -> list[str]:
    return [path for path, _ in service.asked]


def test_new_documents_calibrate_what_is_out_of_date(
    service: CannedService, ragserve: Ragserve, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAGSERVE_ADMIN_KEY", "open-sesame")
    service.respond = with_calibration(service, "added", CALIBRATED)
    ended = ragserve("ingest", str(folder), "--url", service.url)
    assert ended.code == 0
    assert service.asked[-1] == (
        "/admin/calibrations",
        {"retrieval": "retrieval-a", "only_if_stale": True},
    )
    assert "retrieval-a: chunks support an answer from 0.5 on" in ended.out.splitlines()[-1]


def test_what_still_fits_is_not_worth_a_line(
    service: CannedService, ragserve: Ragserve, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAGSERVE_ADMIN_KEY", "open-sesame")
    current = Answer({"status": "current", "before": FITTED, "after": FITTED, "reason": ""})
    service.respond = with_calibration(service, "updated", current)
    ended = ragserve("ingest", str(folder), "--url", service.url)
    assert ended.code == 0
    assert len(ended.out.splitlines()) == 1
    assert paths(service)[-1] == "/admin/calibrations"


@pytest.mark.parametrize(
    ("status", "options"),
    [("unchanged", ()), ("added", ("--no-calibrate",))],
    ids=["nothing-written", "not-wanted"],
)
def test_nothing_is_calibrated_without_a_need(
    service: CannedService,
    ragserve: Ragserve,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    status: str,
    options: tuple[str, ...],
) -> None:
    monkeypatch.setenv("RAGSERVE_ADMIN_KEY", "open-sesame")
    service.respond = with_calibration(service, status, CALIBRATED)
    ended = ragserve("ingest", str(folder), "--url", service.url, *options)
    assert ended.code == 0
    assert set(paths(service)) == {"/v1/documents"}


def test_a_calibration_that_fails_is_one_line(
    service: CannedService, ragserve: Ragserve, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAGSERVE_ADMIN_KEY", "open-sesame")
    broken = Answer({"detail": "The reranker failed.", "request_id": "x"}, status=500)
    service.respond = with_calibration(service, "added", broken)
    ended = ragserve("ingest", str(folder), "--url", service.url)
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.splitlines()[1:] == [
        "Not calibrated (ragserve calibrate does it later): The reranker failed."
    ]


def test_without_the_operators_key_the_documents_are_indexed_all_the_same(
    service: CannedService, ragserve: Ragserve, folder: Path
) -> None:
    service.respond = with_calibration(service, "added", CALIBRATED)
    ended = ragserve("ingest", str(folder), "--url", service.url)
    assert ended.code == 0
    assert paths(service) == ["/v1/documents"]
    assert "This needs the operators' key of" in ended.out.splitlines()[-1]


def test_a_dry_run_sends_nothing_and_says_what_it_would(
    service: CannedService, ragserve: Ragserve, folder: Path
) -> None:
    service.respond = outcomes("added")
    (folder / "c.png").write_bytes(b"x")
    ended = ragserve("ingest", str(folder), "--url", service.url, "--dry-run")
    assert (ended.code, service.asked) == (0, [])
    assert "Nothing was sent. 2 documents of 2 files would be" in ended.out
    assert "Left out: 1 of a format that nothing reads (.png 1)." in ended.out


def mirrored(*paths: str) -> Callable[[dict[str, Any]], Answer]:
    """A service that has documents, takes others, and deletes what it is told to."""

    def respond(body: dict[str, Any] | None) -> Answer:
        if body is not None:
            return outcomes("unchanged")(body)
        listed = [{"id": f"id-{place}", "path": path} for place, path in enumerate(paths)]
        return Answer({"documents": listed, "next_cursor": None})

    return respond


def test_documents_whose_file_is_gone_are_deleted(
    service: CannedService, ragserve: Ragserve, folder: Path
) -> None:
    top = folder / "docs"
    top.mkdir()
    (folder / "a.md").rename(top / "a.md")
    service.respond = mirrored("docs/a.md", "docs/gone.md", "other/x.md")
    mirror = ("ingest", str(top), "--root", str(folder), "--url", service.url, "--delete-missing")
    planned = ragserve(*mirror, "--dry-run")
    assert "would delete docs/gone.md" in planned.out
    assert [path for path, _ in service.asked] == ["/v1/documents?limit=1000"]
    ended = ragserve(*mirror)
    assert (ended.code, ended.err) == (0, "")
    assert "1 documents deleted, whose files are gone." in ended.out
    assert [path for path, _ in service.asked][-1] == "/v1/documents/id-1"


def test_the_key_of_the_stack_goes_to_its_own_address_only(
    service: CannedService, ragserve: Ragserve, folder: Path
) -> None:
    service.respond = outcomes("added")
    home = folder / "home"
    home.mkdir()
    (home / "admin_key").write_text("of-the-stack")
    ragserve("ingest", str(folder / "a.md"), "--url", service.url, "--home", str(home))
    assert service.keys == [None]


def test_a_key_does_not_travel_in_the_clear(
    ragserve: Ragserve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAGSERVE_ADMIN_KEY", "an-operators-key")
    ended = ragserve("traffic", "--url", "http://ragserve.example:1")
    assert ended.code != 0
    assert "in the clear" in ended.err
