"""What the spans of a request say: names of OpenTelemetry's GenAI conventions where there are any,
those of MLflow for what only its pages show, and our own for the rest.

Source: OpenTelemetry semantic conventions for generative AI, 1.38 (experimental); MLflow 3.17,
mlflow.tracing.constant.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from app.request.attempt import AttemptRecord, StageTime
from app.request.decision import Decision
from app.settings.live.prices import PICOUSD_PER_USD, PriceTable
from app.telemetry.requests import FinishedRequest
from app.telemetry.traces.content import Keep
from deployments.contracts.calls import Lap
from deployments.contracts.erasure import CONVERSATION_TAG, USER_TAG, user_mark
from deployments.contracts.generation import Generation, Message
from deployments.contracts.search import ScoredChunk

Attributes = dict[str, Any]
_SPAN_TYPES = {
    "embedder": "EMBEDDING",
    "retriever": "RETRIEVER",
    "dense": "RETRIEVER",
    "lexical": "RETRIEVER",
    "reranker": "RERANKER",
    "generator": "CHAT_MODEL",
    "cache": "TASK",
    "condense": "CHAT_MODEL",
    "queries": "CHAT_MODEL",
    "passage": "CHAT_MODEL",
    "filter": "CHAT_MODEL",
    "prompt": "TASK",
    "write": "TASK",
}
_TYPE = "mlflow.spanType"
_INPUTS, _OUTPUTS = "mlflow.spanInputs", "mlflow.spanOutputs"
_TAG = "mlflow.traceTag."
_RESERVED = ("mlflow.", "ragserve.")
"""Beginnings of tags that no client sets."""
_MAX_CHARS = 32_000
"""Of a text; redacting it takes some milliseconds, in which no request gets the interpreter."""


class RequestAttributes:
    """The attributes of one request's spans.

    Args:
        request: The request.
        why_kept: See `app.telemetry.traces.tail_rule`.
        prices: What tokens cost.
        keep_text: What may be kept of its own texts and names.
        keep_passage: What may be kept of passages.
        marks_user: Whether it says for whom it was, so that it is found again: where it keeps
            texts.
    """

    def __init__(
        self,
        request: FinishedRequest,
        *,
        why_kept: str,
        prices: PriceTable,
        keep_text: Keep,
        keep_passage: Keep,
        marks_user: bool = False,
    ) -> None:
        self._request = request
        self._attempt = request.notes.attempt or AttemptRecord()
        self._why_kept = why_kept
        self._prices = prices
        self._keep_text = keep_text
        self._kept: dict[str, str] = {}
        self._passage = keep_passage
        notes = request.notes
        self._user_mark = user_mark(notes.tenant, notes.user) if marks_user else ""

    def _text(self, text: str) -> str:
        """Returns what may be kept of a text: its beginning, once for all the spans it is in."""
        if text not in self._kept:
            rest = len(text) - _MAX_CHARS
            kept = self._keep_text(text[:_MAX_CHARS])
            self._kept[text] = kept if rest <= 0 else f"{kept} (and {rest} more characters)"
        return self._kept[text]

    def root_name(self) -> str:
        """Returns the name of the request's span."""
        return f"{self._request.method} {self._request.route or 'unknown'}"

    def root(self) -> Attributes:
        """Returns what the request's span says."""
        request, notes = self._request, self._request.notes
        attributes: Attributes = {
            _TYPE: "CHAIN",
            "http.request.method": request.method,
            "http.route": request.route,
            "http.response.status_code": request.status,
            "error.type": notes.error,
            "session.id": self._named(notes.session),
            "user.id": self._named(notes.user),
            "ragserve.request_id": request.request_id,
            "ragserve.kind": request.kind,
            "ragserve.outcome": request.outcome,
            "ragserve.kept": self._why_kept,
            "ragserve.key": notes.key_id,
            "ragserve.tenant": notes.tenant,
            CONVERSATION_TAG: notes.conversation,
            USER_TAG: self._user_mark,
            "ragserve.release": notes.release,
            "ragserve.rollout": notes.rollout,
            "ragserve.arm": notes.arm,
            "ragserve.degraded": self._attempt.degraded,
            "ragserve.moderation": [_told(decision) for decision in notes.moderation],
            "ragserve.queue_ms": sum(spent.queue_ms for spent in self._attempt.times.values()),
            "ragserve.cache": None if notes.cache is None else notes.cache.outcome,
            f"{_TAG}ragserve.tenant": notes.tenant,
            f"{_TAG}{CONVERSATION_TAG}": notes.conversation,
            f"{_TAG}{USER_TAG}": self._user_mark,
            f"{_TAG}ragserve.release": notes.release,
            f"{_TAG}ragserve.arm": notes.arm,
            f"{_TAG}ragserve.outcome": request.outcome,
            f"{_TAG}ragserve.kept": self._why_kept,
        }
        for name, value in notes.tags.items():
            if not name.startswith(_RESERVED):
                attributes[f"{_TAG}{self._named(name)}"] = self._named(value)
        if len(notes.messages) == 1:
            attributes[_INPUTS] = {"question": self._text(notes.messages[0].content)}
        elif notes.messages:
            attributes[_INPUTS] = {"messages": self._plain_messages()}
        if notes.written is not None:
            attributes[_OUTPUTS] = {"answer": self._text(notes.written.text)}
            attributes["ragserve.grounded"] = notes.written.grounded
        elif self._attempt.hits:
            attributes[_OUTPUTS] = {"documents": self._documents(self._attempt.hits)}
        return _known(attributes)

    def stage(self, stage: str, spent: StageTime) -> Attributes:
        """Returns what the span of a stage says."""
        attributes: Attributes = {
            _TYPE: _SPAN_TYPES.get(stage, "UNKNOWN"),
            "error.type": spent.error,
            "ragserve.release": self._request.notes.release,
            "ragserve.arm": self._request.notes.arm,
            "ragserve.queue_ms": spent.queue_ms,
            "ragserve.inference_ms": spent.inference_ms,
            "ragserve.replica_ms": spent.replica_ms,
            "ragserve.batch_size": spent.batch_size,
            # A span may travel without the request's.
            CONVERSATION_TAG: self._request.notes.conversation,
            USER_TAG: self._user_mark,
        }
        match stage:
            case "cache":
                attributes |= self._cache()
            case "embedder":
                attributes |= self._embedding()
            case "retriever":
                attributes[_INPUTS] = {"query": self._text(self._attempt.query)}
                attributes[_OUTPUTS] = self._documents(self._attempt.found)
                attributes["ragserve.found"] = self._ranking(self._attempt.found)
            case "reranker":
                attributes[_INPUTS] = {"query": self._text(self._attempt.query)}
                attributes[_OUTPUTS] = self._ranking(self._attempt.hits)
                attributes["ragserve.rerank_tokens"] = self._attempt.rerank_tokens
            case "condense" | "queries" | "passage" | "filter":
                attributes |= self._model_step(stage)
            case "generator" if self._request.notes.written is not None:
                attributes |= self._generation(self._request.notes.written)
            case "generator" if self._request.notes.begun is not None:
                attributes |= self._usage(self._request.notes.begun)
        return _known(attributes)

    def lap(self, stage: str, lap: Lap) -> Attributes:
        """Returns what the span of a step inside a stage says."""
        attributes: Attributes = {_TYPE: _SPAN_TYPES.get(lap.name, "UNKNOWN")}
        written = self._request.notes.written
        if lap.name == "prompt" and written is not None and written.prompt:
            attributes["ragserve.prompt"] = written.prompt
            attributes["ragserve.context_ranks"] = list(written.context)
        return attributes

    def _cache(self) -> Attributes:
        note = self._attempt.cache
        if note is None:
            return {}
        return {
            "ragserve.cache.outcome": note.outcome,
            "ragserve.cache.level": note.level,
            "ragserve.cache.match": note.match or None,
            "ragserve.cache.key": note.key,
            "ragserve.cache.age_s": note.age_s if note.outcome == "hit" else None,
            "ragserve.cache.trace": note.trace_id,
        }

    def _embedding(self) -> Attributes:
        return {
            "gen_ai.operation.name": "embeddings",
            # MLflow adds up what is called usage: only a generator's tokens shall be.
            "ragserve.embedding_tokens": self._attempt.embedding_tokens,
            _INPUTS: {"query": self._text(self._attempt.query)},
        }

    def _model_step(self, step: str) -> Attributes:
        attributes: Attributes = {_INPUTS: {"messages": self._plain_messages()}}
        written = self._attempt.model_steps.get(step)
        if written is not None:
            attributes[_OUTPUTS] = {
                "query" if step == "condense" else step: self._text(written.text)
            }
            attributes |= self._usage(written)
        return attributes

    def _generation(self, written: Generation) -> Attributes:
        attributes: Attributes = {
            "gen_ai.response.finish_reasons": [written.finish_reason],
            "gen_ai.input.messages": [
                self._turn(message) for message in self._request.notes.messages
            ],
            "gen_ai.output.messages": [
                self._turn(Message("assistant", written.text, written.calls))
                | {"finish_reason": written.finish_reason}
            ],
            "ragserve.prompt": written.prompt,
            "ragserve.ttft_ms": written.ttft_ms,
            "ragserve.grounded": written.grounded,
            "ragserve.answerability": written.answerability,
            "ragserve.citations": [citation.source for citation in written.citations],
        }
        return attributes | self._usage(self._attempt.with_rounds(written))

    def _turn(self, message: Message) -> Attributes:
        """Returns a turn in the form of the GenAI conventions."""
        parts: list[Attributes] = [
            {
                "type": "tool_call",
                "id": call.id,
                "name": self._text(call.name),
                "arguments": self._text(call.arguments),
            }
            for call in message.calls
        ]
        if message.role == "tool":
            told = self._text(message.content)
            parts.append({"type": "tool_call_response", "id": message.call_id, "response": told})
        elif message.content or not parts:
            parts.insert(0, {"type": "text", "content": self._text(message.content)})
        return {"role": message.role, "parts": parts}

    def _usage(self, written: Generation) -> Attributes:
        attributes: Attributes = {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "ragserve",
            "gen_ai.request.model": written.model,
            "gen_ai.response.model": written.model,
            "gen_ai.usage.input_tokens": written.prompt_tokens,
            "gen_ai.usage.output_tokens": written.completion_tokens,
            "gen_ai.usage.cache_read.input_tokens": written.cached_tokens,
        }
        if (costs := self._prices.costs_picousd(written)) is not None:
            prompt, completion = (cost / PICOUSD_PER_USD for cost in costs)
            attributes["mlflow.llm.cost"] = {
                "input_cost": prompt,
                "output_cost": completion,
                "total_cost": prompt + completion,
            }
            attributes["ragserve.prices"] = self._prices.version_of(written.model)
        return attributes

    def _documents(self, hits: Sequence[ScoredChunk]) -> list[Attributes]:
        """Returns those of the chunks that were kept in the end, in the form in which MLflow shows
        documents. All of them would cost more than the rest of the trace."""
        kept = {hit.chunk.id for hit in self._attempt.hits}
        return [
            {
                "page_content": self._passage(hit.chunk.text),
                "id": self._passage(hit.chunk.id),
                "metadata": {
                    # Names are text too: the first heading, or what a client chose.
                    "doc_uri": self._passage(hit.chunk.path),
                    "title": self._passage(hit.chunk.title),
                    "score": float(hit.score),
                    "rank": hit.rank,
                },
            }
            for hit in hits
            if hit.chunk.id in kept
        ]

    def _ranking(self, hits: Sequence[ScoredChunk]) -> str:
        """Returns ids and scores, best first, as JSON: one string costs little where hundreds of
        values would not."""
        return json.dumps(
            [[self._passage(hit.chunk.id), round(float(hit.score), 6)] for hit in hits]
        )

    def _plain_messages(self) -> list[Mapping[str, str]]:
        return [
            {"role": message.role, "content": self._text(message.content)}
            for message in self._request.notes.messages
        ]

    def _named(self, name: str) -> str:
        return self._text(name) if name else ""


def _known(attributes: Attributes) -> Attributes:
    return {
        name: value
        for name, value in attributes.items()
        if value is not None and value not in ("", [])
    }


def _told(decision: Decision) -> str:
    """Returns a decision on one line: what, where, why, by which policy, and never of what text."""
    by = f"{decision.policy}@{decision.version}"
    return f"{decision.action} {decision.place} {','.join(decision.categories)} {by}"
