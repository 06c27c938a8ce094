"""Text markup without a library: Markdown headings and front matter, reStructuredText titles."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

_BLOCK = re.compile(
    r"^ {0,3}(?P<fence>`{3,}(?=[^`\n]*$)|~{3,})"
    r"|^(?P<marks>#{1,6})[ \t]+(?P<atx>\S[^\n]{0,199})$"
    r"|(?<![^\n]\n)^(?P<setext>[^\s#<>|+*=~`-][^\n]{0,199})\n(?P<rule>=+|-{2,})[ \t]*$",
    re.M,
)

_LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
_MARKUP = re.compile(r"</?\w[^>]*>|\*\*|\u200b|\\(?=[!-/:-@\[-`{-~])|(\s+#+|\s*\{:?\s*#[^}]*\})+$")
_MAX_FRONT_MATTER_CHARS = 65_536
_FRONT_MATTER = re.compile(r"---[ \t]*\r?\n(.*?)^(?:---|\.\.\.)[ \t]*(?:\r?\n|\Z)", re.M | re.S)
_RST_ADORNMENT = re.compile(r"([!-/:-@\[-`{-~])\1+")


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


def read_front_matter(text: str) -> tuple[Mapping[str, object], str]:
    """Returns the YAML front matter of a Markdown text, and the text that follows it.

    A block between `---` lines that is no mapping stays text: it may be prose between two rules.
    """
    import yaml

    match = _FRONT_MATTER.match(text, 0, _MAX_FRONT_MATTER_CHARS)
    if match is None:
        return {}, text
    try:
        fields = yaml.safe_load(match[1])
    except (yaml.YAMLError, ValueError, RecursionError):
        return {}, text
    return (fields, text[match.end() :]) if isinstance(fields, dict) else ({}, text)


def convert_rst(text: str) -> str:
    """Returns reStructuredText with its titles as Markdown headings, every other line as it is.

    The level of a title follows from the order in which its style (the underline's character,
    with or without overline) first appears. Directives stay: they read well enough.
    """
    lines = text.split("\n")
    styles: list[str] = []
    output: list[str] = []
    index = 0
    while index < len(lines):
        title, style, line_count = _match_rst_title(lines, index)
        if title:
            styles += [style] if style not in styles else []
            output += [f"{'#' * min(styles.index(style) + 1, 6)} {title}", ""]
        else:
            output.append(lines[index])
        index += line_count
    return "\n".join(output)


def _match_rst_title(lines: list[str], index: int) -> tuple[str, str, int]:
    """Returns title, style and line count of the title at `index`; ("", "", 1) where none is."""
    first, second, third = ([line.rstrip() for line in lines[index : index + 3]] + ["", ""])[:3]
    if _RST_ADORNMENT.fullmatch(first):
        title = second.strip()
        if title and third == first and len(first) >= len(title):
            return title, first[0] * 2, 3
        return "", "", 1
    above = lines[index - 1].strip() if index else ""
    starts_block = not above or above.startswith("..") or _RST_ADORNMENT.fullmatch(above)
    is_title = first and not first[0].isspace() and starts_block
    if is_title and _RST_ADORNMENT.fullmatch(second) and len(second) >= min(len(first), 4):
        return first, second[0], 2
    return "", "", 1
