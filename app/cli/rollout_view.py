"""How a rollout looks on a terminal."""

from datetime import UTC, datetime
from types import TracebackType
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from app.cli.output import make_console

_COLOURS = {
    "promoted": "bold green",
    "pass": "green",
    "running": "cyan",
    "paused": "yellow",
    "inconclusive": "yellow",
    "insufficient": "dim",
    "rolled_back": "bold red",
    "fail": "bold red",
}


def coloured(word: str) -> str:
    """Returns a phase or an outcome as markup."""
    return f"[{_COLOURS.get(word, 'default')}]{word.replace('_', ' ')}[/]"


def details(found: dict[str, Any]) -> RenderableType:
    """Returns all that is known of a rollout: where it is, every metric, every decision."""
    parts: list[RenderableType] = [_headline(found), Text(""), _metrics(found["verdicts"])]
    if found["history"]:
        parts += [Text(""), _history(found["history"])]
    return Group(*parts)


def overview(rollouts: list[dict[str, Any]]) -> RenderableType:
    """Returns a list of rollouts."""
    table = Table("rollout", "canary", "stable", "phase", "stage", "why", box=None, pad_edge=False)
    for rollout in rollouts:
        table.add_row(
            rollout["id"],
            escape(rollout["canary"]),
            escape(rollout["stable"]),
            coloured(rollout["phase"]),
            rollout["stage_name"],
            escape(rollout["reason"]),
        )
    return table


class Screen:
    """Shows a rollout again and again: in place on a terminal, elsewhere a line per change."""

    def __init__(self) -> None:
        self._console: Console = make_console()
        self._live = Live(console=self._console, auto_refresh=False)
        self._last: tuple[object, ...] = ()

    def __enter__(self) -> "Screen":
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._console.is_terminal:
            self._live.stop()

    def show(self, found: dict[str, Any]) -> None:
        """Shows what is known now."""
        if self._console.is_terminal:
            self._live.update(details(found), refresh=True)
            return
        now = found["phase"], found["stage"]
        if now != self._last:
            at = datetime.now(UTC).strftime("%H:%M:%S")
            self._console.print(
                f"{at}  {found['canary']}: {found['phase'].replace('_', ' ')}, "
                f"stage {found['stage_name']}: {escape(found['reason'])}"
            )
        self._last = now


def _headline(found: dict[str, Any]) -> Text:
    decision = found["decision"]
    reason = found["reason"]
    if decision and found["phase"] == "running":
        reason = decision["reason"]
        if decision["wanted"] != decision["action"]:
            reason += f" (would {decision['wanted'].replace('_', ' ')}, mode {found['mode']})"
    return Text.from_markup(
        f"[bold]{escape(found['canary'])}[/] against {escape(found['stable'])}   "
        f"{coloured(found['phase'])}   stage {found['stage'] + 1} of {found['stages']}: "
        f"{found['stage_name']}   [dim]{found['id']}[/]\n{escape(reason)}"
    )


def _metrics(verdicts: list[dict[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("metric")
    for name in ("canary", "baseline", "change", "between", "tolerated", "requests"):
        table.add_column(name, justify="right")
    table.add_column("outcome")
    for verdict in verdicts:
        style = None if verdict["rolls_back"] else "dim"
        bounds = f"{_percent(verdict['lower'])} {_percent(verdict['upper'])}".strip()
        table.add_row(
            verdict["metric"],
            _number(verdict["canary"]),
            _number(verdict["baseline"]),
            _percent(verdict["change"]),
            bounds,
            _percent(verdict["margin"]),
            f"{verdict['canary_requests']} / {verdict['baseline_requests']}",
            coloured(verdict["outcome"]),
            style=style,
        )
    return table


def _history(decisions: list[dict[str, Any]]) -> Table:
    table = Table("at", "stage", "decision", "why", box=None, pad_edge=False)
    for decision in decisions:
        at = datetime.fromisoformat(decision["at"]).astimezone().strftime("%H:%M:%S")
        table.add_row(
            at, str(decision["stage"] + 1), decision["action"], escape(decision["reason"])
        )
    return table


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"


def _percent(value: float | None) -> str:
    return "" if value is None else f"{value:+.1%}"
