"""The place of a request in its trace, as W3C's header `traceparent` carries it.

Source: W3C Recommendation, Trace Context, level 1, section 3.2.
"""

import re
from dataclasses import dataclass

from opentelemetry.sdk.trace.id_generator import RandomIdGenerator

HEADER = "traceparent"
_FORM = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_FORBIDDEN_VERSION = "ff"
_new_ids = RandomIdGenerator()


@dataclass(frozen=True, slots=True)
class TraceContext:
    """Ids as OpenTelemetry has them: 128 bits of the trace, 64 of the request's own span.

    Attributes:
        client_span_id: The span of the client that the request belongs to, 0 for none.
        linked: Ids of a trace and a span of the client that the request says it belongs to, where
            it does not.
    """

    trace_id: int
    span_id: int
    client_span_id: int = 0
    linked: tuple[int, int] | None = None

    @property
    def trace_hex(self) -> str:
        """The trace's id as people write it."""
        return f"{self.trace_id:032x}"

    def traceparent(self, *, sampled: bool = True) -> str:
        """Returns the header's value. It says `sampled` unless nothing shall be kept: whether a
        trace is kept is decided when all of it is known."""
        return f"00-{self.trace_id:032x}-{self.span_id:016x}-{'01' if sampled else '00'}"


def trace_of(traceparent: str, *, adopts: bool = True) -> TraceContext:
    """Returns the place of a new span below that of the header; a trace of its own where there is
    no header, or none that the standard allows.

    Args:
        traceparent: The header.
        adopts: Whether the header is believed; if not, the new trace is only linked to its.
    """
    linked: tuple[int, int] | None = None
    found = _FORM.fullmatch(traceparent.strip())
    if found is not None:
        version, trace_id, span_id = found[1], int(found[2], 16), int(found[3], 16)
        known = version != _FORBIDDEN_VERSION and (version != "00" or found[5] is None)
        if known and trace_id and span_id:
            if adopts:
                return TraceContext(trace_id, _new_ids.generate_span_id(), span_id)
            linked = (trace_id, span_id)
    return TraceContext(_new_ids.generate_trace_id(), _new_ids.generate_span_id(), linked=linked)


def new_span_id() -> int:
    """Returns a random id for a span."""
    return _new_ids.generate_span_id()
