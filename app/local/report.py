"""What runs right now, as one value that a table and a JSON document are made from."""

import contextlib
import time
from dataclasses import dataclass
from typing import Any

from app.client.errors import CliError
from app.cluster.serve_api import ApplicationStatus, ServeApi
from app.cluster.waiting import read_ready
from app.local.home import Home
from app.local.processes import find_members, find_process, memory_bytes
from app.local.state import StackState, read_state

_HTTP_OK = 200


@dataclass(frozen=True)
class ChildStatus:
    """One server of the stack; `uptime_s` and `memory_bytes` are 0 where it is dead."""

    name: str
    pid: int
    alive: bool
    uptime_s: float
    memory_bytes: int
    log_file: str


@dataclass(frozen=True)
class StackReport:
    """Everything that `ragserve status` knows."""

    api_url: str
    running: bool
    """Whether any process of a local stack lives."""
    children: tuple[ChildStatus, ...]
    applications: tuple[ApplicationStatus, ...]
    serve_error: str
    """Why the applications are not known, empty where they are."""
    ready_status: int | None
    """With which the API answers at its ready path, None without an answer."""
    ready_body: Any
    urls: dict[str, str]
    config_file: str

    @property
    def ready(self) -> bool:
        """Whether nothing has died and the API takes requests."""
        return self.ready_status == _HTTP_OK and all(child.alive for child in self.children)


def take_report(home: Home, *, api_url: str | None, default_url: str) -> StackReport:
    """Looks at the stack of a folder and at the API.

    Args:
        home: The stack's folder.
        api_url: The API to ask, None for the one of the stack.
        default_url: The API to ask where neither is known.
    """
    state = read_state(home.state_file)
    children, running = _children(state)
    applications: tuple[ApplicationStatus, ...] = ()
    serve_error = ""
    if state is not None and any(child.alive for child in children if child.name == "ray"):
        try:
            applications = ServeApi(state.dashboard_url, home.ray_token.read_text).applications()
        except CliError as error:
            serve_error = error.message
    url = api_url or (state.api_url if state is not None else default_url)
    ready_status, ready_body = read_ready(url)
    return StackReport(
        api_url=url,
        running=running,
        children=children,
        applications=applications,
        serve_error=serve_error,
        ready_status=ready_status,
        ready_body=ready_body,
        urls=state.urls if state is not None else {},
        config_file=state.config_file if state is not None else "",
    )


def _children(state: StackState | None) -> tuple[tuple[ChildStatus, ...], bool]:
    if state is None:
        return (), False
    now_s = time.time()
    children = []
    for record in state.children:
        process = find_process(record)
        uptime_s, memory = 0.0, 0
        if process is not None:
            with contextlib.suppress(Exception):
                uptime_s, memory = now_s - process.create_time(), memory_bytes(process)
        children.append(
            ChildStatus(
                record.name, record.pid, process is not None, uptime_s, memory, record.log_file
            )
        )
    running = any(child.alive for child in children) or bool(
        find_members(state.instance, state.children)
    )
    return tuple(children), running
