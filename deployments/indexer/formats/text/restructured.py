"""Reads reStructuredText: its titles become Markdown headings, every other line stays."""

import re

from deployments.contracts.documents import Part
from deployments.indexer.formats.converted import Converted, left_out
from deployments.indexer.formats.pictures import drop_pictures
from deployments.indexer.formats.text.encodings import decode_text
from deployments.indexer.markup import find_headings

_ADORNMENT = re.compile(r"([!-/:-@\[-`{-~])\1+")
_FIELD = re.compile(r":?([A-Za-z][\w-]*(?: [\w-]+)?):[ \t]+(\S.*)")
_COMMENT = re.compile(r"^\.\. [^\n]*(?:\n[ \t]+[^\n]*)*", re.M)
_TITLE_FIELD = "title"
_MAX_FIELDS = 40


def read_rst(content: bytes) -> Converted:
    """Reads a text; a field "Title" among those above it names the document, else the title that
    stands at its top."""
    decoded = decode_text(content)
    text = decoded.text.replace("\r\n", "\n").replace("\r", "\n")
    text, picture_count = drop_pictures(text)
    pictures = left_out(picture_count, "embedded picture")
    converted = convert_rst(text)
    return Converted(
        (Part(converted),),
        title=_title_field(text) or _document_title(converted),
        markup="markdown",
        warnings=(*decoded.warnings, *filter(None, [pictures])),
    )


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
        title, style, line_count = _match_title(lines, index)
        if title:
            styles += [style] if style not in styles else []
            output += [f"{'#' * min(styles.index(style) + 1, 6)} {title}", ""]
        else:
            output.append(lines[index])
        index += line_count
    return "\n".join(output)


def _match_title(lines: list[str], index: int) -> tuple[str, str, int]:
    """Returns title, style and line count of the title at `index`; ("", "", 1) where none is."""
    first, second, third = ([line.rstrip() for line in lines[index : index + 3]] + ["", ""])[:3]
    if _ADORNMENT.fullmatch(first):
        title = second.strip()
        if title and third == first and len(first) >= len(title):
            return title, first[0] * 2, 3
        return "", "", 1
    above = lines[index - 1].strip() if index else ""
    starts_block = not above or above.startswith("..") or _ADORNMENT.fullmatch(above)
    is_title = first and not first[0].isspace() and starts_block
    if is_title and _ADORNMENT.fullmatch(second) and len(second) >= min(len(first), 4):
        return first, second[0], 2
    return "", "", 1


def _title_field(text: str) -> str:
    """Returns the title among the fields at the head of a text, as proposals have them."""
    for line in text.lstrip("\n").split("\n", _MAX_FIELDS)[:_MAX_FIELDS]:
        match = _FIELD.fullmatch(line)
        if match is None and not line.startswith((" ", "\t")):
            break
        if match and match[1].lower() == _TITLE_FIELD:
            return match[2].strip()
    return ""


def _document_title(converted: str) -> str:
    """Returns the heading at the top of a text, else the only one of the highest level; empty where
    there are several, which are sections."""
    headings = find_headings(converted)
    if not headings:
        return ""
    above = _COMMENT.sub("", converted[: headings[0].start])
    highest = [heading.title for heading in headings if heading.level == 1]
    return highest[0] if highest and (not above.strip() or len(highest) == 1) else ""
