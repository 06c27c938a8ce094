"""The search, as a function that a language model calls."""

import json
from dataclasses import replace
from typing import Any

from app.answering.condense import MAX_QUERY_CHARS
from app.answering.question import Question
from app.answering.self_query import describe_fields, read_conditions, schema_of
from app.settings.live.release import Release
from deployments.contracts.tools import Tool, ToolCall

SEARCH = "search_documents"
_DESCRIPTION = "Searches the documents. Returns the passages that fit best, each with its number."
_ABOUT_CONDITIONS = "Conditions on the documents' metadata, where they are asked for:"


def search_function(release: Release) -> Tool:
    """Returns the function: a query, how many passages, and conditions where the release says what
    there is to have any on."""
    properties: dict[str, Any] = {
        "query": {"type": "string", "description": "What to look for, understood by itself."},
        "top_n": {
            "type": "integer",
            "minimum": 1,
            "maximum": release.top_n,
            "description": "Passages at most.",
        },
    }
    if release.filter_fields:
        conditions: dict[str, Any] = schema_of(release.filter_fields)["properties"]["conditions"]
        told = f"{_ABOUT_CONDITIONS}\n{describe_fields(release.filter_fields)}"
        properties["conditions"] = {**conditions, "description": told}
    return Tool(
        SEARCH,
        _DESCRIPTION,
        {
            "type": "object",
            "properties": properties,
            "required": ["query"],
            "additionalProperties": False,
        },
    )


def asked_by(call: ToolCall, question: Question, release: Release) -> Question:
    """Returns what a call asks for. The client's own filter holds beside its conditions, and
    bounds on what is found stay.

    Raises:
        ValueError: the arguments are none; its text is for the model.
    """
    try:
        told = json.loads(call.arguments or "{}")
    except ValueError:
        raise ValueError("the arguments are not JSON") from None
    query = told.get("query") if isinstance(told, dict) else None
    if not isinstance(query, str) or not query.strip() or len(query) > MAX_QUERY_CHARS:
        raise ValueError("`query` must be a text")
    most = question.top_n or release.top_n
    top_n = told.get("top_n")
    is_number = isinstance(top_n, int) and not isinstance(top_n, bool)
    conditions = told.get("conditions") or []
    try:
        where = read_conditions(conditions, release.filter_fields)
    except ValueError:
        raise ValueError("the conditions are against their schema") from None
    return replace(
        question,
        text=query.strip(),
        queries=(),
        top_n=max(1, min(top_n, most)) if is_number else most,
        is_written=True,
        conditions=where,
    )
