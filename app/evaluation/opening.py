"""Puts the evaluator of a replica together."""

from collections.abc import Callable

from app.evaluation.evaluator import Evaluator
from app.evaluation.judges import Judged
from app.releases.releases import Releases
from app.settings.live.evaluation import OnlineEvaluation
from app.settings.live.gateway import GatewayLive
from app.telemetry.activity.meter import ActivityMeter
from app.telemetry.requests import FinishedRequest, Telemetry

_OFF = OnlineEvaluation()


def open_evaluator(
    live: Callable[[], GatewayLive | None],
    releases: Releases,
    telemetry: Telemetry,
    activity: ActivityMeter | None,
    *,
    open_requests: Callable[[], int],
) -> Evaluator | None:
    """Returns what judges answers of this replica; None where nobody would be told.

    Args:
        live: Returns the live settings; None before the first ones arrived.
        releases: Knows who can judge.
        telemetry: Tells of finished requests.
        activity: Told what was judged.
        open_requests: Returns how many requests are open that somebody waits for.
    """
    if activity is None:
        return None
    meter = activity

    def settings() -> OnlineEvaluation:
        known = live()
        return _OFF if known is None else known.evaluation

    def note(request: FinishedRequest, judged: Judged, at_s: float) -> None:
        meter.note_judgement(
            request,
            {"groundedness": judged.groundedness, "relevance": judged.relevance},
            source=judged.source,
            source_id=judged.source_id,
            at_s=at_s,
        )

    evaluator = Evaluator(settings, releases, note, open_requests=open_requests)
    telemetry.add(evaluator)
    return evaluator
