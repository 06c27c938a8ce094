"""Objectives and verdicts."""

from pathlib import Path

import pytest

from benchmarks.load.driver import Outcome, Sample
from benchmarks.locust_support.slo import OVERALL, EndpointObjective, Slo, judge, read_slo

ROOT = Path(__file__).parents[4]
PATH = "/v1/query"
FAST: tuple[float, Outcome] = (1.0, "ok")
FAILED: tuple[float, Outcome] = (1.0, "failed")


def make_slo(**changes: object) -> Slo:
    objective = EndpointObjective(p95_ms=100.0, error_ratio=0.1)
    return Slo.model_validate({"endpoints": {PATH: objective}, **changes})


def make_samples(*requests: tuple[float, Outcome]) -> list[Sample]:
    return [Sample(0.0, 0.0, latency_ms / 1e3, outcome) for latency_ms, outcome in requests]


def verdicts(slo: Slo, samples: list[Sample]) -> dict[str, bool]:
    found = judge(slo, {PATH: samples}, duration_s=1.0)
    return {finding.objective: finding.met for finding in found}


def test_shipped_objectives_are_valid() -> None:
    slo = read_slo(ROOT / "benchmarks" / "slo.yaml")
    assert set(slo.endpoints) == {
        "/v1/query",
        "/v1/chat/completions",
        "/v1/search",
        "/v1/embeddings",
        "/v1/rerank",
    }


@pytest.mark.parametrize(
    ("latency_ms", "met"), [(99.0, True), (100.0, True), (101.0, False)], ids=["in", "on", "over"]
)
def test_limit_itself_is_met(latency_ms: float, met: bool) -> None:
    request: tuple[float, Outcome] = (latency_ms, "ok")
    found = verdicts(make_slo(), make_samples(*[request] * 20))
    assert found == {"p95_ms": met, "error_ratio": True}


@pytest.mark.parametrize(("failures", "met"), [(0, True), (1, True), (2, False)])
def test_errors_are_a_share_of_all_requests(failures: int, met: bool) -> None:
    samples = make_samples(*[FAST] * (10 - failures), *[FAILED] * failures)
    assert verdicts(make_slo(), samples)["error_ratio"] is met


@pytest.mark.parametrize("strict", [False, True])
def test_refusals_are_errors_only_on_demand(strict: bool) -> None:
    samples = make_samples((1.0, "ok"), (1.0, "refused"))
    found = verdicts(make_slo(refused_are_errors=strict), samples)
    assert found["error_ratio"] is not strict


def test_goodput_counts_what_was_in_time() -> None:
    samples = make_samples((50.0, "ok"), (100.0, "ok"), (300.0, "ok"), (10.0, "refused"))
    slo = make_slo(goodput_per_s=1.0)
    *_, finding = judge(slo, {PATH: samples, "/other": samples}, duration_s=2.0)
    assert (finding.endpoint, finding.measured, finding.met) == (OVERALL, 1.0, True)
    *_, finding = judge(slo, {PATH: samples}, duration_s=2.5)
    assert (finding.measured, finding.met) == (0.8, False)


def test_endpoint_that_was_never_asked_has_not_met_anything() -> None:
    found = judge(make_slo(goodput_per_s=1.0), {}, duration_s=1.0)
    assert [(finding.measured, finding.met) for finding in found] == [(None, False)] * 3


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("endpoints: {/a: {p95_ms: 0, error_ratio: 0}}", "p95_ms"),
        ("endpoints: {/a: {p95_ms: 1, error_ratio: 1.5}}", "error_ratio"),
        ("endpoints: {/a: {p95_ms: 1, error_ratio: 0, p99_ms: 1}}", "p99_ms"),
        ("endpoints: {}", "endpoints"),
        ("[", "cannot be read"),
        ("", "slo.yaml"),
    ],
)
def test_wrong_file_is_refused_by_field(tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "slo.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=told):
        read_slo(file)


def test_missing_file_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"none\.yaml"):
        read_slo(tmp_path / "none.yaml")
