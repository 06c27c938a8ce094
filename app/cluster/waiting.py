"""Waits for what a cluster or a server says over HTTP."""

import contextlib
import time
from collections.abc import Callable, Mapping
from typing import Any

import httpx

from app.client.errors import CliError

_POLL_INTERVAL_S = 0.2
_PROBE_TIMEOUT_S = 2.0
READY_PATH = "/health/ready"


def wait_until_api_ready(
    api_url: str, *, deadline_s: float, still_alive: Callable[[], None], hint: str
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
        pause(deadline_s, waiting_for=api_url + READY_PATH, hint=hint, detail=answer)


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


def pause(deadline_s: float, *, waiting_for: str, hint: str, detail: str = "") -> None:
    """Sleeps for one poll; `hint` says what to do where the time is up.

    Raises:
        CliError: The deadline has passed.
    """
    if time.monotonic() >= deadline_s:
        raise CliError(f"Timed out while waiting for {waiting_for}", hint, detail=detail)
    time.sleep(_POLL_INTERVAL_S)
