"""Settings of tracing that would not do what they seem to say."""

from typing import Any

import pytest
from pydantic import ValidationError

from deployments.tracing.config import Destination, TracingArgs

URL = "http://127.0.0.1:5000/v1/traces"


@pytest.mark.parametrize(
    "given",
    [
        {"otlp_url": "127.0.0.1:5000"},
        {"experiment": "traces"},
        {"also_to": [{"otlp_url": URL}]},
        {"otlp_url": URL, "batch_spans": 20, "queue_spans": 10},
        {"otlp_url": URL, "also_to": [{"otlp_url": URL}]},
        {"otlp_url": URL, "spool_bytes": 1},
        {"otlp_url": URL, "experiment": ""},
        {"otlp_url": URL, "token": "secret"},
    ],
)
def test_contradictions_are_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        TracingArgs.model_validate(given)


def test_destinations_stand_in_order() -> None:
    other = Destination(otlp_url="https://collector:4318/v1/traces")
    args = TracingArgs(otlp_url=URL, experiment="traces", also_to=(other,))
    assert args.destinations == (Destination(otlp_url=URL, experiment="traces"), other)
    assert TracingArgs().destinations == ()


def test_a_password_is_in_neither_name() -> None:
    one = Destination(otlp_url="https://user:password@collector/v1/traces", experiment="a")
    assert one.identity == "https://collector/v1/traces a"
    assert one.host == "collector"
