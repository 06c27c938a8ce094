"""A picture of a rollout: how much worse the canary was by every metric that decides, over time."""

from collections.abc import Sequence
from io import BytesIO
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np

from deployments.canary.evidence import Array
from deployments.canary.metrics import METRICS
from deployments.canary.verdict import Verdict
from deployments.rollouts import Look, Rollout
from deployments.tracking.rollouts.figures import is_relative, share_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_COLUMNS = 3
_DPI = 110
_EFFECT, _MARGIN, _QUIET = "#1f5fa8", "#b3261e", "#8a8a8a"
_OUTCOMES = {"pass": "#1b7f3b", "fail": _MARGIN}
_TITLE_CHARACTERS = 150
Point = tuple[Look, Verdict]


def draw_effects(rollout: Rollout, looks: Sequence[Look]) -> bytes | None:
    """Returns the figure of `effects_figure` as a PNG, or None where there is none."""
    figure = effects_figure(rollout, looks)
    if figure is None:
        return None
    picture = BytesIO()
    figure.savefig(picture, format="png", dpi=_DPI, metadata={"Software": None})
    return picture.getvalue()


def effects_figure(rollout: Rollout, looks: Sequence[Look]) -> "Figure | None":
    """Returns a figure, or None where nothing can be drawn yet.

    A panel per metric: its effect, positive where the canary is worse, in percent or percentage
    points; the confidence sequence as a band, the margin, and the changes of stage. Every stage
    begins without evidence, so its curve begins anew.

    Args:
        rollout: The rollout.
        looks: Its looks, oldest first.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    courses = _courses(looks)
    if not courses:
        return None
    rows = -(-len(courses) // _COLUMNS)
    columns = min(_COLUMNS, len(courses))
    figure = Figure(figsize=(4.6 * columns, 2.6 * rows + 1.1), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(rows, columns, squeeze=False, sharex=True)
    changes = _stage_changes(rollout, looks)
    for place, (name, points) in enumerate(courses.items()):
        panel = axes.flat[place]
        _draw(panel, rollout, name, points, changes)
        if place + columns >= len(courses):
            panel.set_xlabel("minutes since the rollout began")
            panel.tick_params(labelbottom=True)
    for spare in axes.flat[len(courses) :]:
        spare.set_visible(False)
    last = looks[-1]
    outcome = last.state.phase.replace("_", " ")
    title = f"{rollout.canary} over {rollout.stable}: {outcome}\n{last.decision.reason}"
    cut = title if len(title) <= _TITLE_CHARACTERS else title[: _TITLE_CHARACTERS - 1] + "…"
    figure.suptitle(_literal(cut), fontsize=11)
    handles, labels = axes.flat[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4, frameon=False, fontsize=9)
    return figure


def _courses(looks: Sequence[Look]) -> dict[str, list[Point]]:
    """Returns the points in time at which a metric that decides had an effect, by metric."""
    courses: dict[str, list[Point]] = {}
    for look in looks:
        for verdict in look.decision.verdicts:
            if verdict.rolls_back and None not in (verdict.change, verdict.lower, verdict.upper):
                courses.setdefault(verdict.metric, []).append((look, verdict))
    return courses


def _stage_changes(rollout: Rollout, looks: Sequence[Look]) -> list[tuple[float, str]]:
    """Returns when the stages began, in minutes, and the canary's share in each."""
    begins = [(0.0, 0)]
    begins += [
        (_minutes(rollout, look), look.state.stage)
        for look in looks
        if look.decision.action == "advance"
    ]
    return [(minutes, share_of(rollout.policy.stages[stage])) for minutes, stage in begins]


def _draw(
    panel: "Axes",
    rollout: Rollout,
    name: str,
    points: Sequence[Point],
    changes: Sequence[tuple[float, str]],
) -> None:
    for stage, course in groupby(points, key=lambda point: point[0].decision.stage):
        segment = list(course)
        times = [_minutes(rollout, look) for look, _ in segment]
        effect, lower, upper, margin = (
            _percent(segment, figure) for figure in ("change", "lower", "upper", "margin")
        )
        labels = stage == points[0][0].decision.stage
        panel.fill_between(
            times,
            lower,
            upper,
            color=_EFFECT,
            alpha=0.18,
            linewidth=0,
            label="confidence sequence" if labels else None,
        )
        panel.plot(times, effect, color=_EFFECT, linewidth=1.6, label="effect" if labels else None)
        panel.plot(
            times,
            margin,
            color=_MARGIN,
            linewidth=1.2,
            linestyle="--",
            label="margin" if labels else None,
        )
    panel.axhline(0, color=_QUIET, linewidth=0.8)
    low, high = _limits(points)
    panel.set_ylim(low, high)
    panel.set_xlim(left=0)
    for place, (minutes, weight) in enumerate(changes):
        label = "stage of the rollout" if place == 0 else None
        panel.axvline(minutes, color=_QUIET, linewidth=0.9, linestyle=":", label=label)
        at = (minutes, high - 0.02 * (high - low))
        panel.annotate(weight, at, (2, 0), textcoords="offset points", va="top", fontsize=7)
    outcome = points[-1][1].outcome
    known = METRICS.get(name)
    says = f"{known.says}: {outcome}" if known else f"{name}: {outcome}"
    panel.set_title(_literal(says), fontsize=9.5, color=_OUTCOMES.get(outcome, "#444444"))
    panel.set_ylabel("% worse" if is_relative(name) else "percentage points worse", fontsize=8)
    panel.tick_params(labelsize=8)
    panel.spines[["top", "right"]].set_visible(False)


def _limits(points: Sequence[Point]) -> tuple[float, float]:
    """Returns the least and the largest effect that is shown: the margin and all effects, and the
    bounds as far as they are no wider than a few margins, which at first they are."""
    effect, lower, upper, margin = (
        _percent(points, figure) for figure in ("change", "lower", "upper", "margin")
    )
    room = 3.0 * max(float(np.max(margin)), float(np.quantile(np.abs(effect), 0.9)), 0.1)
    top = max(float(np.max(np.minimum(upper, room))), 1.3 * float(np.max(margin)))
    bottom = min(float(np.min(np.maximum(lower, -room))), -0.3 * float(np.max(margin)))
    pad = 0.08 * (top - bottom)
    return bottom - pad, top + pad


def _percent(points: Sequence[Point], figure: str) -> Array:
    values = [getattr(verdict, figure) or 0.0 for _, verdict in points]
    percent: Array = np.nan_to_num(np.asarray(values, dtype=float)) * 100.0
    return percent


def _minutes(rollout: Rollout, look: Look) -> float:
    return (look.decision.at_s - rollout.created_s) / 60.0


def _literal(text: str) -> str:
    """Returns text that is not read as a formula."""
    return text.replace("$", r"\$")
