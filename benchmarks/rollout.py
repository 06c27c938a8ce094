"""`python -m benchmarks.rollout`: tries a release under load, and prints what happened when.

Ends with 0 when the rollout ended as expected and no request failed, 1 when not, and 2 when it
could not be made.
"""

import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.console import Console
from rich.markup import escape

from app.cli.operator import operator_name, operator_service
from app.cli.options import DEFAULT_HOME, HomeOption, UrlOption
from app.cli.output import make_console
from app.cli.rollout import read_policy
from app.cli.rollout_view import coloured, details
from app.client.address import DEFAULT_URL
from app.client.api_client import ApiClient
from app.client.errors import CliError
from benchmarks.addresses import RemoteAddress, check_address
from benchmarks.load.output import result_of, write_result
from benchmarks.locust_support.request_log import read_requests
from benchmarks.locust_support.run import LoadPlan, RunFailed, request_log, run_locust
from benchmarks.peers.process import stop_on_termination

_OUTPUT = Path(".ragserve/rollout")
_POLL_S = 1.0
_LINE_EVERY_S = 10.0
_RAMP_S = 2.0
_AFTER_S = 3.0
"""Load goes on for a while after the end: what callers see then belongs to it."""
Phase = Literal["promoted", "rolled_back", "paused"]


class _Over(Exception):
    """The rollout has ended, and the load can."""


@dataclass(slots=True)
class _Timeline:
    """Follows a rollout, and prints a line where something changes and every few seconds."""

    service: ApiClient
    console: Console
    rollout_id: str
    log: Path
    began_s: float = field(default_factory=time.monotonic)
    moments: list[dict[str, Any]] = field(default_factory=list)
    latest: dict[str, Any] = field(default_factory=dict)
    _polled_s: float = 0.0
    _printed_s: float = 0.0
    _ended_s: float | None = None

    def tick(self, _: float) -> None:
        """Looks at the rollout about once a second; raises `_Over` a while after its end."""
        now_s = time.monotonic() - self.began_s
        if self._ended_s is not None and now_s - self._ended_s > _AFTER_S:
            raise _Over
        if now_s - self._polled_s < _POLL_S:
            return
        self._polled_s = now_s
        try:
            found = self.service.request("GET", f"/admin/rollouts/{self.rollout_id}")
        except CliError as error:  # the controller may be away; callers do not notice
            self._note(now_s, {"phase": "unknown", "reason": error.message})
            return
        changed = not self.latest or any(
            found[key] != self.latest[key] for key in ("phase", "stage")
        )
        self.latest = found
        if found["phase"] != "running" and self._ended_s is None:
            self._ended_s = now_s
        if changed or now_s - self._printed_s > _LINE_EVERY_S:
            self._note(now_s, found)

    def _note(self, now_s: float, found: dict[str, Any]) -> None:
        requests = read_requests(self.log) if self.log.is_file() else []
        verdicts = {one["metric"]: one for one in found.get("verdicts", ())}
        moment = {
            "at_s": round(now_s, 1),
            "phase": found["phase"],
            "stage": found.get("stage_name", "?"),
            "weight": found.get("weight"),
            "requests": len(requests),
            "failed": sum(request.outcome == "failed" for request in requests),
            "canary_requests": verdicts.get("error", {}).get("canary_requests", 0),
            "reason": found["reason"],
        }
        if found["phase"] == "running" and found.get("decision"):
            moment["reason"] = found["decision"]["reason"]
        self.moments.append(moment)
        self._printed_s = now_s
        self.console.print(
            f"{moment['at_s']:7.1f} s  {coloured(moment['phase'])}, stage {moment['stage']}: "
            f"{moment['requests']} requests, {moment['failed']} failed, "
            f"{moment['canary_requests']} of the canary counted. "
            f"[dim]{escape(moment['reason'][:160])}[/]"
        )


def main(
    canary: Annotated[str, typer.Argument(help="The release to try.")],
    stable: Annotated[str | None, typer.Option(help="What it is compared with.")] = None,
    url: UrlOption = DEFAULT_URL,
    policy: Annotated[
        Path | None, typer.Option(help="YAML file that says what it must show.", metavar="FILE")
    ] = None,
    expect: Annotated[
        Phase | None, typer.Option(help="How the rollout must end.", show_default="any way")
    ] = None,
    users: Annotated[int, typer.Option(min=1, help="Users at the same time.")] = 10,
    think_median_s: Annotated[
        float, typer.Option("--think", min=0.001, help="Median pause of a user, in seconds.")
    ] = 0.1,
    limit_s: Annotated[
        float, typer.Option("--limit", min=1.0, help="Seconds of load at most.")
    ] = 600.0,
    home: HomeOption = DEFAULT_HOME,
    output: Annotated[Path, typer.Option(help="Folder for the list of requests and result.")] = (
        _OUTPUT
    ),
) -> None:
    """Try a release under load, and print what happened when.

    Example: python -m benchmarks.rollout brief --expect promoted
    """
    stop_on_termination()
    console, errors = make_console(), Console(stderr=True)
    try:
        plan = LoadPlan(
            check_address(url, allow_remote=False),
            users,
            _RAMP_S,
            limit_s,
            think_median_s,
            None,
            user="Asker",
        )
        wanted = read_policy(policy)
        with operator_service(url, home) as service:
            timeline = _try(service, canary, stable, wanted, plan, output, console)
    except (RemoteAddress, ValueError, RunFailed, CliError) as error:
        errors.print(f"[bold red]Error:[/] {escape(str(error))}", highlight=False)
        raise typer.Exit(2) from error
    console.print(details(timeline.latest))
    requests = read_requests(request_log(output))
    failed = [request for request in requests if request.outcome == "failed"]
    result = {
        "phase": timeline.latest["phase"],
        "reason": timeline.latest["reason"],
        "requests": len(requests),
        "failed": len(failed),
        "refused": sum(request.outcome == "refused" for request in requests),
        "timeline": timeline.moments,
        "rollout": timeline.latest,
    }
    configuration = {**plan.described(), "canary": canary}
    write_result(output / "result.json", result_of(configuration=configuration, results=result))
    console.print(
        f"{len(requests)} requests of callers, {len(failed)} failed. Result: {output}/result.json"
    )
    for one in failed[:5]:
        console.print(f"  {one.path}: {escape(one.detail)}")
    if result["phase"] == "running":
        console.print("It has not ended; it goes on without this load: ragserve rollout watch")
    if failed or result["phase"] != (expect or result["phase"]) or result["phase"] == "running":
        raise typer.Exit(1)


def _try(
    service: ApiClient,
    canary: str,
    stable: str | None,
    policy: dict[str, Any] | None,
    plan: LoadPlan,
    folder: Path,
    console: Console,
) -> _Timeline:
    body: dict[str, Any] = {"canary": canary, "by": operator_name()}
    body |= {"stable": stable} if stable else {}
    body |= {"policy": policy} if policy else {}
    begun = service.request("POST", "/admin/rollouts", body)
    console.print(f"Rollout {begun['id']}: {begun['canary']} against {begun['stable']}")
    timeline = _Timeline(service, console, begun["id"], request_log(folder))
    with suppress(_Over):
        run_locust(plan, folder=folder, html=folder / "report.html", on_tick=timeline.tick)
    if not timeline.latest:
        raise RunFailed("the service never said how the rollout went")
    return timeline


if __name__ == "__main__":
    typer.run(main)
