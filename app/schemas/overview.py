"""Wire forms of `/admin/overview` and `/admin/links`."""

from datetime import datetime

from pydantic import Field

from app.schemas.wire import ResponseModel


class TimesInfo(ResponseModel):
    """How long something took: half of the times, and 95 of 100 of them, were no longer."""

    count: int
    p50_ms: float
    p95_ms: float


class ActivityInfo(ResponseModel):
    """What requests came to, and how long they took."""

    requests: int
    requests_per_s: float = Field(description="By the time that has passed of these minutes.")
    failed: int = Field(description="Not answered, or not to the end, because something broke.")
    rejected: int = Field(description="Turned down because of what they asked, or of overload.")
    aborted: int = Field(description="Given up by their clients.")
    ungrounded: int = Field(description="Answered with a refusal, for want of support.")
    degraded: int = Field(description="Served without a stage.")
    cache_hits: int
    cost_usd: float
    times: dict[str, TimesInfo] = Field(
        description="`total` of answers, `queue` in which they waited for stages, `ttft`, `tpot`, "
        "and each stage.",
        examples=[{"total": {"count": 9, "p50_ms": 80.1, "p95_ms": 120.9}}],
    )


class MinuteInfo(ActivityInfo):
    """One minute."""

    at: datetime = Field(description="When it began.")


class ReleaseActivity(ActivityInfo):
    """All these minutes, of one release."""

    release: str


class GatewayInfo(ResponseModel):
    """How busy one replica of the gateway is."""

    replica: str
    open_requests: int
    limit: int = Field(description="How many it takes on at once, at this moment.")


class DeploymentInfo(ResponseModel):
    """A deployment, in Serve's words."""

    name: str = Field(examples=["Embedder"])
    status: str = Field(examples=["HEALTHY"])
    replicas: dict[str, int] = Field(examples=[{"RUNNING": 2}])
    message: str


class ApplicationInfo(ResponseModel):
    """An application, in Serve's words."""

    name: str = Field(examples=["retrieval-minilm"])
    status: str = Field(examples=["RUNNING"])
    message: str
    deployments: list[DeploymentInfo]


class Overview(ResponseModel):
    """What happens, and who does it. Parts that nobody could tell of are empty, and named."""

    at: datetime
    minutes: list[MinuteInfo] = Field(
        description="Every minute asked for, oldest first; the last one is not over."
    )
    total: ActivityInfo
    releases: list[ReleaseActivity]
    gateways: list[GatewayInfo]
    applications: list[ApplicationInfo]
    weights: dict[str, float] = Field(description="Share of the requests by release.")
    missing: list[str] = Field(description="Who did not answer.", examples=[["tracker"]])


class Links(ResponseModel):
    """Pages of other programs that show more of this service; null where there is none."""

    mlflow: str | None = Field(examples=["http://127.0.0.1:5000"])
    trace: str | None = Field(
        description="Of one trace, with `{trace_id}` for its 32 hexadecimal digits.",
        examples=["http://127.0.0.1:5000/#/experiments/1/traces?traceId=tr-{trace_id}"],
    )
    ray_dashboard: str | None
    grafana: str | None
