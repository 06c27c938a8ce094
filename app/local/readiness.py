"""Waits for servers to answer, and tells at once when one has died instead."""

from collections.abc import Sequence

import httpx

from app.client.errors import CliError
from app.cluster.timeline import Timeline
from app.cluster.waiting import get_status, pause
from app.local.children import ChildSpec
from app.local.home import Home
from app.local.processes import find_process, last_lines
from app.local.state import ChildRecord


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
            hint = f"Allow more time with --timeout, or read the logs in {home.logs.as_posix()}"
            pause(deadline_s, waiting_for=names, hint=hint)


def require_alive(records: Sequence[ChildRecord], *, home: Home, timeline: Timeline) -> None:
    """Raises a CliError with the end of the log where one of the children is dead."""
    for record in records:
        if find_process(record) is None:
            timeline.failed(record.name, "died")
            log_file = home.log_of(record.name)
            raise CliError(
                f"{record.name} died", f"Its whole log: {log_file}", detail=last_lines(log_file)
            )
