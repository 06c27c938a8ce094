"""Headings of Markdown: where they are, and what they say as plain text."""

import re
from dataclasses import dataclass

_BLOCK = re.compile(
    r"^ {0,3}(?P<fence>`{3,}(?=[^`\n]*$)|~{3,})"
    r"|^(?P<marks>#{1,6})[ \t]+(?P<atx>\S[^\n]{0,199})$"
    r"|(?<![^\n]\n)^(?P<setext>[^\s#<>|+*=~`-][^\n]{0,199})\n(?P<rule>=+|-{2,})[ \t]*$",
    re.M,
)

_LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
_MARKUP = re.compile(r"</?\w[^>]*>|\*\*|\u200b|\\(?=[!-/:-@\[-`{-~])|(\s+#+|\s*\{:?\s*#[^}]*\})+$")


@dataclass(frozen=True, slots=True)
class Heading:
    """A Markdown heading: the characters `start:end` of a text, and what they say as plain text."""

    level: int
    title: str
    start: int
    end: int


def find_headings(text: str) -> list[Heading]:
    """Returns the headings of a Markdown text in order, those in fenced code blocks left out.

    Narrower than CommonMark on purpose: a heading starts in the first column (an indented "#" is
    mostly a comment in code) and has at most 200 characters (more is a paragraph gone wrong).
    """
    headings: list[Heading] = []
    position = 0
    while match := _BLOCK.search(text, position):
        position = match.end()
        if fence := match["fence"]:
            closing = re.compile(rf"^ {{0,3}}{fence[0]}{{{len(fence)},}}[ \t]*$", re.M)
            end = closing.search(text, position)
            position = end.end() if end else len(text)
        else:
            level = len(match["marks"] or "") or (1 if match["rule"][0] == "=" else 2)
            title = _strip_markup(match["atx"] or match["setext"])
            headings.append(Heading(level, title, match.start(), match.end()))
    return headings


def _strip_markup(title: str) -> str:
    """Returns a heading as plain text: "Use `x` { #use-x }" gives "Use `x`"."""
    return _MARKUP.sub("", _LINK.sub(r"\1", title.strip())).strip()
