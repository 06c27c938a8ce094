"""`ragserve evaluate`: questions with known answers, put to a running service."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.options import DEFAULT_HOME, HomeOption, UrlOption
from app.client.address import DEFAULT_URL
from app.client.errors import CliError

if TYPE_CHECKING:
    from app.cli.evaluate.judging import Judged
    from app.cli.evaluate.questions import Known
    from app.cli.evaluate.summary import Summary

_TIMEOUT_S = 120.0


def evaluate(
    questions: Annotated[
        Path,
        typer.Argument(
            metavar="QUESTIONS",
            help="A JSONL file; a line has `question`, and may have `answer` (one, or a list), "
            "`document` (path or id; one, or a list) and `answerable` (true or false).",
        ),
    ],
    make: Annotated[
        int | None,
        typer.Option(
            help="Propose so many questions from the indexed documents, by their headings and "
            "sentences, and write them to QUESTIONS for you to go through; nothing is asked.",
            min=1,
            max=10_000,
            metavar="N",
        ),
    ] = None,
    release: Annotated[
        list[str] | None,
        typer.Option(
            "--release",
            "-r",
            help="Ask this release, with the operators' key; again for others, side by side. "
            "Without it the service chooses, as for any client.",
            metavar="NAME",
        ),
    ] = None,
    at_once: Annotated[int, typer.Option(help="Requests at the same time.", min=1, max=64)] = 4,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="Write a line of JSON for each answer.", metavar="FILE"
        ),
    ] = None,
    picture: Annotated[
        Path | None, typer.Option(help="Write the shares as a picture (PNG).", metavar="FILE")
    ] = None,
    mlflow: Annotated[
        str | None,
        typer.Option("--mlflow", help="Keep it as runs in this MLflow server.", metavar="URL"),
    ] = None,
    require: Annotated[
        list[str] | None,
        typer.Option(
            "--require",
            help="End with 1 where a release has less: right, hit, first_hit, answered or refused, "
            "such as right=0.8; for CI.",
            metavar="SHARE=VALUE",
        ),
    ] = None,
    timeout_s: Annotated[
        float, typer.Option("--timeout", help="Seconds of one request.", min=1.0, metavar="S")
    ] = _TIMEOUT_S,
    home: HomeOption = DEFAULT_HOME,
    url: UrlOption = DEFAULT_URL,
) -> None:
    """Ask questions whose answers are known, and see what is found, answered and refused.

    Example: ragserve evaluate questions.jsonl --release minilm-extractive --release candidate
    """
    from app.cli.evaluate.questions import read_questions
    from app.cli.evaluate.record import lines_of, record
    from app.cli.evaluate.requirements import read_requirements, unmet
    from app.cli.evaluate.summary import summarize
    from app.cli.evaluate.view import print_summaries, print_wrong
    from app.cli.output import make_console

    console = make_console()
    if make is not None:
        console.print(f"{_make(make, questions, timeout_s, url)} questions are in {questions}.")
        return
    required = read_requirements(require or [])
    asked = read_questions(questions)
    _require_folders(output, picture)
    judged = _ask(asked, release or [], at_once, timeout_s, home, url)
    summaries = summarize(judged)
    print_summaries(console, summaries)
    print_wrong(console, judged)
    if output is not None:
        output.write_text(lines_of(judged), encoding="utf-8")
    if picture is not None:
        _draw(summaries, picture)
    if mlflow is not None:
        runs = record(mlflow, questions.stem, judged, summaries)
        console.print(f"\nKept in MLflow as {', '.join(runs)}")
    if all(one.error for one in judged):
        raise CliError("No question was answered.", "", judged[0].error)
    if missed := unmet(summaries, required):
        raise CliError("Less than what is required.", "", "\n".join(missed))


def _ask(
    questions: "list[Known]",
    releases: list[str],
    at_once: int,
    timeout_s: float,
    home: Path,
    url: str,
) -> "list[Judged]":
    from rich.progress import Progress

    from app.cli.evaluate.asking import ask_all, clients
    from app.cli.operator import operator_key
    from app.cli.output import make_console
    from app.client.api_client import API_KEY_VARIABLE

    key = operator_key(url, home) if releases else os.environ.get(API_KEY_VARIABLE, "")
    with (
        clients(url, key, releases, timeout_s=timeout_s) as asked,
        Progress(console=make_console(stderr=True), transient=True) as progress,
    ):
        task = progress.add_task("asking", total=len(questions) * len(asked))
        return ask_all(
            questions, asked, at_once=at_once, on_answer=lambda _: progress.advance(task)
        )


def _make(count: int, path: Path, timeout_s: float, url: str) -> int:
    """Writes proposals, and returns how many there are."""
    import json

    from app.cli.evaluate.proposals import propose
    from app.client.api_client import ApiClient

    _require_folders(path)
    with ApiClient(url, timeout_s=timeout_s) as service, service.client() as client:
        lines = [json.dumps(one, ensure_ascii=False) for one in propose(client, count)]
    try:
        with path.open("x", encoding="utf-8") as file:
            file.writelines(f"{line}\n" for line in lines)
    except FileExistsError as error:
        raise CliError(f"{path} is there already, and is not written over.") from error
    return len(lines)


def _require_folders(*paths: Path | None) -> None:
    """Raises CliError before anything is asked, where a file could not be written in the end."""
    for path in paths:
        if path is not None and not os.access(path.parent, os.W_OK):
            raise CliError(f"{path} cannot be written: there is no such folder, or it is closed.")


def _draw(summaries: "list[Summary]", path: Path) -> None:
    try:
        from app.cli.evaluate.picture import picture_of

        path.write_bytes(picture_of(summaries))
    except ImportError as error:
        raise CliError("A picture needs matplotlib.", "pip install 'ragserve[serve]'") from error
