"""`ragserve k8s render`: manifests without Helm, and what is refused before anything is written."""

import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tests.unit.app.cli.conftest import Ended

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of Ray's own, when its schema is imported
    import ray.serve.schema  # noqa: F401

Ragserve = Callable[..., Ended]
ROOT = Path(__file__).parents[4]


def test_manifests_are_printed_for_kubectl(ragserve: Ragserve) -> None:
    ended = ragserve("k8s", "render", "--release", "rag", "--namespace", "prod")
    assert ended.code == 0
    found = list(yaml.safe_load_all(ended.out))
    assert {"RayService", "StatefulSet", "Deployment"} <= {one["kind"] for one in found}
    assert {one["metadata"]["namespace"] for one in found} == {"prod"}
    assert all(one["metadata"]["name"].startswith("rag") for one in found)


def test_files_of_values_are_laid_over_each_other(ragserve: Ragserve, tmp_path: Path) -> None:
    first, second = tmp_path / "first.yaml", tmp_path / "second.yaml"
    first.write_text("workers: {minReplicas: 3, maxReplicas: 7}")
    second.write_text("workers: {minReplicas: 5}\nchroma: {enabled: false, url: 'http://c:8000'}")
    written = tmp_path / "manifests"
    ended = ragserve("k8s", "render", "-f", str(first), "-f", str(second), "-o", str(written))
    assert ended.code == 0
    assert not (written / "chroma.yaml").exists()
    service = yaml.safe_load((written / "rayservice.yaml").read_text())
    [workers] = service["spec"]["rayClusterConfig"]["workerGroupSpecs"]
    assert (workers["minReplicas"], workers["maxReplicas"]) == (5, 7)


def test_a_serve_file_of_ones_own_is_checked(ragserve: Ragserve, tmp_path: Path) -> None:
    mine = tmp_path / "mine.yaml"
    text = (ROOT / "serve_config.cluster.yaml").read_text()
    mine.write_text(text.replace("rerank: false", "rerank: true"))
    ended = ragserve("k8s", "render", "--config", str(mine))
    assert ended.code == 0
    assert "rerank: true" in ended.out
    mine.write_text(text.replace("proxy_location: EveryNode", "proxy_location: HeadOnly"))
    ended = ragserve("k8s", "render", "--config", str(mine))
    assert ended.code == 1
    assert "proxy_location" in ended.err
    mine.write_text(text.replace("request_timeout_s", "request_timeout"))
    ended = ragserve("k8s", "render", "--config", str(mine))
    assert ended.code == 1
    assert "request_timeout" in ended.err


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("workers: {minReplica: 3}", "minReplica"),
        ("- a list", "no mapping"),
        ("a: [", "cannot be read as YAML"),
        (None, "cannot be read"),
    ],
)
def test_values_that_do_not_fit_are_refused(
    content: str | None, said: str, ragserve: Ragserve, tmp_path: Path
) -> None:
    file = tmp_path / "values.yaml"
    if content is not None:
        file.write_text(content)
    ended = ragserve("k8s", "render", "--values", str(file))
    assert ended.code == 1
    assert said in ended.err
