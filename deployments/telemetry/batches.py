"""What a stage tells of its batches: sizes, tokens, padding, waiting and model time."""

from collections.abc import Callable

from deployments.batching.batcher import BatchReport
from deployments.telemetry.catalog import (
    BATCH_INFERENCE_MS,
    BATCH_PADDING,
    BATCH_QUEUE_MS,
    BATCH_SIZE,
    BATCH_TOKENS,
)
from deployments.telemetry.metric import Meter


def report_batches(stage: str, meter: Meter) -> Callable[[BatchReport], None]:
    """Returns what a batcher tells its runs to."""
    size, queue_ms, inference_ms = (
        meter.histogram(metric) for metric in (BATCH_SIZE, BATCH_QUEUE_MS, BATCH_INFERENCE_MS)
    )
    tokens, padding = (meter.counter(metric) for metric in (BATCH_TOKENS, BATCH_PADDING))
    tags = {"stage": stage}

    def report(batch: BatchReport) -> None:
        size.observe(batch.size, tags)
        queue_ms.observe(batch.queue_ms, tags)
        inference_ms.observe(batch.inference_ms, tags)
        tokens.inc(batch.tokens, tags)
        if batch.padded_tokens > batch.tokens:
            padding.inc(batch.padded_tokens - batch.tokens, tags)

    return report
