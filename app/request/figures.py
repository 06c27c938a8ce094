"""What of an answer is evidence for a rollout: the figures by which two releases are compared."""

from collections.abc import Mapping

from app.request.attempt import AttemptRecord
from app.settings.live.prices import PICOUSD_PER_USD, PriceTable
from deployments.contracts.generation import Generation

Values = Mapping[str, float | None]
"""By metric of `deployments.canary.metrics`; None where a request has no such value."""

FAILED: Values = {"error": 1.0, "aborted": 0.0}
"""A request that failed has no time: failing at once is not being fast."""
ABORTED: Values = {"error": 0.0, "aborted": 1.0}
"""The same of a client that went away."""

_AT_ONCE_MS = 1.0
"""What is written in less has no time per token: it was written at once."""


def observe_answer(
    written: Generation, attempt: AttemptRecord, *, total_ms: float, prices: PriceTable
) -> Values:
    """Returns the figures of an answer.

    Args:
        written: What the generator wrote.
        attempt: Where the time went.
        total_ms: Time from the request to the end of its answer.
        prices: What tokens cost; a model without prices leaves cost out.
    """
    times = attempt.times.values()
    generator = attempt.times.get("generator")
    values: dict[str, float | None] = {
        "total_ms": total_ms,
        "queue_ms": sum(time.queue_ms for time in times),
        "error": 0.0,
        "aborted": 0.0,
        "truncated": float(written.finish_reason == "length"),
        "refused": float(not written.grounded),
        "blocked": float(written.finish_reason == "content_filter"),
        "degraded": float(bool(attempt.degraded)),
        "prompt_tokens": float(written.prompt_tokens),
        "completion_tokens": float(written.completion_tokens),
        "citations": float(len({citation.source for citation in written.citations})),
    }
    if written.ttft_ms > 0 and generator is not None:
        # The same for whole and for streamed answers, so that their mixture does not matter.
        values["ttft_ms"] = total_ms - generator.total_ms + written.ttft_ms
        writing_ms = written.times.replica_ms - written.ttft_ms
        if written.completion_tokens > 1 and writing_ms > _AT_ONCE_MS:
            values["tpot_ms"] = writing_ms / (written.completion_tokens - 1)
    if (costs := prices.costs_picousd(written)) is not None:
        values["cost"] = sum(costs) / PICOUSD_PER_USD
    return values
