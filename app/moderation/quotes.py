"""An answer that is made of statements of its sources: what may not be said is left out of it,
statement by statement, and the rest stays an answer."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from deployments.contracts.generation import Citation
from deployments.moderation.held_text import HeldText


@dataclass(frozen=True, slots=True)
class Statement:
    """A stretch of the answer with its citation, and what stands before it."""

    before: str
    text: str
    citation: Citation | None


@dataclass(slots=True)
class QuotedText:
    """What is left of a quoted text.

    Attributes:
        text: The statements that may be shown.
        citations: Theirs, at their places.
        left_out: Categories of those that may not.
        replaced: Categories of what was replaced in those that may.
        flagged: Categories of what was only noted.
    """

    text: str = ""
    citations: list[Citation] = field(default_factory=list)
    left_out: set[str] = field(default_factory=set)
    replaced: set[str] = field(default_factory=set)
    flagged: set[str] = field(default_factory=set)


def statements_of(text: str, citations: Sequence[Citation]) -> list[Statement]:
    """Returns the statements of a text: the stretches of its citations, and what no citation
    has."""
    found: list[Statement] = []
    place = 0
    for citation in sorted(citations, key=lambda one: one.start):
        if citation.start >= place:
            before, said = text[place : citation.start], text[citation.start : citation.end]
            found.append(Statement(before, said, citation))
            place = citation.end
    if text[place:].strip() or not found:
        found.append(Statement("", text[place:], None))
    return found


def checked_quotes(
    statements: Sequence[Statement],
    objections: Sequence[set[str]],
    make: Callable[[], HeldText],
) -> QuotedText:
    """Returns what may be shown of a text.

    Args:
        statements: As `statements_of` returns them.
        objections: For which categories each of them may not be shown, as far as it is known.
        make: Makes what else a statement must pass.
    """
    shown = QuotedText()
    for statement, objected in zip(statements, objections, strict=True):
        held = make()
        passed = held.feed(statement.text) + held.finish()
        refused = objected | {one.category for one in held.blocked_by()}
        if refused:
            shown.left_out |= refused
            continue
        shown.replaced |= {one.category for one in held.replaced()}
        shown.flagged |= {one.category for one in held.flagged()}
        shown.text += statement.before if shown.text else ""
        start = len(shown.text)
        shown.text += passed
        if statement.citation is not None:
            end = len(shown.text)
            shown.citations.append(replace(statement.citation, start=start, end=end))
    return shown
