"""Waits for servers to answer, and tells at once when one has died instead."""

import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import httpx

from app.client.errors import CliError
from app.local.children import ChildSpec
from app.local.home import Home
from app.local.processes import find_process, last_lines
from app.local.state import ChildRecord
from app.local.timeline import Timeline

_POLL_INTERVAL_S = 0.2
_PROBE_TIMEOUT_S = 2.0
READY_PATH = "/health/ready"


def wait_for_children(
    pairs: Sequence[tuple[ChildSpec, ChildRecord]],
    *,
    home: Home,
    timeline: Timeline,
    deadline_s: float,
) -> None:
    """Returns when every child answers its ready URL.

    Args:
        pairs: What was started, and the process it became.
        home: Where the logs are.
        timeline: Is told of each child that became ready.
        deadline_s: On the monotonic clock.

    Raises:
        CliError: A child died, or the deadline passed.
    """
    waiting = list(pairs)
    while waiting:
        for pair in list(waiting):
            spec, record = pair
            require_alive([record], home=home, timeline=timeline)
            if get_status(spec.ready_url, spec.ready_headers) == httpx.codes.OK:
                timeline.ready(spec.name)
                waiting.remove(pair)
        if waiting:
            names = ", ".join(spec.name for spec, _ in waiting)
            pause(deadline_s, waiting_for=names, logs=home.logs.as_posix())


def require_alive(records: Sequence[ChildRecord], *, home: Home, timeline: Timeline) -> None:
    """Raises a CliError with the end of the log where one of the children is dead."""
    for record in records:
        if find_process(record) is None:
            timeline.failed(record.name, "died")
            log_file = home.log_of(record.name)
            raise CliError(
                f"{record.name} died", f"Its whole log: {log_file}", detail=last_lines(log_file)
            )


def wait_until_api_ready(
    api_url: str, *, deadline_s: float, still_alive: Callable[[], None], logs: str
) -> None:
    """Returns when the API answers 200 at its ready path.

    Raises:
        CliError: The deadline passed; the last answer is in the detail.
    """
    while True:
        status, body = read_ready(api_url)
        if status == httpx.codes.OK:
            return
        still_alive()
        answer = "no answer" if status is None else f"HTTP {status}: {str(body)[:500]}"
        pause(deadline_s, waiting_for=api_url + READY_PATH, logs=logs, detail=answer)


def read_ready(api_url: str) -> tuple[int | None, Any]:
    """Returns the status (None without an answer) and the body of the API's ready path."""
    try:
        response = httpx.get(api_url + READY_PATH, timeout=_PROBE_TIMEOUT_S, trust_env=False)
    except httpx.HTTPError:
        return None, None
    with contextlib.suppress(ValueError):
        return response.status_code, response.json()
    return response.status_code, response.text


def get_status(url: str, headers: Mapping[str, str]) -> int | None:
    """Returns the status with which a URL answers, None without an answer."""
    try:
        return httpx.get(
            url, headers=dict(headers), timeout=_PROBE_TIMEOUT_S, trust_env=False
        ).status_code
    except httpx.HTTPError:
        return None


def pause(deadline_s: float, *, waiting_for: str, logs: str, detail: str = "") -> None:
    """Sleeps for one poll.

    Raises:
        CliError: The deadline has passed.
    """
    if time.monotonic() >= deadline_s:
        raise CliError(
            f"Timed out while waiting for {waiting_for}",
            f"Allow more time with --timeout, or read the logs in {logs}",
            detail=detail,
        )
    time.sleep(_POLL_INTERVAL_S)
