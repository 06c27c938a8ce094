"""How an evaluation looks in a terminal: a table with a column for each release."""

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from app.cli.evaluate.judging import Judged
from app.cli.evaluate.summary import Share, Summary

ROWS = {
    "first_hit": "right document first",
    "hit": "right document found",
    "right": "right answer",
    "answered": "answered, of those with an answer",
    "refused": "refused, of those without one",
    "errors": "failed",
}
_SHOWN_WRONG = 10


def print_summaries(console: Console, summaries: Sequence[Summary]) -> None:
    """Prints the figures, releases side by side."""
    table = Table(box=None, pad_edge=False)
    table.add_column("")
    for summary in summaries:
        table.add_column(escape(summary.release), justify="right")
    known = [summary.shares() for summary in summaries]
    for name, says in ROWS.items():
        if any(name in shares for shares in known):
            table.add_row(says, *(_text(shares.get(name)) for shares in known))
    if any(summary.mrr is not None for summary in summaries):
        table.add_row("mean reciprocal rank", *(_number(one.mrr, 3) for one in summaries))
    for says, figures in (
        ("p50 ms", [one.p50_ms for one in summaries]),
        ("p95 ms", [one.p95_ms for one in summaries]),
    ):
        table.add_row(says, *(_number(figure, 0) for figure in figures))
    console.print(table)


def print_wrong(console: Console, judged: Sequence[Judged]) -> None:
    """Prints the first questions that went wrong, and what was said."""
    wrong = [one for one in judged if one.error or one.is_right is False or one.rank == 0]
    for one in wrong[:_SHOWN_WRONG]:
        said = one.error or one.answer
        console.print(f"\n{escape(one.known.question)}  [dim]{escape(one.release)}[/]")
        console.print(f"  {said}", markup=False, highlight=False, style="dim")
    if len(wrong) > _SHOWN_WRONG:
        console.print(f"\n… and {len(wrong) - _SHOWN_WRONG} more: --output FILE has them all.")


def _text(share: Share | None) -> str:
    if share is None or share.value is None:
        return "–"
    low, high = share.bounds
    return f"{share.value:.3f} ({low:.3f} to {high:.3f}) of {share.total}"


def _number(value: float | None, digits: int) -> str:
    return "–" if value is None else f"{value:.{digits}f}"
