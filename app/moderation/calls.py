"""Calls of functions that a model makes: they are checked as wholes, since half of a call is of no
use to anybody, and JSON can spell every letter in another way."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from app.moderation.policies import TextCheck
from deployments.contracts.tools import ToolCall
from deployments.redaction.placeholders import Numbering


@dataclass(frozen=True, slots=True)
class CheckedCalls:
    """The calls as they may go on, what was found in them, and whether anything was replaced."""

    calls: tuple[ToolCall, ...]
    categories: set[str]
    is_redacted: bool


def checked_calls(
    calls: Sequence[ToolCall], check: TextCheck, numbering: Numbering
) -> CheckedCalls:
    """Returns what becomes of calls: their arguments are checked as they are spelled, and as they
    are read."""
    found: set[str] = set()
    passed: list[ToolCall] = []
    for call in calls:
        parsed = _parsed(call.arguments)
        strings = list(_strings(parsed))
        # What is not JSON can only be read as it is spelled.
        checked = check.of_whole(strings or [call.arguments], numbering)
        found |= checked.categories | check.of_whole([call.arguments], Numbering()).categories
        if checked.is_redacted:
            kept = iter(checked.texts)
            arguments = json.dumps(_with(parsed, kept)) if strings else next(kept)
            call = replace(call, arguments=arguments)
        passed.append(call)
    return CheckedCalls(tuple(passed), found, tuple(passed) != tuple(calls))


def _parsed(arguments: str) -> object:
    try:
        return json.loads(arguments)
    except (ValueError, RecursionError):
        return None


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield name
            yield from _strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner)


def _with(value: object, strings: Iterator[str]) -> object:
    """Returns a value with other strings, in the order of `_strings`."""
    if isinstance(value, str):
        return next(strings)
    if isinstance(value, dict):
        return {next(strings): _with(inner, strings) for inner in value.values()}
    if isinstance(value, list):
        return [_with(inner, strings) for inner in value]
    return value
