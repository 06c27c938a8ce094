"""`ragserve feedback`: what was liked least, and a set of questions made of it."""

import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlencode

import typer

from app.cli.access.bounds import JsonOption
from app.cli.access.service import ask
from app.cli.options import DEFAULT_HOME, HomeOption, UrlOption
from app.client.address import DEFAULT_URL

_HELP = """Show what was liked least: question, answer, passages, release and comment.

Texts are shown where traces have them. Example: ragserve feedback --days 7 --limit 5
"""
_PATH = "/v1/feedback"
_PAGE = 50
feedback = typer.Typer(name="feedback", help=_HELP, invoke_without_command=True)

DaysOption = Annotated[
    float, typer.Option(help="Only what was said in so many days.", min=0.01, metavar="DAYS")
]
ReleaseOption = Annotated[
    str | None, typer.Option(help="Only answers of this release.", metavar="NAME")
]


@feedback.callback()
def show(
    context: typer.Context,
    name: Annotated[
        str,
        typer.Option(
            "--name",
            help="What is listed: feedback of people, or groundedness or relevance by judges.",
            metavar="NAME",
        ),
    ] = "feedback",
    release: ReleaseOption = None,
    days: DaysOption = 30.0,
    limit: Annotated[int, typer.Option(help="Answers at most.", min=1, max=1000)] = 10,
    as_json: JsonOption = False,
    home: HomeOption = DEFAULT_HOME,
    url: UrlOption = DEFAULT_URL,
) -> None:
    """Show what was liked least, and how the answers of each release are liked."""
    if context.invoked_subcommand is not None:
        return
    from app.cli.feedback.view import print_answers, print_scores

    asked = {"name": name, "release": release, "days": days}
    found = list(islice(rated_answers(asked, home=home, url=url), limit))
    scores = ask("GET", f"{_PATH}/releases?{urlencode({'days': days})}", home=home, url=url)
    if as_json:
        told = {"releases": scores["data"], "answers": found}
        typer.echo(json.dumps(told, indent=2, ensure_ascii=False))
        return
    print_scores(scores["data"])
    print_answers(found)


@feedback.command()
def export(
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="A new folder, for corpus.jsonl and qa.jsonl.")
    ],
    release: ReleaseOption = None,
    days: DaysOption = 30.0,
    home: HomeOption = DEFAULT_HOME,
    url: UrlOption = DEFAULT_URL,
) -> None:
    """Write rated answers as a set of questions with known answers, for benchmarks.answers.

    Known is what a correction says, and else an answer that was liked; the passages are the
    documents. What was disliked and not corrected is left out.

    Example: ragserve feedback export liked && python -m benchmarks.answers --data liked
    """
    from app.cli.feedback.evaluation_set import evaluation_set, write_set
    from app.cli.output import make_console

    asked = {"release": release, "days": days}
    made = evaluation_set(rated_answers(asked, home=home, url=url))
    write_set(made, folder)
    make_console().print(
        f"{folder}: {len(made.questions)} questions, {len(made.documents)} passages. Left out: "
        f"{made.disliked} that were disliked and not corrected, {made.unrecorded} without texts."
    )


def rated_answers(asked: dict[str, Any], *, home: Path, url: str) -> Iterator[dict[str, Any]]:
    """Yields answers that were rated, the lowest scores first, asking for some at a time."""
    wanted = {key: value for key, value in asked.items() if value is not None} | {"limit": _PAGE}
    after = ""
    while True:
        page = ask("GET", f"{_PATH}?{urlencode(wanted | {'after': after})}", home=home, url=url)
        yield from page["data"]
        if not page["has_more"]:
            return
        after = page["last_id"]
