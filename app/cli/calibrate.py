"""`ragserve calibrate`: finds the score below which a collection does not answer."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.cli.options import DEFAULT_HOME, HomeOption, UrlOption
from app.client.address import DEFAULT_URL

if TYPE_CHECKING:
    from rich.console import Console

    from app.client.api_client import ApiClient

CALIBRATION_TIMEOUT_S = 660.0


def calibrate(
    retrieval: Annotated[
        str | None,
        typer.Option(
            "--retrieval", help="A retrieval application; without it all of them.", metavar="NAME"
        ),
    ] = None,
    home: HomeOption = DEFAULT_HOME,
    url: UrlOption = DEFAULT_URL,
) -> None:
    """Find the score below which a chunk does not support an answer, for each collection.

    The collection is asked questions made from its own chunks, and questions on other subjects; the
    score lies between the two. Releases that set `min_relevance_score` themselves keep theirs. It
    takes a minute or two while the service goes on. Exit code 1 if a collection could not be
    calibrated.

    Example: ragserve calibrate --retrieval retrieval-v1
    """
    from app.cli.operator import operator_service
    from app.cli.output import make_console

    console = make_console()
    with operator_service(url, home, timeout_s=CALIBRATION_TIMEOUT_S) as service:
        names = indexes(service) if retrieval is None else [retrieval]
        fitted = [fit(console, service, name, only_if_stale=False) for name in names]
    if not all(fitted):
        raise typer.Exit(1)


def indexes(service: "ApiClient") -> list[str]:
    """Returns the retrieval applications that releases name, sorted."""
    releases = service.request("GET", "/admin/releases")["releases"]
    return sorted({release["retrieval"] for release in releases})


def fit(console: "Console", service: "ApiClient", name: str, *, only_if_stale: bool) -> bool:
    """Has a collection calibrated, with a clock beside it on a terminal, and prints what came of
    it, but not that all is well already; returns whether the collection has one that fits.

    Raises:
        CliError: The service could not do it.
    """
    from rich.markup import escape
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(
        *columns, console=console, disable=not console.is_terminal, transient=True
    ) as progress:
        progress.add_task(f"Calibrating {escape(name)}: asking it some 250 questions", total=None)
        body = {"retrieval": name, "only_if_stale": only_if_stale}
        done = service.request("POST", "/admin/calibrations", body)
    if done["status"] != "current":
        console.print(escape(f"{name}: {_says(done)}"))
    return bool(done["status"] != "impossible")


def _says(done: dict[str, Any]) -> str:
    before, after = done["before"], done["after"]
    if done["status"] == "impossible":
        holds = "" if before is None else f" It keeps {_score(before)}."
        return f"not calibrated. {done['reason']}{holds}"
    former = "none before" if before is None else f"{_score(before)} before"
    return (
        f"chunks support an answer from {_score(after)} on ({former}). Of {after['own_questions']} "
        f"questions of its own {after['kept_ratio']:.0%} reach it; of "
        f"{after['foreign_questions']} on other subjects {after['refused_ratio']:.0%} do not."
    )


def _score(calibration: dict[str, Any]) -> str:
    return f"{calibration['min_relevance_score']:.3g}"
