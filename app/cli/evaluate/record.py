"""An evaluation as lines of JSON, and as runs in MLflow with the table and the picture."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from app.cli.evaluate.judging import Judged
from app.cli.evaluate.picture import picture_of
from app.cli.evaluate.summary import Summary
from app.client.errors import CliError

EXPERIMENT = "ragserve-evaluation"


def lines_of(judged: Iterable[Judged]) -> str:
    """Returns a line of JSON for each question and release."""
    return "".join(f"{json.dumps(_line(one), ensure_ascii=False)}\n" for one in judged)


def record(
    tracking_uri: str, name: str, judged: Sequence[Judged], summaries: Sequence[Summary]
) -> list[str]:
    """Writes a run for each release, and returns their ids.

    Args:
        tracking_uri: Address of the MLflow server.
        name: Of the set of questions.
        judged: What came of each question.
        summaries: The figures.

    Raises:
        CliError: MLflow is not installed, does not answer, or refuses.
    """
    try:
        from deployments.tracking.mlflow.whole_run import NotRecorded, record_run
    except ImportError as error:
        raise CliError("There is no MLflow here.", "pip install 'ragserve[serve]'") from error
    picture = picture_of(summaries)
    try:
        return [
            record_run(
                tracking_uri,
                experiment=EXPERIMENT,
                name=f"{name} {summary.release}",
                tags={"questions": name, "release": summary.release},
                metrics=figures(summary),
                params={"questions": name, "release": summary.release},
                artifacts={
                    "answers.jsonl": lines_of(
                        one for one in judged if one.release == summary.release
                    ).encode(),
                    "shares.png": picture,
                },
            )
            for summary in summaries
        ]
    except NotRecorded as error:
        raise CliError(str(error)) from error


def figures(summary: Summary) -> dict[str, float]:
    """Returns the figures of a release by name, those that are known."""
    shares = {name: share.value for name, share in summary.shares().items()}
    others = {"mrr": summary.mrr, "p50_ms": summary.p50_ms, "p95_ms": summary.p95_ms}
    return {name: float(value) for name, value in {**shares, **others}.items() if value is not None}


def _line(one: Judged) -> dict[str, Any]:
    return {
        **one.known.model_dump(),
        "release": one.release,
        "said": one.answer,
        "error": one.error,
        "is_given": one.is_given,
        "rank": one.rank,
        "is_right": one.is_right,
        "latency_ms": round(one.latency_ms, 1),
    }
