"""Comparisons on demand and by the day, and what people see of them."""

import json
from typing import Any

import pytest

from deployments.drift import DAY_S, DriftReport, DriftRequest
from deployments.telemetry.catalog import DRIFT_COMPARISONS
from deployments.telemetry.drift import report_drift
from deployments.tracking.drift.comparison import DriftPolicy
from deployments.tracking.drift.note import drift_metrics, drift_note, drift_tags
from deployments.tracking.drift.plot import drift_figure
from deployments.tracking.drift.samples import to_samples
from deployments.tracking.drift.watch import DriftWatch
from tests.drift_samples import UNTIL_S, MemorySource, query_samples
from tests.recording_meter import RecordingMeter, series

POLICY = DriftPolicy(permutations=99)
NOW_S = UNTIL_S + 7 * 3600


class Runs:
    """Keeps reports, as `DriftRuns` does in MLflow."""

    def __init__(self, *, broken: bool = False) -> None:
        self.kept: dict[tuple[str, float, float], tuple[DriftReport, bytes]] = {}
        self._broken = broken

    def has(self, release: str, *, from_s: float, until_s: float) -> bool:
        return (release, from_s, until_s) in self.kept

    def record(self, report: DriftReport, picture: bytes) -> str:
        if self._broken:
            raise ConnectionError("MLflow is away")
        self.kept[report.release, report.reference.from_s, report.current.to_s] = report, picture
        return f"run-{len(self.kept)}"


@pytest.fixture(scope="module")
def source() -> MemorySource:
    begins_s = UNTIL_S - DAY_S
    kept = []
    for release, topic in (("one", 2.5), ("two", 0.0)):
        kept += query_samples(
            900, from_s=begins_s - 7 * DAY_S, to_s=begins_s, seed=1, release=release
        )
        kept += query_samples(
            300, from_s=begins_s, to_s=NOW_S, seed=2, release=release, topic=topic
        )
    return MemorySource(kept)


@pytest.fixture(scope="module")
def report(source: MemorySource) -> DriftReport:
    return watch(source, None).compare(DriftRequest("one", until_s=UNTIL_S), now_s=NOW_S)


def watch(source: MemorySource, runs: Runs | None) -> DriftWatch:
    return DriftWatch(source, runs, POLICY)  # type: ignore[arg-type]


def test_a_comparison_says_what_was_compared(report: DriftReport) -> None:
    assert report.verdict == "drift"
    assert report.current.to_s == UNTIL_S
    assert report.reference.to_s == report.current.from_s == UNTIL_S - DAY_S
    assert report.reference.from_s == UNTIL_S - 8 * DAY_S
    assert report.reference.samples > 800
    assert 200 < report.current.samples <= 300
    assert report.run_id == ""


def test_a_report_is_json(report: DriftReport) -> None:
    content: dict[str, Any] = json.loads(json.dumps(report.to_json(), allow_nan=False))
    assert content["verdict"] == "drift"
    assert [check["name"] for check in content["checks"]] == [
        "queries",
        "top_score",
        "answer_words",
        "ungrounded",
    ]


def test_every_release_is_compared_once_a_day(source: MemorySource) -> None:
    runs = Runs()
    daily = watch(source, runs)
    assert daily.compare_day(now_s=NOW_S) == 2
    assert daily.compare_day(now_s=NOW_S + 3600) == 0
    verdicts = {release: kept.verdict for (release, _, _), (kept, _) in runs.kept.items()}
    assert verdicts == {"one": "drift", "two": "none"}
    assert {until for _, _, until in runs.kept} == {UNTIL_S}
    assert all(picture.startswith(b"\x89PNG") for _, picture in runs.kept.values())


def test_each_day_is_counted_once_by_what_was_found(source: MemorySource) -> None:
    meter = RecordingMeter()
    daily = DriftWatch(source, Runs(), POLICY, report_drift(meter))  # type: ignore[arg-type]
    daily.compare_day(now_s=NOW_S)
    daily.compare_day(now_s=NOW_S + 3600)
    daily.compare(DriftRequest("one"), now_s=NOW_S)
    assert meter.sums(DRIFT_COMPARISONS) == {
        series(release="one", verdict="drift"): 1,
        series(release="two", verdict="none"): 1,
    }


def test_without_mlflow_there_is_no_daily_comparison(source: MemorySource) -> None:
    assert watch(source, None).compare_day(now_s=NOW_S) == 0


def test_a_report_that_cannot_be_written_is_still_one(
    source: MemorySource, caplog: pytest.LogCaptureFixture
) -> None:
    found = watch(source, Runs(broken=True)).compare(DriftRequest("two"), now_s=UNTIL_S)
    assert found.verdict == "none"
    assert found.run_id == ""
    assert "not in MLflow" in caplog.text


def test_the_note_has_every_comparison_and_its_reason(report: DriftReport) -> None:
    note = drift_note(report)
    assert note.startswith("Verdict: **drift**")
    assert note.count("\n| ") == len(report.checks) + 1
    for check in report.checks:
        assert check.reason in note
    assert "2024-10-04 00:00 UTC" in note


def test_metrics_and_tags_can_be_searched(report: DriftReport) -> None:
    metrics, tags = drift_metrics(report), drift_tags(report)
    assert metrics["drifts"] == 1.0
    assert metrics["queries.effect"] > 0.6
    assert {"ungrounded.lower", "top_score.wasserstein_distance"} <= set(metrics)
    assert tags == {
        "release": "one",
        "verdict": "drift",
        "verdict.queries": "drift",
        "verdict.top_score": "none",
        "verdict.answer_words": "none",
        "verdict.ungrounded": "none",
    }


def test_the_figure_has_a_panel_for_each(source: MemorySource, report: DriftReport) -> None:
    kept = [one for one in source.kept if one.release == "one"]
    figure = drift_figure(report, to_samples([(int(one.at_s > UNTIL_S) - 1, one) for one in kept]))
    titles = [axes.get_title() for axes in figure.axes]
    assert [title.split(":")[0] for title in titles] == [
        "queries",
        "top score",
        "answer words",
        "ungrounded",
    ]
    assert all(axes.has_data() for axes in figure.axes)
    assert figure.get_suptitle().endswith("drift")


def test_a_figure_of_nothing_is_a_figure() -> None:
    empty = watch(MemorySource(), None).compare(DriftRequest("one$"), now_s=UNTIL_S)
    assert empty.verdict == "not_enough"
    assert len(drift_figure(empty, to_samples([])).axes) == 4
