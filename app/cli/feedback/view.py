"""How rated answers, and the scores of releases, look on a terminal."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from rich.markup import escape
from rich.table import Table

from app.cli.output import make_console

_PASSAGES, _PASSAGE_CHARACTERS = 3, 160
_THUMBS = {"up": "[green]up[/]", "down": "[bold red]down[/]"}


def print_scores(scores: Sequence[Mapping[str, Any]]) -> None:
    """Prints how the answers of each release are assessed."""
    table = Table(box=None, pad_edge=False)
    for heading in ("release", "of"):
        table.add_column(heading)
    for heading in ("answers", "score", "95 %", "up", "down"):
        table.add_column(heading, justify="right")
    for one in scores:
        table.add_row(
            escape(one["release"]),
            one["name"],
            f"{one['count']:,}",
            f"{one['mean']:.2f}",
            f"{one['low']:.2f} to {one['high']:.2f}",
            f"{one['thumbs_up']:,}",
            f"{one['thumbs_down']:,}",
        )
    console = make_console()
    if scores:
        console.print(table)
    else:
        console.print("No answer was rated.")


def print_answers(answers: Sequence[Mapping[str, Any]]) -> None:
    """Prints what was said of answers, each with what is recorded of it."""
    console = make_console()
    for one in answers:
        rated = _THUMBS.get(one["thumb"] or "", f"{one['score']:.2f}")
        at = time.strftime("%Y-%m-%d %H:%M", time.gmtime(one["rated_at"]))
        console.print(f"\n{rated}  {at}  {escape(one['release'])}  {escape(one['request_id'])}")
        for name, text in _texts(one):
            console.print(f"  [dim]{name:<9}[/] {escape(_on_one_line(text))}")


def _texts(one: Mapping[str, Any]) -> list[tuple[str, str]]:
    recorded = one["recorded"] or {}
    texts = [
        ("question", recorded.get("question", "")),
        ("answer", recorded.get("answer", "")),
        ("comment", one["comment"]),
        ("should be", one["correction"]),
    ]
    for passage in recorded.get("passages", [])[:_PASSAGES]:
        title = f"{passage['title']}: " if passage["title"] else ""
        texts.append(("passage", (title + passage["text"])[:_PASSAGE_CHARACTERS]))
    return [(name, text) for name, text in texts if text]


def _on_one_line(text: str) -> str:
    return " ".join(text.split())
