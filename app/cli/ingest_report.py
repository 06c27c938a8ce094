"""What `ragserve ingest` prints at its end: what failed, what was left out, what was written."""

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

    from app.client.files import Found, LeftOut
    from app.client.ingestion import Report
    from app.client.mirror import IndexedPath

_SHOWN_EXTENSIONS = 5
_SHOWN_PATHS = 20


def print_report(console: "Console", report: "Report", files: int, took_s: float) -> None:
    """Prints what became of the files that were read."""
    _print_troubles(console, report)
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


def print_plan(console: "Console", report: "Report", files: int) -> None:
    """Prints what would be sent."""
    _print_troubles(console, report)
    console.print(
        f"Nothing was sent. {len(report.paths)} documents of {files} files would be: what is new "
        "or changed would be written, the rest left alone."
    )


def print_left_out(console: "Console", found: "Iterable[Found]") -> None:
    """Prints what a folder has beside what was read, by kind; links that lead out by name."""
    from rich.markup import escape

    from app.client.files import LeftOut

    left_out = [item for item in found if isinstance(item, LeftOut)]
    for item in left_out:
        if item.kind in ("link out of the folder", "no regular file"):
            console.print(f"[yellow]passed over[/] {escape(item.path)}: {item.kind}")
    kinds = Counter(item.kind for item in left_out)
    if kinds:
        shown = (f"{count} {_said(kind, count, left_out)}" for kind, count in kinds.most_common())
        console.print(f"Left out: {escape(', '.join(shown))}.")


def print_missing(
    console: "Console", missing: "Sequence[IndexedPath]", *, is_dry_run: bool
) -> None:
    """Prints the documents whose file is gone."""
    from rich.markup import escape

    did = "would delete" if is_dry_run else "deleted"
    for document in missing[:_SHOWN_PATHS]:
        console.print(f"[yellow]{did}[/] {escape(document.path)}")
    if len(missing) > _SHOWN_PATHS:
        console.print(f"... and {len(missing) - _SHOWN_PATHS} more")
    verb = "would be deleted" if is_dry_run else "deleted"
    console.print(f"{len(missing)} documents {verb}, whose files are gone.")


def _print_troubles(console: "Console", report: "Report") -> None:
    from rich.markup import escape

    for path, reason in report.failures:
        console.print(f"[red]failed[/] {escape(path)}: {escape(reason)}")
    for path, warning in report.warnings:
        console.print(f"[yellow]note[/] {escape(path)}: {escape(warning)}")


def _said(kind: str, count: int, left_out: "Sequence[LeftOut]") -> str:
    """Returns a kind in words, for so many."""
    if kind == "unread format":
        suffixes = Counter(
            PurePosixPath(item.path).suffix or "no extension"
            for item in left_out
            if item.kind == kind
        )
        most = (f"{suffix} {n}" for suffix, n in suffixes.most_common(_SHOWN_EXTENSIONS))
        return f"of a format that nothing reads ({', '.join(most)})"
    if kind == "link out of the folder":
        return kind if count == 1 else "links out of the folder"
    if kind == "no regular file":
        return "pipe, socket or device" if count == 1 else "pipes, sockets or devices"
    return kind
