"""What a reader gives, what it may be told to read besides, and sentences on what it left out."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from deployments.contracts.documents import Markup, Part


@dataclass(frozen=True, slots=True)
class Converted:
    """What a file says; `title` is empty where neither the format nor the author gave one.

    `warnings` are sentences on what was left out or could not be read.
    """

    parts: tuple[Part, ...]
    title: str = ""
    metadata: Mapping[str, object] = field(default_factory=dict)
    markup: Markup = "plain"
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ReadingOptions:
    """What is read of an Office file beyond what it shows to whoever opens it."""

    hidden: bool = False
    """Hidden sheets, hidden slides and hidden text too."""

    comments: bool = False
    """The comments of reviewers too."""


def count_of(count: int, noun: str, plural: str = "") -> str:
    """Returns a number with its noun.

    >>> count_of(1, "comment"), count_of(1200, "comment"), count_of(2, "entry", "entries")
    ('1 comment', '1,200 comments', '2 entries')
    """
    return f"{count:,} {noun if count == 1 else plural or f'{noun}s'}"


def left_out(count: int, noun: str, plural: str = "", *, names: tuple[str, ...] = ()) -> str:
    """Returns the sentence that says how much of something was left out; "" where nothing was.

    >>> left_out(2, "hidden sheet", names=("Pay", "Old"))
    '2 hidden sheets were left out: Pay, Old.'
    """
    if not count:
        return ""
    shown = ", ".join(names[:20]) + (", ..." if len(names) > 20 else "")
    verb = "was" if count == 1 else "were"
    return f"{count_of(count, noun, plural)} {verb} left out{': ' if shown else ''}{shown}."
