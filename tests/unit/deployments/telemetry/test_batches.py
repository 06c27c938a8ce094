"""What is counted of batches."""

from deployments.batching.batcher import BatchReport
from deployments.telemetry import catalog
from deployments.telemetry.batches import report_batches
from tests.recording_meter import RecordingMeter, series


def test_a_batch_is_counted_with_its_padding() -> None:
    meter = RecordingMeter()
    report = report_batches("embedder", meter)
    report(BatchReport(size=4, tokens=90, padded_tokens=120, queue_ms=3.0, inference_ms=8.0))
    report(BatchReport(size=1, tokens=10, padded_tokens=10, queue_ms=0.0, inference_ms=2.0))
    stage = series(stage="embedder")
    assert meter.values[catalog.BATCH_SIZE.name] == {stage: [4, 1]}
    assert meter.values[catalog.BATCH_QUEUE_MS.name] == {stage: [3.0, 0.0]}
    assert meter.values[catalog.BATCH_INFERENCE_MS.name] == {stage: [8.0, 2.0]}
    assert meter.sums(catalog.BATCH_TOKENS) == {stage: 100}
    assert meter.sums(catalog.BATCH_PADDING) == {stage: 30}
