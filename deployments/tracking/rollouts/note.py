"""What a release manager reads first: a rollout's outcome, why, its figures, its decisions."""

from collections.abc import Sequence
from datetime import UTC, datetime

from deployments.canary.metrics import METRICS
from deployments.canary.verdict import Verdict
from deployments.rollouts import Look, Rollout
from deployments.tracking.rollouts.figures import decided_by, is_relative, stage_name

_OUTCOMES = {
    "running": "under way",
    "paused": "paused",
    "promoted": "promoted",
    "rolled_back": "rolled back",
}
_ACTIONS = {
    "advance": "went on",
    "promote": "promoted",
    "roll_back": "rolled back",
    "pause": "paused",
    "resume": "resumed",
    "approve": "approved",
}
_REASON_CHARACTERS = 600
_HEAD = (
    "| Metric | Canary | Baseline | Change | Between | Margin | Outcome |\n"
    "|---|---:|---:|---:|---:|---:|---|"
)


def note_of(
    rollout: Rollout,
    latest: Look,
    measured: Look | None,
    changes: Sequence[Look],
    *,
    max_characters: int,
) -> str:
    """Returns a rollout in Markdown.

    Args:
        rollout: The rollout.
        latest: Its latest look.
        measured: The latest look with verdicts, None where there is none.
        changes: Its changes, oldest first. Where there is no room for all, the oldest go.
        max_characters: Length at most.
    """
    head = [_outcome(rollout, latest, changes)]
    if measured is not None:
        head.append(_figures(rollout, measured))
    decisions = [_decision(rollout, look) for look in changes]
    title = f"#### Decisions\n- {_time(rollout.created_s)} started by {_plain(rollout.created_by)}"
    text = "\n\n".join([*head, title])[:max_characters]
    room = max_characters - len(text)
    kept: list[str] = []
    for line in reversed(decisions):
        room -= len(line) + 1
        if room < 0:
            break
        kept.append(line)
    return "\n".join([text, *reversed(kept)])


def _outcome(rollout: Rollout, latest: Look, changes: Sequence[Look]) -> str:
    releases = f"**{_plain(rollout.canary)} over {_plain(rollout.stable)}"
    outcome = _OUTCOMES[latest.state.phase]
    lasted = _duration(latest.decision.at_s - rollout.created_s)
    last = changes[-1] if changes else None
    by = f" by {_plain(decided_by(last.decision.by))}" if last and latest.state.ended else ""
    where = (
        ""
        if latest.state.phase == "promoted"
        else (f", in stage {stage_name(rollout, latest.state.stage)}")
    )
    reason = _plain(latest.decision.reason)[:_REASON_CHARACTERS]
    return f"{releases}: {outcome}**{by} after {lasted}{where}.\n\n> {reason}"


def _figures(rollout: Rollout, look: Look) -> str:
    verdicts = look.decision.verdicts
    rows = [_row(verdict) for verdict in verdicts if verdict.change is not None]
    words = [
        f"- {_plain(verdict.metric)}: {verdict.outcome}, {_plain(verdict.reason)}"
        for verdict in verdicts
        if verdict.change is None
    ]
    stage = stage_name(rollout, look.decision.stage)
    title = f"#### Stage {stage} at {_time(look.decision.at_s)}"
    legend = (
        "A change above zero is worse; it lies between the bounds. "
        "Metrics in *italics* are only shown."
    )
    table = "\n".join([_HEAD, *rows]) if rows else ""
    return "\n\n".join(part for part in (title, table, legend, "\n".join(words)) if part)


def _row(verdict: Verdict) -> str:
    known = METRICS.get(verdict.metric)
    name = f"{_plain(known.says)} ({verdict.metric})" if known else _plain(verdict.metric)
    outcome = f"**{verdict.outcome}**" if verdict.outcome == "fail" else verdict.outcome
    cells = [
        name if verdict.rolls_back else f"*{name}*",
        _value(verdict, verdict.canary),
        _value(verdict, verdict.baseline),
        _change(verdict, verdict.change),
        f"{_change(verdict, verdict.lower)} … {_change(verdict, verdict.upper)}",
        _change(verdict, verdict.margin),
        outcome,
    ]
    return f"| {' | '.join(cells)} |"


def _decision(rollout: Rollout, look: Look) -> str:
    decision = look.decision
    by = f" by {_plain(decision.by)}" if decision.by else ""
    reason = _plain(decision.reason)[:_REASON_CHARACTERS]
    action = _ACTIONS.get(decision.action, decision.action)
    stage = stage_name(rollout, decision.stage)
    return f"- {_time(decision.at_s)} stage {stage}: **{action}**{by}: {reason}"


def _value(verdict: Verdict, value: float | None) -> str:
    if value is None:
        return ""
    known = METRICS.get(verdict.metric)
    if known is None or known.kind in ("share", "tail"):
        return f"{value * 100:.2f} %"
    unit = " ms" if verdict.metric.endswith("_ms") else ""
    return f"{value:.4g}{unit}"


def _change(verdict: Verdict, value: float | None) -> str:
    """Returns a change in percent, or in percentage points for a difference."""
    if value is None:
        return ""
    return f"{value * 100:+.1f} %" if is_relative(verdict.metric) else f"{value * 100:+.2f} pp"


def _time(at_s: float) -> str:
    return f"{datetime.fromtimestamp(at_s, UTC):%Y-%m-%d %H:%M:%S} UTC"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(max(round(seconds), 0), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def _plain(text: str) -> str:
    """Returns text that neither breaks a table nor becomes markup."""
    escaped = "".join(f"\\{one}" if one in "\\`*_[]<>|#~" else one for one in text)
    return " ".join(escaped.split())
