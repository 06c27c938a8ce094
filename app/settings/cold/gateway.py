"""Cold settings of the gateway.

Every knob lives in one layer, chosen by what changing it costs: `args` restart their application,
`user_config` is applied in place, `deployments:` holds Serve's own names, and the environment holds
secrets only.
"""

from typing import Annotated, Self

from pydantic import Field, model_validator

from app.settings.cold.access import AccessArgs, AuthMode
from app.settings.cold.activity import ActivityArgs
from app.settings.cold.batches import BatchWorkArgs
from app.settings.cold.breaker import BreakerArgs
from app.settings.cold.cache import CacheArgs
from app.settings.cold.coalescing import CoalescingArgs
from app.settings.cold.hedging import HedgingArgs
from app.settings.cold.idempotency import IdempotencyArgs
from app.settings.cold.limits import LimitsArgs
from app.settings.cold.links import LinksArgs
from deployments.settings import Settings
from deployments.tracing.config import TracingArgs

Origin = Annotated[str, Field(pattern=r"^(\*|https?://[^/\s]+)$")]
"""A scheme, a host and a port, as browsers write it: without a slash at the end."""


class GatewayArgs(Settings):
    """Cold settings of the ingress. A change restarts the gateway, and only the gateway."""

    auth: AuthMode = "open"
    """Whether anybody may ask, as the tenant `default`, or only who has a key. `open` is refused
    unless the service listens on this machine alone."""

    access: AccessArgs = AccessArgs()
    """How keys and tokens are looked up."""

    request_timeout_s: float = Field(default=30.0, gt=0, le=3600)
    """Time a request has from admission to answer, or to the first token of a stream. Every stage
    gets what is left of it."""

    stream_timeout_s: float = Field(default=600.0, gt=0, le=7200)
    """Time a streamed answer has from admission to end."""

    inter_token_timeout_s: float = Field(default=20.0, gt=0, le=600)
    """Time between two pieces of an answer; after it the stream ends with an error."""

    keep_alive_s: float = Field(default=10.0, gt=0, le=600)
    """A stream in which nothing happens for so long gets a comment, so that nobody on the way
    takes the connection for dead."""

    ingest_timeout_s: float = Field(default=600.0, gt=0, le=7200)
    """The same for writes of documents, which embed thousands of chunks."""

    allowed_hosts: tuple[str, ...] = ()
    """Names by which the service may be asked, such as `rag.example.org` or `*.example.org`; `*`
    for any. Addresses, names without a dot, and those that end in `.localhost`, `.internal` or
    `.cluster.local` always may. A web page whose name leads to this machine would otherwise read
    the documents."""

    strict: bool = False
    """Whether a request with a field that nothing here knows is refused. Otherwise it is answered,
    and the field is named in the header `X-Ragserve-Ignored`."""

    console: bool = True
    """Whether `/console` is there. Its files hold nothing: what it shows takes a key where the
    service asks for one."""

    links: LinksArgs = LinksArgs()
    """Pages of other programs that the console leads to."""

    cors_origins: tuple[Origin, ...] = ()
    """Pages that may use the API from a browser, by their origin, such as
    `https://chat.example.org`; `*` for any. By default none may."""

    trust_traceparent: bool = False
    """Whether a request continues the trace that its header `traceparent` names. Say so only where
    nobody but services of yours reaches the port: whoever chooses the id of a trace writes into
    those of others. Otherwise the trace of a request is its own, and has a link to the client's."""

    max_body_bytes: int = Field(default=4 * 2**20, ge=1024)
    """Bytes of a JSON body at most; over it the answer is 413."""

    max_upload_bytes: int = Field(default=48 * 2**20, ge=1024)
    """The same for bodies of `/v1/documents`, `/v1/files` and `/v1/batches`. The replicas accept
    messages up to 64 MiB."""

    max_held_body_bytes: int = Field(default=256 * 2**20, ge=1024)
    """Bytes of all bodies that one ingress replica holds at once. Over it the answer is 503."""

    body_patience_s: float = Field(default=5.0, gt=0, le=600)
    """Time in which a body need not come at any rate. One that has not come then, or comes more
    slowly than `min_body_bytes_per_s`, is answered with 408. Until it is there, a request does not
    count as running."""

    min_body_bytes_per_s: int = Field(default=16 * 2**10, ge=1)
    """Rate at which a body must have come after `body_patience_s`, on average."""

    max_concurrent_requests: int = Field(default=256, ge=1)
    """Requests one ingress replica works on at most; a batch of questions, or many texts to embed
    or to rerank, count as several. Over it the answer is 503 at once. Keep it below the
    deployment's `max_ongoing_requests`, whose own refusal has no problem body."""

    target_wait_s: float = Field(default=0.6, gt=0)
    """Time a request may wait for any of its stages, their work excluded. Where most wait longer
    for a while, the replica admits fewer requests, down to 16, and refuses the others at once;
    where they do not, and with time, it admits more again."""

    idempotency: IdempotencyArgs = IdempotencyArgs()
    """What becomes of requests that have an `Idempotency-Key`."""
    limits: LimitsArgs = LimitsArgs()
    """How what keys and tenants may ask and spend is counted."""

    cache: CacheArgs = CacheArgs()
    """How much the response cache may keep."""

    erasure_retry_s: float = Field(default=60.0, ge=1, le=3600)
    """Time between two tries of a deletion of which a place still owes something."""

    breaker: BreakerArgs = BreakerArgs()
    """When a deployment that fails is left alone for a while."""

    control: str | None = Field(default=None, min_length=1)
    """Name of the control application, which runs rollouts and keeps batches. Without one, traffic
    is what `user_config` says, and there are no batches."""

    batches: BatchWorkArgs = BatchWorkArgs()
    """How many lines of batches run beside other requests."""

    tracing: TracingArgs = TracingArgs()
    """Where traces go. Without it there are none."""

    activity: ActivityArgs = ActivityArgs()
    """How the control application is told what was served."""

    shadow_concurrency: int = Field(default=4, ge=1, le=256)
    """Requests that one ingress replica repeats on a release in shadow at once. Over it they are
    not repeated."""

    coalescing: CoalescingArgs = CoalescingArgs()
    """How requests that wait for the embedder or the retriever travel together."""

    hedging: HedgingArgs = HedgingArgs()
    """When a call that is late is sent to another replica as well."""

    description_max_age_s: float = Field(default=10.0, gt=0, le=600)
    """What a stage said of itself, such as its model's name, is believed for so long."""

    concurrent_stage_calls: int = Field(default=4, ge=1)
    """Calls on their way to one deployment at once; requests that come meanwhile travel together in
    the next one. Two for each replica of the deployment keep it busy; a call that is full leaves at
    once, and one to the embedder or the retriever only when enough requests wait."""

    @model_validator(mode="after")
    def _limits_agree(self) -> Self:
        if "stream_timeout_s" in self.model_fields_set:
            if self.stream_timeout_s < self.request_timeout_s:
                raise ValueError("stream_timeout_s must not be below request_timeout_s")
            if self.inter_token_timeout_s > self.stream_timeout_s:
                raise ValueError("inter_token_timeout_s must not be above stream_timeout_s")
        if self.max_held_body_bytes < max(self.max_body_bytes, self.max_upload_bytes):
            raise ValueError(
                "max_held_body_bytes must not be below max_body_bytes or max_upload_bytes"
            )
        return self
