"""The list of all requests of a run, as a CSV: locust writes it, and the verdict is read off it.

Locust's own tables round latencies and keep no single request, which no exact percentile of a part
of the run can be made of.
"""

import csv
from pathlib import Path
from typing import NamedTuple, TextIO

from benchmarks.load.driver import Outcome, Sample


class Request(NamedTuple):
    """One request; `started_s` counts from the start of the run."""

    started_s: float
    path: str
    latency_ms: float
    outcome: Outcome
    detail: str = ""


class RequestWriter:
    """Appends requests to a file, line by line, so that whoever reads along sees them at once."""

    def __init__(self, path: Path) -> None:
        self._file: TextIO = path.open("w", encoding="utf-8", newline="", buffering=1)
        self._rows = csv.writer(self._file)
        self._rows.writerow(Request._fields)

    def write(self, request: Request) -> None:
        """Appends one request."""
        row = request._replace(
            started_s=round(request.started_s, 4), latency_ms=round(request.latency_ms, 3)
        )
        self._rows.writerow(row)

    def close(self) -> None:
        """Ends the file."""
        self._file.close()


def read_requests(path: Path) -> list[Request]:
    """Returns the requests of a file in the order in which they ended."""
    with path.open(encoding="utf-8", newline="") as file:
        return [_request(row) for row in csv.DictReader(file)]


def samples_by_path(
    requests: list[Request], *, from_s: float, to_s: float
) -> dict[str, list[Sample]]:
    """Returns the requests that began in [from_s, to_s) by path, in order of their start.

    Times of the samples count from `from_s`.
    """
    found: dict[str, list[Sample]] = {}
    for request in sorted(requests):
        if from_s <= request.started_s < to_s:
            started_s = request.started_s - from_s
            ended_s = started_s + request.latency_ms / 1e3
            sample = Sample(started_s, started_s, ended_s, request.outcome, request.detail)
            found.setdefault(request.path, []).append(sample)
    return found


def _request(row: dict[str, str]) -> Request:
    outcome: dict[str, Outcome] = {"ok": "ok", "refused": "refused", "failed": "failed"}
    return Request(
        float(row["started_s"]),
        row["path"],
        float(row["latency_ms"]),
        outcome[row["outcome"]],
        row["detail"],
    )
