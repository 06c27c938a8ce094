"""What is deployed for a measurement passes the checks that a user's config passes."""

from app.cluster.serve_schema import check_serve_schema
from app.settings.check import check_content
from benchmarks.generation_study.serve_config import (
    noop_application,
    serve_config,
    vllm_application,
)


def test_config_is_valid() -> None:
    config = serve_config(
        [
            vllm_application("llama", model="/models/a", engine_args={"load_format": "dummy"}),
            noop_application("noop-15", delta_window_ms=15.0),
        ]
    )
    check_content(config, "made here")
    check_serve_schema(config, source="made here")


def test_each_generator_has_a_release() -> None:
    config = serve_config(
        [noop_application(name, delta_window_ms=0.0) for name in ("noop-a", "noop-b")]
    )
    [ingress] = config["applications"][0]["deployments"]
    live = ingress["user_config"]
    assert {name: one["generator"] for name, one in live["releases"].items()} == {
        "noop-a": "noop-a",
        "noop-b": "noop-b",
    }
    assert live["traffic"] == {"noop-a": 1.0}
