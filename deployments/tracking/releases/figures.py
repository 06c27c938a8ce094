"""What MLflow shows of a release: its parameters, and its figures by minute. No MLflow in here."""

from collections.abc import Iterator, Mapping
from typing import Any

from deployments.activity import MinuteCounts, ReleaseMinute
from deployments.tracking.mlflow.limits import PARAM_CHARACTERS, key_of, text_of

_MINUTE_S = 60.0
_PICOUSD_PER_USD = 10**12
_THOUSAND = 1000.0
_QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}


def params_of(release: str, vector: Mapping[str, Any]) -> dict[str, str]:
    """Returns what a release is made of, one line per leaf of its parameters.

    >>> params_of("a", {"top_k": 5, "chunking": {"overlap": 2}})
    {'release': 'a', 'top_k': '5', 'chunking.overlap': '2'}
    """
    params = {"release": release, **dict(_leaves(vector, ""))}
    return {key_of(name): text_of(value)[:PARAM_CHARACTERS] for name, value in params.items()}


def metrics_of(minute: ReleaseMinute) -> dict[str, float]:
    """Returns the figures of a minute. Ratios of nothing, and times of no request, are left out."""
    figures = _counted(minute.counts)
    for timing, sketch in minute.timings.items():
        for name, share in _QUANTILES.items():
            value_ms = sketch.quantile(share)
            if value_ms is not None:
                figures[f"{timing}_{name}"] = value_ms
    return {key_of(name): value for name, value in figures.items()}


def _counted(counts: MinuteCounts) -> dict[str, float]:
    figures = {
        "requests": float(counts.requests),
        "requests_per_s": counts.requests / _MINUTE_S,
        "prompt_tokens_per_s": counts.prompt_tokens / _MINUTE_S,
        "completion_tokens_per_s": counts.completion_tokens / _MINUTE_S,
        "cost_usd": counts.cost_picousd / _PICOUSD_PER_USD,
    }
    for name, part, whole in (
        ("error_ratio", counts.failed, counts.requests),
        ("aborted_ratio", counts.aborted, counts.requests),
        ("rejected_ratio", counts.rejected, counts.requests),
        ("degraded_ratio", counts.degraded, counts.requests),
        ("refusal_ratio", counts.ungrounded, counts.answered),
        ("truncated_ratio", counts.truncated, counts.answered),
        ("blocked_ratio", counts.blocked, counts.answered),
        ("cached_ratio", counts.cached_tokens, counts.prompt_tokens),
    ):
        if whole:
            figures[name] = part / whole
    if counts.rated:
        figures["rated"] = float(counts.rated)
        figures["feedback_score"] = counts.rating_thousandths / counts.rated / _THOUSAND
    if counts.judged:
        figures["judged"] = float(counts.judged)
        figures["groundedness"] = counts.groundedness_thousandths / counts.judged / _THOUSAND
        figures["relevance"] = counts.relevance_thousandths / counts.judged / _THOUSAND
    return figures


def _leaves(values: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value
