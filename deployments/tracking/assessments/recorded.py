"""What the traces in MLflow have of a question, its answer and its passages."""

import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from deployments.assessments.contract import KeptAssessment, Passage, RecordedAnswer
from deployments.tracking.mlflow.server import open_client, without_password

if TYPE_CHECKING:
    from mlflow import MlflowClient

_UNREADABLE = re.compile(r"sha256:[0-9a-f]{16}:\d+|length:\d+")
"""What the content policies `hash` and `none` leave of a text."""
_RETRIEVER = "retriever"
_log = logging.getLogger("ray.serve")


def with_texts(kept: Sequence[KeptAssessment], tracking_uri: str) -> list[KeptAssessment]:
    """Returns assessments with what their traces have of the texts; without it where MLflow does
    not answer, has no such trace, or was given no texts."""
    found: dict[str, Any] = {}
    try:
        client = open_client(tracking_uri)
        for trace_id in dict.fromkeys(one.trace_id for one in kept if one.trace_id):
            found[trace_id] = _spans(client, trace_id)
    except Exception as error:
        says = without_password(f"{type(error).__name__}: {error}", tracking_uri)
        _log.warning("texts of assessed answers cannot be read for now: %s", says)
    return [
        replace(one, recorded=recorded_answer(found.get(one.trace_id, ()), one.request_id))
        for one in kept
    ]


def recorded_answer(spans: Sequence[Any], request_id: str) -> RecordedAnswer | None:
    """Returns the texts of a request in the spans of a trace, which may have several requests; None
    where it has none of it."""
    own = next(
        (one for one in spans if one.attributes.get("ragserve.request_id") == request_id), None
    )
    if own is None:
        return None
    inputs = own.inputs if isinstance(own.inputs, Mapping) else {}
    outputs = own.outputs if isinstance(own.outputs, Mapping) else {}
    inside = [one for one in spans if one.parent_id == own.span_id]
    recorded = RecordedAnswer(
        _readable(_question(inputs)), _readable(outputs.get("answer")), tuple(_passages(inside))
    )
    return recorded if recorded != RecordedAnswer() else None


def _spans(client: "MlflowClient", trace_id: str) -> Sequence[Any]:
    """Returns the spans of a trace; none where it is not there, or has come in part."""
    from mlflow.exceptions import MlflowException, MlflowTraceDataException

    try:
        spans: Sequence[Any] = client.get_trace(f"tr-{trace_id}").data.spans
        return spans
    except MlflowTraceDataException:
        return ()
    except MlflowException as error:
        if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "NOT_FOUND"):
            return ()
        raise


def _question(inputs: Mapping[str, Any]) -> Any:
    messages = inputs.get("messages")
    if isinstance(messages, Sequence) and messages and isinstance(messages[-1], Mapping):
        return messages[-1].get("content")
    return inputs.get("question")


def _passages(spans: Sequence[Any]) -> Iterator[Passage]:
    for span in spans:
        documents = span.outputs if span.name == _RETRIEVER else None
        for document in documents if isinstance(documents, Sequence) else ():
            if not isinstance(document, Mapping):
                continue
            text = _readable(document.get("page_content"))
            told = document.get("metadata")
            title = _readable(told.get("title")) if isinstance(told, Mapping) else ""
            if text:
                yield Passage(str(document.get("id", "")), title, text)


def _readable(text: Any) -> str:
    if not isinstance(text, str) or _UNREADABLE.fullmatch(text):
        return ""
    return text
