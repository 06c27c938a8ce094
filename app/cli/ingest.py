"""`ragserve ingest`: files and folders into the running service."""

import os
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.options import DEFAULT_HOME, HomeOption, UrlOption
from app.client.address import DEFAULT_URL

if TYPE_CHECKING:
    from typing import Self

    from rich.console import Console

    from app.client.ingestion import Report, SourceFile


def ingest(
    paths: Annotated[list[Path], typer.Argument(help="Files and folders.", metavar="PATH...")],
    url: UrlOption = DEFAULT_URL,
    root: Annotated[
        Path | None,
        typer.Option(
            "--root",
            help="Store paths relative to this folder, so that other machines give the same ids.",
            metavar="DIR",
        ),
    ] = None,
    metadata: Annotated[
        list[str] | None,
        typer.Option("--metadata", "-m", help="Key-value for every document.", metavar="KEY=VALUE"),
    ] = None,
    calibrate: Annotated[
        bool,
        typer.Option(
            "--calibrate/--no-calibrate",
            help="Calibrate a collection that has changed by more than half; see ragserve "
            "calibrate.",
        ),
    ] = True,
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Index files: Markdown, text, reStructuredText, HTML, PDF, DOCX, PPTX, XLSX, CSV, JSON, JSONL.

    What is known and unchanged is left alone, so running it again resumes and updates. A file that
    cannot be read is named at the end, and the others go on; the exit code is then 1.

    Example: ragserve ingest docs/ handbook.pdf -m team=platform
    """
    from app.cli.output import make_console
    from app.client import ingestion
    from app.client.api_client import ApiClient
    from app.client.ingestion import Report, SourceFile

    console = make_console()
    found = list(ingestion.find_files(paths, root=root))
    files = [item for item in found if isinstance(item, SourceFile)]
    missing = [(item.path, item.message) for item in found if not isinstance(item, SourceFile)]
    report = Report()
    try:
        with ApiClient(url, timeout_s=600.0) as service, _Bar(console, files) as bar:
            report = ingestion.ingest(
                files,
                lambda body: service.post("/v1/documents", body),
                metadata=_parse_metadata(metadata or []),
                on_progress=bar.show,
            )
    except KeyboardInterrupt:
        console.print("Interrupted. The same command goes on where this one stopped.")
        sys.stdout.flush()
        # Not sys.exit: it would wait for the requests that are on their way.
        os._exit(130)
    report.failures[:0] = missing
    _print_report(console, report, len(files), bar.elapsed_s)
    if calibrate and report.added + report.updated:
        _calibrate(console, url, home)
    if report.failures or not files:
        raise typer.Exit(1)


def _calibrate(console: "Console", url: str, home: Path) -> None:
    """Calibrates what is out of date; a failure is one line, as the documents are indexed."""
    from rich.markup import escape

    from app.cli.calibrate import CALIBRATION_TIMEOUT_S, fit, indexes
    from app.cli.operator import operator_service
    from app.client.errors import CliError

    try:
        with operator_service(url, home, timeout_s=CALIBRATION_TIMEOUT_S) as service:
            for name in indexes(service):
                fit(console, service, name, only_if_stale=True)
    except CliError as error:
        console.print(f"Not calibrated (ragserve calibrate does it later): {escape(error.message)}")


class _Bar:
    """A progress bar over the bytes of the files, with the rate in chunks and the time left."""

    def __init__(self, console: "Console", files: "list[SourceFile]") -> None:
        from rich.progress import (
            BarColumn,
            DownloadColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
        )

        self._started_s = time.monotonic()
        self._progress = Progress(
            TextColumn("Ingesting"),
            BarColumn(),
            DownloadColumn(),
            TextColumn("{task.fields[documents]} documents  {task.fields[rate]:.0f} chunks/s"),
            TimeRemainingColumn(),
            console=console,
            disable=not console.is_terminal,
        )
        total_bytes = sum(file.size_bytes for file in files)
        self._task = self._progress.add_task("", total=total_bytes, documents=0, rate=0.0)

    @property
    def elapsed_s(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._started_s

    def __enter__(self) -> "Self":
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def show(self, done_bytes: int, report: "Report") -> None:
        """Moves the bar."""
        self._progress.update(
            self._task,
            completed=done_bytes,
            documents=report.documents,
            rate=report.chunk_count / max(self.elapsed_s, 0.001),
        )


def _parse_metadata(pairs: list[str]) -> dict[str, str]:
    parsed = {}
    for pair in pairs:
        key, separator, value = pair.partition("=")
        if not separator or not key:
            raise typer.BadParameter(f"'{pair}' is not KEY=VALUE", param_hint="--metadata")
        parsed[key] = value
    return parsed


def _print_report(console: "Console", report: "Report", files: int, took_s: float) -> None:
    from rich.markup import escape

    for path, reason in report.failures:
        console.print(f"[red]failed[/] {escape(path)}: {escape(reason)}")
    if not files:
        console.print("No file was found that can be read.")
        return
    changed = report.added + report.updated
    counts = f"{report.added} added, {report.updated} updated, {report.unchanged} unchanged"
    if changed == 0 and not report.failures and report.unchanged:
        console.print(f"Nothing changed: all {report.unchanged} documents were known already.")
        return
    rate = report.chunk_count / max(took_s, 0.001)
    console.print(
        f"{files} files read in {took_s:.1f} s: {counts}, {len(report.failures)} failed; "
        f"{report.chunk_count} chunks written, {rate:.0f} per second."
    )
