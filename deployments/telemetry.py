"""What the stages count, in Ray's metrics: Prometheus reads them from the node's metrics port."""

from collections.abc import Callable

from ray.serve.metrics import Counter, Histogram

from deployments.batching.batcher import BatchReport

_MS = [1.0, 2.5, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1000.0, 2500.0]
_TAGS = ("stage",)


def report_batches(stage: str) -> Callable[[BatchReport], None]:
    """Returns what a batcher tells its runs to: sizes, tokens, padding, waiting and model time."""
    size = Histogram(
        "ragserve_batch_size",
        "Entries of one batch.",
        boundaries=[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0],
        tag_keys=_TAGS,
    )
    queue_ms = Histogram(
        "ragserve_batch_queue_ms", "Longest wait in a batch.", boundaries=_MS, tag_keys=_TAGS
    )
    inference_ms = Histogram(
        "ragserve_batch_inference_ms", "Model time of a batch.", boundaries=_MS, tag_keys=_TAGS
    )
    tokens = Counter("ragserve_batch_tokens", "Tokens that were asked for.", tag_keys=_TAGS)
    padding = Counter(
        "ragserve_batch_padding_tokens", "Tokens that were computed to pad.", tag_keys=_TAGS
    )
    for metric in (size, queue_ms, inference_ms, tokens, padding):
        metric.set_default_tags({"stage": stage})

    def report(batch: BatchReport) -> None:
        size.observe(batch.size)
        queue_ms.observe(batch.queue_ms)
        inference_ms.observe(batch.inference_ms)
        tokens.inc(batch.tokens)
        if batch.padded_tokens > batch.tokens:
            padding.inc(batch.padded_tokens - batch.tokens)

    return report
