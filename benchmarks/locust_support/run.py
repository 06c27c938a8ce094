"""One run of locust, in a process of its own: gevent replaces the standard library's sockets and
threads, which nothing else here should live with."""

import math
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from benchmarks.peers.process import Server

_LOCUSTFILE = Path(__file__).parents[1] / "locustfile.py"
KEYS_VARIABLE = "RAGSERVE_LOAD_KEYS"
"""One key per line; a command would show them to everybody on the machine."""
_STOP_TIMEOUT_S = 30
"""How long the last answers are awaited."""
_GRACE_S = 30.0
"""What locust needs to start and to write its reports."""
_TICK_S = 0.5


class RunFailed(Exception):
    """Locust did not make the run; the message holds the end of its log."""


@dataclass(frozen=True, slots=True)
class LoadPlan:
    """How many users, how fast they come, and for how long; seconds include the ramp."""

    url: str
    users: int
    ramp_s: float
    duration_s: float
    think_median_s: float
    queries: Path | None
    user: str = "Reader"
    """A class of the locustfile."""
    keys: tuple[str, ...] = field(default=(), repr=False)
    """API keys; each user has one of them."""
    headers: tuple[str, ...] = ()
    """`NAME: VALUE`, sent with every request."""
    model: str = "ragserve"
    """What chats, texts to embed and texts to order name."""
    endpoints: tuple[str, ...] = ()
    """The tasks that are done, by name; all where none is named."""

    def environment(self) -> dict[str, str]:
        """Returns what locust is told beside its command, where others would read it."""
        return {KEYS_VARIABLE: "\n".join(self.keys)} if self.keys else {}

    def described(self) -> dict[str, object]:
        """Returns what may stand in a result: how many keys there were, and names of headers."""
        names = [header.partition(":")[0] for header in self.headers]
        queries = str(self.queries or "docs/")
        return {**asdict(self), "queries": queries, "keys": len(self.keys), "headers": names}


def parse_header(text: str) -> tuple[str, str]:
    """Returns name and value of `NAME: VALUE`; raises ValueError for what is none."""
    name, colon, value = text.partition(":")
    if not colon or not name.strip() or not value.strip():
        raise ValueError(f"no header of the form NAME: VALUE: {text!r}")
    return name.strip(), value.strip()


def locust_command(plan: LoadPlan, *, folder: Path, html: Path) -> list[str]:
    """Returns the command that puts `plan.url` under load and leaves its files in the folder."""
    spawn_rate = plan.users / plan.ramp_s if plan.ramp_s else plan.users
    return [
        *(sys.executable, "-m", "locust", "-f", str(_LOCUSTFILE), "--headless", "--only-summary"),
        *("--host", plan.url, "--users", str(plan.users), "--spawn-rate", f"{spawn_rate:g}"),
        *("--run-time", f"{math.ceil(plan.duration_s)}s", "--stop-timeout", str(_STOP_TIMEOUT_S)),
        *(("--tags", *plan.endpoints) if plan.endpoints else ()),
        *("--csv", str(folder / "locust"), "--html", str(html)),
        *("--request-log", str(request_log(folder)), "--think-median-s", f"{plan.think_median_s}"),
        # Failed requests are the verdict's business, not locust's.
        *("--exit-code-on-error", "0"),
        *("--model", plan.model),
        *(word for header in plan.headers for word in ("--header", header)),
        *(("--queries", str(plan.queries)) if plan.queries else ()),
        plan.user,
    ]


def request_log(folder: Path) -> Path:
    """Returns where the list of all requests lies."""
    return folder / "requests.csv"


def run_locust(
    plan: LoadPlan, *, folder: Path, html: Path, on_tick: Callable[[float], None]
) -> None:
    """Makes the run; ends it when it takes much longer than planned.

    Args:
        plan: The load.
        folder: Where tables, the list of requests and the log go; made if need be.
        html: The report.
        on_tick: Told twice a second how many seconds have passed.

    Raises:
        RunFailed: locust ended with an error or had to be ended.
    """
    folder.mkdir(parents=True, exist_ok=True)
    request_log(folder).unlink(missing_ok=True)  # an earlier run's must not be judged again
    log_file = folder / "locust.log"
    command = locust_command(plan, folder=folder, html=html)
    limit_s = plan.duration_s + _STOP_TIMEOUT_S + _GRACE_S
    began_s = time.monotonic()
    with Server("locust", command, log_file=log_file, environment=plan.environment()) as locust:
        while (exit_code := locust.exit_code()) is None:
            passed_s = time.monotonic() - began_s
            if passed_s > limit_s:
                raise RunFailed(f"locust had not ended after {passed_s:.0f} s; see {log_file}")
            on_tick(passed_s)
            time.sleep(_TICK_S)
    if exit_code:
        raise RunFailed(f"locust ended with code {exit_code}:\n{_end_of(log_file)}")
    # A task that raised has sent a request that stands in no list.
    exceptions = folder / "locust_exceptions.csv"
    if len(exceptions.read_text(encoding="utf-8").splitlines()) > 1:
        raise RunFailed(f"users ended in errors of their own; see {exceptions}")


def _end_of(log_file: Path) -> str:
    return "\n".join(log_file.read_text(encoding="utf-8", errors="replace").splitlines()[-12:])
