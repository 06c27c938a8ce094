"""Activity and replicas as `/admin/overview` shows them."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from app.schemas.overview import (
    ActivityInfo,
    ApplicationInfo,
    DeploymentInfo,
    GatewayInfo,
    MinuteInfo,
    ReleaseActivity,
    TimesInfo,
)
from app.settings.live.prices import PICOUSD_PER_USD
from deployments.activity import MinuteCounts
from deployments.recent_activity import Activity, RecentActivity
from deployments.service_state import ServiceState

_MINUTE_S = 60
NOTHING = Activity(MinuteCounts(), {})


def minute_infos(recent: RecentActivity, *, now_s: float) -> list[MinuteInfo]:
    """Returns every minute from the first one to the present, those without requests included."""
    infos = []
    for number in range(recent.first_minute, int(now_s // _MINUTE_S) + 1):
        activity = recent.minutes.get(number, NOTHING)
        fields = _fields(activity, seconds=_passed_s(number, number, now_s))
        infos.append(MinuteInfo(at=datetime.fromtimestamp(number * _MINUTE_S, UTC), **fields))
    return infos


def total_info(recent: RecentActivity, *, now_s: float) -> ActivityInfo:
    """Returns all minutes as one."""
    return ActivityInfo(**_fields(recent.total, seconds=_all_s(recent, now_s)))


def release_infos(recent: RecentActivity, *, now_s: float) -> list[ReleaseActivity]:
    """Returns all minutes as one, by release."""
    return [
        ReleaseActivity(release=name, **_fields(activity, seconds=_all_s(recent, now_s)))
        for name, activity in recent.releases.items()
    ]


def gateway_infos(state: ServiceState) -> list[GatewayInfo]:
    """Returns how busy each replica of the gateway is."""
    return [
        GatewayInfo(replica=name[:12], open_requests=load.open_requests, limit=load.limit)
        for name, load in state.gateways.items()
    ]


def application_infos(state: ServiceState) -> list[ApplicationInfo]:
    """Returns all applications with their replicas."""
    return [
        ApplicationInfo(
            name=application.name,
            status=application.status,
            message=application.message,
            deployments=[
                DeploymentInfo.model_validate(deployment, from_attributes=True)
                for deployment in application.deployments
            ],
        )
        for application in state.applications
    ]


def _fields(activity: Activity, *, seconds: float) -> dict[str, Any]:
    counts = activity.counts
    same = ("requests", "failed", "rejected", "aborted", "ungrounded", "degraded", "cache_hits")
    return {
        **{name: getattr(counts, name) for name in same},
        "requests_per_s": round(counts.requests / seconds, 3),
        "cost_usd": counts.cost_picousd / PICOUSD_PER_USD,
        "times": dict(_times(activity)),
    }


def _times(activity: Activity) -> Iterable[tuple[str, TimesInfo]]:
    for name, times in activity.times.items():
        rounded: Mapping[str, float] = {
            "p50_ms": round(times.p50_ms, 2),
            "p95_ms": round(times.p95_ms, 2),
        }
        yield name.removesuffix("_ms"), TimesInfo(count=times.count, **rounded)


def _all_s(recent: RecentActivity, now_s: float) -> float:
    return _passed_s(recent.first_minute, int(now_s // _MINUTE_S), now_s)


def _passed_s(first: int, last: int, now_s: float) -> float:
    """Returns how much has passed of some minutes; a second at least, to divide by."""
    return max(min((last + 1) * _MINUTE_S, now_s) - first * _MINUTE_S, 1.0)
