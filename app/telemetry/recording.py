"""All that keeps something of requests in one ingress replica, put together."""

from importlib.metadata import version

from app.config import GatewayArgs, GatewayLive
from app.telemetry.access_log import AccessLog
from app.telemetry.finished import Sink
from app.telemetry.telemetry import Telemetry
from app.telemetry.trace_recorder import TraceRecorder
from deployments.tracing.config import TracingArgs
from deployments.tracing.provider import make_provider


class RecordKeeper:
    """The sinks of one replica, from its first settings to its end.

    Args:
        args: Where records go.
        replica: Name of this replica.
        salt: Key of the digests of the content policy `hash`; empty for none.

    Raises:
        ConfigError: see `make_provider`.
    """

    def __init__(self, args: GatewayArgs, *, replica: str, salt: str) -> None:
        self._traces = _trace_recorder(args.tracing, replica=replica, salt=salt)
        sinks: list[Sink] = [AccessLog()]
        if self._traces is not None:
            sinks.append(self._traces)
        self.telemetry = Telemetry(sinks)

    def use(self, live: GatewayLive) -> None:
        """Takes new settings.

        Raises:
            ConfigError: a content policy cannot be kept; the settings before stay.
        """
        if self._traces is not None:
            self._traces.use(live)

    def close(self, timeout_s: float) -> None:
        """Sends what is left within so many seconds, or keeps it for the next process."""
        if self._traces is not None:
            self._traces.close(timeout_s)


def _trace_recorder(args: TracingArgs, *, replica: str, salt: str) -> TraceRecorder | None:
    if not args.destinations:
        return None
    resource = {
        "service.name": "ragserve",
        "service.version": version("ragserve"),
        "service.instance.id": replica,
    }
    provider, counters = make_provider(args, resource_attributes=resource)
    return TraceRecorder(
        provider, counters, salt=salt.encode(), join_client_span=args.join_client_span
    )
