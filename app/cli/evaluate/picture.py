"""How an evaluation looks as a picture: the shares of each release with their intervals."""

from collections.abc import Sequence
from io import BytesIO

from app.cli.evaluate.summary import Summary
from app.cli.evaluate.view import ROWS


def picture_of(summaries: Sequence[Summary]) -> bytes:
    """Returns a picture of the shares with their intervals (PNG)."""
    from matplotlib.figure import Figure

    names = [name for name in ROWS if any(name in one.shares() for one in summaries)]
    figure = Figure(figsize=(7, 0.6 + 0.35 * len(names) * (1 + len(summaries))), layout="tight")
    axes = figure.subplots()
    step = 0.8 / len(summaries)
    for place, summary in enumerate(summaries):
        shares = summary.shares()
        own = [(row, shares[name]) for row, name in enumerate(names) if name in shares]
        values = [share.value or 0.0 for _, share in own]
        bounds = [share.bounds for _, share in own]
        axes.barh(
            [row + (place - (len(summaries) - 1) / 2) * step for row, _ in own],
            values,
            height=step,
            xerr=[
                [value - low for value, (low, _) in zip(values, bounds, strict=True)],
                [high - value for value, (_, high) in zip(values, bounds, strict=True)],
            ],
            label=summary.release,
            capsize=2,
        )
    axes.set_yticks(range(len(names)), [ROWS[name] for name in names])
    axes.invert_yaxis()
    axes.set_xlim(0, 1)
    axes.set_xlabel("share of the questions, with 95 % intervals")
    if len(summaries) > 1:
        axes.legend()
    content = BytesIO()
    figure.savefig(content, format="png", dpi=120)
    return content.getvalue()
