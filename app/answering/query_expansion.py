"""The ways in which a question is put to the index: the client's, and those that a language model
finds.

What a model adds is help, never a condition: where it fails, the question is searched for as it is.
"""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

from app.answering.condense import usable_query
from app.answering.model_step import Step, ask_model
from app.answering.question import Question
from app.answering.self_query import SelfQuery, all_of, describe_fields, read_self_query, schema_of
from app.releases.route import Route
from app.request.attempt import Trail
from app.request.scope import RequestScope
from deployments.contracts.generation import Message, OutputFormat, Sampling
from deployments.contracts.search import Filter
from deployments.serving.concurrently import gather_or_cancel

_QUERIES_TOKENS = 256
_PASSAGE_TOKENS = 160
"""A passage as long as a chunk's core: more of it drowns the question."""
_FILTER_TOKENS = 256

Ask = Callable[[Step, tuple[Message, ...], Sampling], Awaitable[str | None]]


@dataclass(frozen=True, slots=True)
class Formulations:
    """What is searched for: each query once, within `where`.

    `given_where` is the client's own filter: what holds where the model's finds nothing.
    """

    queries: tuple[str, ...]
    where: Filter | None
    given_where: Filter | None


async def formulate(
    question: Question, route: Route, scope: RequestScope, trail: Trail
) -> Formulations:
    """Returns the question, the client's other ways to put it, and what the release lets a language
    model add: other queries, a passage that could be the answer, a filter.

    Source: Gao et al., Precise Zero-Shot Dense Retrieval without Relevance Labels (HyDE), ACL 2023.
    """
    ask = partial(ask_model, route=route, scope=scope, trail=trail)
    queries, passage, taken_apart = await gather_or_cancel(
        _other_queries(question, route, ask),
        _passage(question, route, ask),
        _self_query(question, route, ask, trail),
    )
    written_where = None if taken_apart is None else taken_apart.where
    # Also whole: the words that became conditions may be none after all.
    rest = [taken_apart.query] if taken_apart is not None and written_where else []
    found = (*filter(None, rest), question.text, *question.queries, *queries, *passage)
    return Formulations(
        tuple(dict.fromkeys(found)), all_of([question.where, written_where]), question.where
    )


async def _other_queries(question: Question, route: Route, ask: Ask) -> list[str]:
    count = route.release.extra_queries
    if not count:
        return []
    schema = {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": count}
    sampling = Sampling(_QUERIES_TOKENS, temperature=0.0, output_format=OutputFormat(schema))
    wish = Message("system", f"Write {count}.")
    written = await ask("queries", (wish, Message("user", question.text)), sampling)
    try:
        told = json.loads(written or "[]")
    except ValueError:
        return []
    lines = told if isinstance(told, list) else []
    usable = [usable_query(line) for line in lines if isinstance(line, str)]
    return [query for query in usable if query][:count]


async def _passage(question: Question, route: Route, ask: Ask) -> list[str]:
    if not route.release.hypothetical_passage:
        return []
    sampling = Sampling(_PASSAGE_TOKENS, temperature=0.0)
    written = await ask("passage", (Message("user", question.text),), sampling)
    return [written.strip()] if written and written.strip() else []


async def _self_query(question: Question, route: Route, ask: Ask, trail: Trail) -> SelfQuery | None:
    fields = route.release.filter_fields
    if not fields:
        return None
    sampling = Sampling(
        _FILTER_TOKENS, temperature=0.0, output_format=OutputFormat(schema_of(fields))
    )
    told = Message("system", describe_fields(fields))
    written = await ask("filter", (told, Message("user", question.text)), sampling)
    if written is None:
        return None
    found = read_self_query(written, fields)
    if found is None:
        trail.degraded.append("filter")
    return found
