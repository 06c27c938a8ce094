"""`ragserve ingest`: files and folders into the running service."""

import os
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.cli.options import DEFAULT_HOME, AclOption, HomeOption, MetadataOption, UrlOption
from app.client.address import DEFAULT_URL

if TYPE_CHECKING:
    from typing import Self

    from rich.console import Console

    from app.client.files import Found, SourceFile
    from app.client.ingestion import Report

_DELETE_TIMEOUT_S = 60.0


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
    metadata: MetadataOption = None,
    acl: AclOption = None,
    exclude: Annotated[
        list[str] | None,
        typer.Option(
            "--exclude",
            "-x",
            help="Leave out what fits, as in a .gitignore; a file .ragserveignore in a folder says "
            "the same.",
            metavar="PATTERN",
        ),
    ] = None,
    hidden: Annotated[
        bool, typer.Option("--hidden", help="Read hidden sheets, slides and text, too.")
    ] = False,
    comments: Annotated[
        bool, typer.Option("--comments", help="Read comments in Word documents, too.")
    ] = False,
    delete_missing: Annotated[
        bool,
        typer.Option(
            "--delete-missing",
            help="Delete documents of the named folders whose file is gone. What is excluded or "
            "cannot be read stays.",
        ),
    ] = False,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Read everything, say what would be done, and change none."),
    ] = False,
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
    cannot be read is named at the end, and the others go on; the exit code is then 1. Links that
    lead out of a named folder, pipes and devices are never read.

    Example: ragserve ingest docs/ handbook.pdf -m team=platform --exclude 'drafts/'
    """
    from app.cli.ingest_report import print_left_out, print_plan, print_report
    from app.cli.output import make_console
    from app.client import ingestion
    from app.client.api_client import ApiClient
    from app.client.files import SourceFile, find_files
    from app.client.mirror import folder_prefixes, require_files
    from deployments.contracts.documents import ReadFailure
    from deployments.indexer.cage.limits import ReadingArgs

    console = make_console()
    folders = [path for path in paths if path.is_dir()]
    prefixes = folder_prefixes(folders, root=root) if delete_missing else []
    found = list(find_files(paths, root=root, exclude=exclude or ()))
    if delete_missing:
        require_files(folders, found, root=root)
    files = [item for item in found if isinstance(item, SourceFile)]
    missing = [(item.path, item.message) for item in found if isinstance(item, ReadFailure)]
    report = ingestion.Report()
    try:
        with ApiClient(url, timeout_s=600.0) as service, _Bar(console, files) as bar:
            report = ingestion.ingest(
                files,
                _send_nowhere if dry_run else lambda body: service.post("/v1/documents", body),
                metadata=parse_metadata(metadata or []),
                acl=acl or None,
                reading=ReadingArgs(processes=1, hidden=hidden, comments=comments),
                on_progress=bar.show,
            )
    except KeyboardInterrupt:
        console.print("Interrupted. The same command goes on where this one stopped.")
        sys.stdout.flush()
        # Not sys.exit: it would wait for the requests that are on their way.
        os._exit(130)
    report.failures[:0] = missing
    if dry_run:
        print_plan(console, report, len(files))
    else:
        print_report(console, report, len(files), bar.elapsed_s)
    print_left_out(console, found)
    if prefixes:
        _mirror(console, url, prefixes, report, found, is_dry_run=dry_run)
    if calibrate and not dry_run and report.added + report.updated:
        _calibrate(console, url, home)
    if report.failures or not files:
        raise typer.Exit(1)


def _send_nowhere(body: dict[str, Any]) -> dict[str, Any]:
    """Stands in for the service where nothing is to change."""
    return {"added": 0, "updated": 0, "unchanged": 0, "outcomes": []}


def _mirror(
    console: "Console",
    url: str,
    prefixes: list[str],
    report: "Report",
    found: "list[Found]",
    *,
    is_dry_run: bool,
) -> None:
    """Deletes the documents of the folders whose file is gone."""
    from app.cli.ingest_report import print_missing
    from app.client.api_client import ApiClient
    from app.client.mirror import delete_documents, find_missing, list_documents, paths_kept

    with ApiClient(url, timeout_s=_DELETE_TIMEOUT_S) as service:
        gone = find_missing(
            list_documents(service),
            prefixes=prefixes,
            sent=report.paths,
            kept=paths_kept(found, report.failures),
        )
        if not is_dry_run:
            delete_documents(service, gone)
    print_missing(console, gone, is_dry_run=is_dry_run)


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


def parse_metadata(pairs: list[str]) -> dict[str, str]:
    """Returns key-values as they were written on the command line; raises BadParameter for what is
    none."""
    parsed = {}
    for pair in pairs:
        key, separator, value = pair.partition("=")
        if not separator or not key:
            raise typer.BadParameter(f"'{pair}' is not KEY=VALUE", param_hint="--metadata")
        parsed[key] = value
    return parsed
