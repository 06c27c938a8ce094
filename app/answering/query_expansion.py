"""The ways in which a question is put to the index: the client's, and those that a language model
finds.

What a model adds is help, never a condition: where it fails, the question is searched for as it is.
"""

import json
from dataclasses import dataclass

from app.answering.condense import usable_query
from app.answering.model_step import ask_model
from app.answering.question import Question
from app.answering.self_query import SelfQuery, all_of, describe_fields, read_self_query, schema_of
from app.releases.attempt import Attempt
from deployments.contracts.generation import Message, OutputFormat, Sampling
from deployments.contracts.search import Filter
from deployments.serving.concurrently import gather_or_cancel

_QUERIES_TOKENS = 256
_PASSAGE_TOKENS = 160
"""A passage as long as a chunk's core: more of it drowns the question."""
_FILTER_TOKENS = 256


@dataclass(frozen=True, slots=True)
class Formulations:
    """What is searched for: each query once, within `where`.

    `given_where` is the client's own filter: what holds where the model's finds nothing.
    """

    queries: tuple[str, ...]
    where: Filter | None
    given_where: Filter | None


async def formulate(question: Question, attempt: Attempt) -> Formulations:
    """Returns the question, the client's other ways to put it, and what the release lets a language
    model add: other queries, a passage that could be the answer, a filter.

    Source: Gao et al., Precise Zero-Shot Dense Retrieval without Relevance Labels (HyDE), ACL 2023.
    """
    if question.is_written:
        where = all_of([question.where, question.conditions])
        return Formulations((question.text,), where, question.where)
    queries, passage, taken_apart = await gather_or_cancel(
        _other_queries(question, attempt),
        _passage(question, attempt),
        _self_query(question, attempt),
    )
    written_where = None if taken_apart is None else taken_apart.where
    # Also whole: the words that became conditions may be none after all.
    rest = [taken_apart.query] if taken_apart is not None and written_where else []
    found = (*filter(None, rest), question.text, *question.queries, *queries, *passage)
    return Formulations(
        tuple(dict.fromkeys(found)), all_of([question.where, written_where]), question.where
    )


async def _other_queries(question: Question, attempt: Attempt) -> list[str]:
    count = attempt.route.release.extra_queries
    if not count:
        return []
    schema = {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": count}
    sampling = Sampling(_QUERIES_TOKENS, temperature=0.0, output_format=OutputFormat(schema))
    wish = Message("system", f"Write {count}.")
    written = await ask_model("queries", (wish, Message("user", question.text)), sampling, attempt)
    try:
        told = json.loads(written or "[]")
    except ValueError:
        return []
    lines = told if isinstance(told, list) else []
    usable = [usable_query(line) for line in lines if isinstance(line, str)]
    return [query for query in usable if query][:count]


async def _passage(question: Question, attempt: Attempt) -> list[str]:
    if not attempt.route.release.hypothetical_passage:
        return []
    sampling = Sampling(_PASSAGE_TOKENS, temperature=0.0)
    written = await ask_model("passage", (Message("user", question.text),), sampling, attempt)
    return [written.strip()] if written and written.strip() else []


async def _self_query(question: Question, attempt: Attempt) -> SelfQuery | None:
    fields = attempt.route.release.filter_fields
    if not fields:
        return None
    sampling = Sampling(
        _FILTER_TOKENS, temperature=0.0, output_format=OutputFormat(schema_of(fields))
    )
    told = Message("system", describe_fields(fields))
    written = await ask_model("filter", (told, Message("user", question.text)), sampling, attempt)
    if written is None:
        return None
    found = read_self_query(written, fields)
    if found is None:
        attempt.record.degraded.append("filter")
    return found
