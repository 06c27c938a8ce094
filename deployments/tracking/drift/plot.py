"""A picture of two windows: queries on a plane, scores, lengths, answers without support by day."""

from collections.abc import Callable
from datetime import UTC, datetime
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np

from deployments.drift import DAY_S, DriftCheck, DriftReport
from deployments.tracking.drift.samples import Flags, Floats, Samples

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_DPI = 110
_REFERENCE, _CURRENT, _ALARM, _QUIET = "#8a8a8a", "#1f5fa8", "#b3261e", "#444444"
_BINS = 30
_POINTS = 1500
_SAYS = {"drift": "drift", "none": "no drift", "not_enough": "too little data"}


def draw_drift(report: DriftReport, samples: Samples) -> bytes:
    """Returns the figure of `drift_figure` as a PNG."""
    picture = BytesIO()
    figure = drift_figure(report, samples)
    figure.savefig(picture, format="png", dpi=_DPI, metadata={"Software": None})
    return picture.getvalue()


def drift_figure(report: DriftReport, samples: Samples) -> "Figure":
    """Returns a panel for each comparison, the reference window in grey and the current one in
    blue.

    Args:
        report: What was found.
        samples: Of both windows.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.6, 6.6), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(2, 2)
    draw: dict[str, Callable[[Axes, Samples], None]] = {
        "queries": _draw_queries,
        "top_score": lambda panel, of: _draw_density(
            panel, of, of.top_score, "score of the best passage"
        ),
        "answer_words": lambda panel, of: _draw_density(
            panel, of, of.answer_words, "words of an answer"
        ),
        "ungrounded": _draw_ungrounded,
    }
    for panel, check in zip(panels.flat, report.checks, strict=True):
        if len(samples):
            draw[check.name](panel, samples)
        colour = _ALARM if check.verdict == "drift" else _QUIET
        panel.set_title(_title(check), fontsize=9.5, color=colour)
        panel.tick_params(labelsize=8)
        panel.spines[["top", "right"]].set_visible(False)
    until = datetime.fromtimestamp(report.current.to_s, UTC)
    release = report.release.replace("$", r"\$")
    figure.suptitle(f"{release}, until {until:%Y-%m-%d %H:%M} UTC: {_SAYS[report.verdict]}")
    handles, labels = panels.flat[0].get_legend_handles_labels()
    if handles:
        figure.legend(handles, labels, loc="outside lower center", ncols=2, frameon=False)
    return figure


def _title(check: DriftCheck) -> str:
    effect = "" if check.effect is None else f" ({check.effect:.3g})"
    return f"{check.name.replace('_', ' ')}: {_SAYS[check.verdict]}{effect}"


def _sides(samples: Samples) -> list[tuple[Flags, str, str]]:
    return [
        (~samples.is_current, _REFERENCE, f"reference, {(~samples.is_current).sum()} queries"),
        (samples.is_current, _CURRENT, f"current, {samples.is_current.sum()} queries"),
    ]


def _draw_queries(panel: "Axes", samples: Samples) -> None:
    from sklearn.decomposition import PCA

    if min(samples.vectors.shape) < 2:
        return
    plane = np.asarray(PCA(2, random_state=0).fit_transform(samples.vectors))
    for side, colour, label in _sides(samples):
        points = plane[side][-_POINTS:]
        panel.scatter(
            points[:, 0], points[:, 1], s=5, color=colour, alpha=0.5, linewidths=0, label=label
        )
    panel.set_xlabel("first principal component of the embeddings", fontsize=8)
    panel.set_ylabel("second", fontsize=8)


def _draw_density(panel: "Axes", samples: Samples, values: Floats, says: str) -> None:
    known = np.isfinite(values)
    if not known.any():
        return
    low, high = np.quantile(values[known], [0.0, 0.99])
    edges = np.linspace(low, max(high, low + 1e-6), _BINS + 1)
    for side, colour, _ in _sides(samples):
        shown = np.clip(values[side & known], edges[0], edges[-1])
        if len(shown):
            panel.hist(
                shown, edges.tolist(), density=True, histtype="step", color=colour, linewidth=1.4
            )
    panel.set_xlabel(says, fontsize=8)
    panel.set_yticks([])


def _draw_ungrounded(panel: "Axes", samples: Samples) -> None:
    """By days before the end, because the windows need not begin at midnight."""
    end_s = float(samples.at_s.max())
    for side, colour, _ in _sides(samples):
        days = np.ceil((samples.at_s[side] - end_s) / DAY_S)
        names = np.unique(days)
        shares = [100.0 * float(samples.ungrounded[side][days == day].mean()) for day in names]
        panel.plot(names, shares, color=colour, marker="o", markersize=4, linewidth=1.2)
    panel.set_ylim(bottom=0)
    panel.set_xlabel("days before the end", fontsize=8)
    panel.set_ylabel("% without support", fontsize=8)
