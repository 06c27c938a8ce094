"""Settings of tracing: where spans go, and how much may wait for it."""

from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from deployments.settings import Settings

_URL = r"^https?://[^/?#\s]+"


class Destination(Settings):
    """One server that takes spans as OTLP over HTTP."""

    otlp_url: str = Field(pattern=_URL)
    """The whole address, for example `http://127.0.0.1:5000/v1/traces` for an MLflow server."""

    experiment: str | None = Field(default=None, min_length=1)
    """Name of the MLflow experiment that the traces belong to; it is created where it is missing.
    None for a collector that knows no experiments."""

    headers_env: dict[str, str] = {}
    """Headers to send, by the names of the environment variables that hold their values. A key
    never stands in a config file."""

    @property
    def identity(self) -> str:
        """What tells it from other destinations: its address without user and password, and the
        experiment."""
        place = urlsplit(self.otlp_url)
        host = place.netloc.rpartition("@")[2]
        return f"{place.scheme}://{host}{place.path} {self.experiment or ''}"

    @property
    def host(self) -> str:
        """What a log may call it."""
        return urlsplit(self.otlp_url).netloc.rpartition("@")[2]


class TracingArgs(Settings):
    """Settings of tracing in one process. A change restarts it."""

    otlp_url: str | None = Field(default=None, pattern=_URL)
    """Where spans go, as OTLP over HTTP: `http://127.0.0.1:5000/v1/traces` for an MLflow server, or
    the address of any collector. None: no span is recorded."""

    experiment: str | None = Field(default=None, min_length=1)
    """Name of the MLflow experiment that the traces belong to; it is created where it is missing.
    None for a collector that knows no experiments."""

    headers_env: dict[str, str] = {}
    """Headers for `otlp_url`, by the names of the environment variables that hold their values."""

    also_to: tuple[Destination, ...] = ()
    """More destinations. Each gets every span, and has a sending thread and a spool of its own: one
    that is away holds up no other."""

    join_client_span: bool = False
    """Whether the span of a request with a `traceparent` lies below the span that it names. Right
    where the clients' spans go to the same server; where they do not, MLflow waits for them and
    shows the trace as unfinished. The trace's id is taken over either way."""

    spool_dir: Path | None = None
    """Folder for what waits for a server that is away. None: a folder of this user in the system's
    temporary folder. It holds the text of the spans, so only this user may read it. A container
    needs a volume here for the spool to outlive it; processes may share it."""

    spool_bytes: int = Field(default=64 * 2**20, ge=2**20)
    """Room on disk for each process and destination. Over it the oldest spans are dropped."""

    queue_spans: int = Field(default=20_000, ge=1)
    """Spans that may wait for encoding. Over it new spans are dropped. With 2 KB of text a span,
    the default takes about 130 MB of memory when it is full."""

    batch_spans: int = Field(default=512, ge=1)
    """Spans of one request at most. Encoding takes about 50 us of the interpreter's time for a span
    with ten attributes, in a thread of its own: a smaller batch competes with the process for a
    shorter time, more often."""

    every_s: float = Field(default=1.0, gt=0)
    """Seconds after which what waits is sent, though it is less than a batch. It is also about what
    a process loses that is killed."""

    timeout_s: float = Field(default=10.0, gt=0)
    """Seconds that a server may take to accept a connection, and to answer."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.batch_spans > self.queue_spans:
            raise ValueError("batch_spans must not be larger than queue_spans")
        if self.otlp_url is None and (self.experiment or self.headers_env or self.also_to):
            raise ValueError("experiment, headers_env and also_to need otlp_url")
        names = [destination.identity for destination in self.destinations]
        if len(set(names)) < len(names):
            raise ValueError("the same destination stands here twice")
        return self

    @property
    def destinations(self) -> tuple[Destination, ...]:
        """Every server that spans go to."""
        if self.otlp_url is None:
            return ()
        first = Destination(
            otlp_url=self.otlp_url, experiment=self.experiment, headers_env=self.headers_env
        )
        return (first, *self.also_to)
