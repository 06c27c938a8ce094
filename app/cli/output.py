"""How results, progress and errors look: live and in colour on a terminal, else plain lines."""

import sys
from types import TracebackType

from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.table import Table

from app.client.errors import CliError
from app.cluster.timeline import Step, StepState, Timeline

_STYLES = {
    StepState.WAITING: "dim",
    StepState.STARTING: "yellow",
    StepState.READY: "green",
    StepState.FAILED: "red",
}


def make_console(*, stderr: bool = False) -> Console:
    """Returns a console; lines for a file or a pipe are wide and plain, so that grep finds them."""
    console = Console(stderr=stderr, highlight=False)
    if console.is_terminal:
        return console
    return Console(stderr=stderr, highlight=False, no_color=True, soft_wrap=True, width=200)


def print_error(error: CliError) -> None:
    """Prints what happened, the lines that show it, and what to do next, to the error stream."""
    console = make_console(stderr=True)
    console.print(f"[bold red]Error:[/] {escape(error.message)}")
    if error.detail:
        indented = "\n".join(f"  {line}" for line in error.detail.splitlines())
        console.print(escape(indented), style="dim")
    if error.hint:
        console.print(escape(error.hint))


class Progress:
    """Shows a timeline while a block of work runs.

    On a terminal it is a table that ticks; elsewhere a line is printed when a step changes its
    state.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._shown: dict[str, StepState] = {}
        self.timeline = Timeline(on_change=None if console.is_terminal else self._print_line)
        self._live = Live(
            console=console, get_renderable=self._table, refresh_per_second=8, transient=False
        )

    def __enter__(self) -> Timeline:
        if self._console.is_terminal:
            self._live.start()
        return self.timeline

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._console.is_terminal:
            self._live.stop()

    def _table(self) -> Table:
        table = Table.grid(padding=(0, 2))
        for step in self.timeline.steps():
            style = _STYLES[step.state]
            seconds = self.timeline.seconds(step)
            table.add_row(
                f"[{style}]{step.state}[/]",
                escape(step.name),
                f"{seconds:.1f} s" if seconds else "",
                f"[dim]{escape(step.detail)}[/]",
            )
        return table

    def _print_line(self, step: Step) -> None:
        if self._shown.get(step.name) != step.state and step.state != StepState.WAITING:
            took = f" after {self.timeline.seconds(step):.1f} s" if step.ended_s is not None else ""
            detail = f" ({step.detail})" if step.detail else ""
            elapsed = f"{self.timeline.elapsed_s():6.1f} s"
            self._console.print(escape(f"{elapsed}  {step.name}: {step.state}{took}{detail}"))
            sys.stdout.flush()
        self._shown[step.name] = step.state


def summary(timeline: Timeline) -> str:
    """Returns where the time went, such as "ray 9.1 s, gateway 4.0 s"; from 0.1 s on."""
    parts = [(step.name, timeline.seconds(step)) for step in timeline.steps()]
    return ", ".join(f"{name} {seconds:.1f} s" for name, seconds in parts if seconds >= 0.1)
