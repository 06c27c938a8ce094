"""Keeps figures of quality as runs in MLflow: one for each data set and stage, with the same names,
so that versions compare there."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from deployments.tracking.mlflow.whole_run import record_run

EXPERIMENT = "ragserve-quality"
_ARTIFACT = "quality.json"


def record(
    tracking_uri: str,
    *,
    dataset: str,
    stage: str,
    figures: Mapping[str, Any],
    parameters: Mapping[str, Any],
    result: Mapping[str, Any],
) -> str:
    """Writes a run, and returns its id.

    Args:
        tracking_uri: Address of the MLflow server.
        dataset: What was asked.
        stage: What answered.
        figures: Numbers and estimates by name, nested by section; what is no number stays out.
        parameters: The settings, nested by section.
        result: The whole result, which becomes the run's artifact; its environment names the
            commit.

    Raises:
        NotRecorded: MLflow does not answer, or refuses.
    """
    commit = str(result["environment"]["commit"])
    return record_run(
        tracking_uri,
        experiment=EXPERIMENT,
        name=f"{dataset} {stage}",
        tags={
            "dataset": dataset,
            "stage": stage,
            "commit": commit,
            "mlflow.source.git.commit": commit,
        },
        metrics=dict(metrics_of(figures)),
        params={"dataset": dataset, "stage": stage, **dict(_flat(parameters))},
        artifacts={_ARTIFACT: json.dumps(result, indent=2).encode()},
    )


def metrics_of(figures: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, float]]:
    """Yields every number of the figures by its name; an estimate is three of them.

    >>> dict(metrics_of({"p50_ms": 1, "mrr": {"value": 0.5, "ci95": [0.4, 0.6]}}))
    {'p50_ms': 1.0, 'mrr': 0.5, 'mrr_ci_low': 0.4, 'mrr_ci_high': 0.6}
    """
    for name, value in figures.items():
        key = f"{prefix}{name}"
        if isinstance(value, bool):
            continue
        if isinstance(value, int | float):
            yield key, float(value)
        elif isinstance(value, Mapping) and "ci95" in value:
            low, high = value["ci95"]
            yield from ((key, value["value"]), (f"{key}_ci_low", low), (f"{key}_ci_high", high))
        elif isinstance(value, Mapping):
            yield from metrics_of(value, f"{key}.")


def _flat(settings: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in settings.items():
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{prefix}{name}.")
        elif value is not None:
            yield f"{prefix}{name}", value
