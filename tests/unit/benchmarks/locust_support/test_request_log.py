"""The list of requests survives its file, and gives the samples of a window."""

from pathlib import Path

from benchmarks.locust_support.request_log import (
    Request,
    RequestWriter,
    read_requests,
    samples_by_path,
)

REQUESTS = [
    Request(2.0, "/a", 500.0, "ok"),
    Request(0.5, "/a", 100.0, "ok"),
    Request(1.0, "/b", 20.0, "refused", "HTTP 503"),
    Request(1.5, "/a", 10.0, "failed", 'a "quoted", reason'),
    Request(3.0, "/a", 10.0, "ok"),
]


def test_what_is_written_is_read(tmp_path: Path) -> None:
    writer = RequestWriter(tmp_path / "requests.csv")
    for request in REQUESTS:
        writer.write(request)
    assert read_requests(tmp_path / "requests.csv") == REQUESTS
    writer.close()


def test_window_counts_from_its_start_and_leaves_the_rest_out() -> None:
    found = samples_by_path(REQUESTS, from_s=1.0, to_s=3.0)
    assert {path: [one.outcome for one in seen] for path, seen in found.items()} == {
        "/a": ["failed", "ok"],
        "/b": ["refused"],
    }
    last = found["/a"][-1]
    assert (last.scheduled_s, last.ended_s, last.latency_ms) == (1.0, 1.5, 500.0)
