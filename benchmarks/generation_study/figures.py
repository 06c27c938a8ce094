"""From the times of answers to the figures that are reported, and their medians over rounds."""

import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks.generation_study.client import Answer, Run

Figures = Mapping[str, float | None]
_FAILURES_NAMED = 3


def figures_of(run: Run) -> dict[str, float | None]:
    """Returns the figures of one run, None where it has no answer.

    `ttft`: from the request to the first text. `tpot`: from there to the end, per further token.
    `e2e`: from the request to the end. Tokens are counted by the server; `tokens_per_s` counts
    them from the first request to the end of the last answer. `chunks_per_answer` counts events,
    those around the text among them.

    Source: the definitions of `vllm bench serve` (vllm/benchmarks/serve.py).
    """
    answers = run.answers
    tokens = sum(answer.completion_tokens for answer in answers)
    elapsed_s = span_s(answers)
    return {
        "answers": float(len(answers)),
        "failed": float(len(run.failures)),
        "prompt_tokens": _mean([float(answer.prompt_tokens) for answer in answers]),
        "ttft_p50_ms": _percentile([answer.first_text_s - answer.sent_s for answer in answers], 50),
        "ttft_p95_ms": _percentile([answer.first_text_s - answer.sent_s for answer in answers], 95),
        "tpot_p50_ms": _percentile([_tpot_s(answer) for answer in answers], 50),
        "e2e_p50_ms": _percentile([answer.ended_s - answer.sent_s for answer in answers], 50),
        "tokens_per_s": tokens / elapsed_s if elapsed_s else None,
        "chunks_per_answer": _mean([float(answer.events) for answer in answers]),
        "client_cores": run.client_cpu_s / elapsed_s if elapsed_s else None,
        "foreign_cores": run.foreign_cores,
        **{
            f"{role}_cpu_us_per_token": spent_s * 1e6 / tokens if tokens else None
            for role, spent_s in run.server_cpu_s.items()
        },
    }


def span_s(answers: Sequence[Answer]) -> float:
    """Returns the seconds from the first request to the end of the last answer."""
    if not answers:
        return 0.0
    return max(answer.ended_s for answer in answers) - min(answer.sent_s for answer in answers)


def median_figures(rounds: Sequence[Figures]) -> dict[str, Any]:
    """Returns each figure's median over the rounds; answers and failures are summed."""
    merged: dict[str, Any] = {
        name: round(sum(one[name] or 0 for one in rounds)) for name in ("answers", "failed")
    }
    for name in rounds[0]:
        values = [value for one in rounds if (value := one[name]) is not None]
        if name not in merged:
            merged[name] = round(statistics.median(values), 3) if values else None
    return merged


def values_of(rounds: Sequence[Figures], name: str) -> list[float | None]:
    """Returns one figure of every round."""
    return [None if (value := one[name]) is None else round(value, 3) for one in rounds]


def paired(
    ours: Sequence[Figures], theirs: Sequence[Figures], name: str, *, ratio: bool
) -> dict[str, float] | None:
    """Returns how a figure of ours compares with theirs: the median of the rounds, and the lowest
    and the highest of them. None where a round has no answer.

    Args:
        ours: By round.
        theirs: In the same rounds.
        name: Which figure.
        ratio: Whether ours is divided by theirs, or theirs is subtracted.
    """
    pairs = [(mine[name], other[name]) for mine, other in zip(ours, theirs, strict=True)]
    compared = [
        mine / other if ratio else mine - other
        for mine, other in pairs
        if mine is not None and other is not None and (other or not ratio)
    ]
    if not compared or len(compared) < len(pairs):
        return None
    return {
        "median": round(statistics.median(compared), 3),
        "lowest": round(min(compared), 3),
        "highest": round(max(compared), 3),
    }


def failures_of(runs: Sequence[Run]) -> dict[str, int]:
    """Returns the commonest failures with their counts."""
    return dict(
        Counter(failure for run in runs for failure in run.failures).most_common(_FAILURES_NAMED)
    )


def _tpot_s(answer: Answer) -> float:
    return (answer.ended_s - answer.first_text_s) / max(1, answer.completion_tokens - 1)


def _percentile(values_s: Sequence[float], percent: float) -> float | None:
    return float(np.percentile(values_s, percent)) * 1e3 if values_s else None


def _mean(values: Sequence[float]) -> float | None:
    return statistics.fmean(values) if values else None
