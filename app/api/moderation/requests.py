"""All texts of a request, taken through the input policy of whoever may answer it."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace

from app.answering.question import Question
from app.gateway import Gateway
from app.releases.assignment import Assignment
from app.releases.model_names import Direct
from app.request.scope import RequestScope
from deployments.contracts.generation import Message
from deployments.contracts.search import Filter
from deployments.contracts.tools import ToolUse

NO_TOOLS = ToolUse()


async def checked_question(
    question: Question, assignment: Assignment, scope: RequestScope, gateway: Gateway
) -> Question:
    """Returns a question as it may go on; raises as `Moderator.check_texts`."""
    others = [*question.queries, *_values(question.where)]
    asked = question.messages or (Message("user", question.text),)
    messages, kept = await gateway.moderator.check_request(
        asked, others, scope, _releases(assignment)
    )
    queries = tuple(kept[: len(question.queries)])
    return replace(
        question,
        text=messages[-1].content,
        messages=messages if question.messages else (),
        queries=queries,
    )


async def checked_messages(
    messages: Sequence[Message],
    where: Filter | None,
    tools: ToolUse,
    target: Assignment | Direct,
    scope: RequestScope,
    gateway: Gateway,
) -> tuple[Message, ...]:
    """Returns the turns of a conversation as they may go on; raises as `Moderator.check_texts`.

    Args:
        messages: The turns.
        where: The client's filter.
        tools: The client's functions, whose descriptions a model reads.
        target: Who answers.
        scope: The request.
        gateway: What is served.
    """
    others = [*_values(where), *(json.dumps(tool.as_json()) for tool in tools.tools)]
    return await gateway.moderator.check_messages(messages, scope, _releases(target), others=others)


def _releases(target: Assignment | Direct) -> tuple[str | None, ...]:
    """Returns who may answer: where a canary cannot, stable does."""
    if isinstance(target, Direct):
        return (None,)
    fallback = target.fallback
    return (target.release,) if fallback is None else (target.release, fallback)


def _values(where: object) -> Iterator[str]:
    """Yields the texts of a filter: names and values, at any depth."""
    if isinstance(where, str):
        yield where
    elif isinstance(where, dict):
        for name, value in where.items():
            if not name.startswith("$"):
                yield name
            yield from _values(value)
    elif isinstance(where, list | tuple):
        for value in where:
            yield from _values(value)
