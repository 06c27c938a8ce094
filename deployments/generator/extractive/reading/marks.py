"""Marks in documents that look like our citations: whoever reads an answer would take them for
sources of it."""

import re

_MARKS = re.compile(
    r"(?P<before>[A-Za-z_][\w.]*)?(?P<marks>(?:\[\s*[1-9]\d{0,3}(?:\s*[,;–-]\s*\d{1,4})*\s*\])+)"
)
_CODE = re.compile(r"(?P<ticks>`+)[^`].*?(?<!`)(?P=ticks)(?!`)")
_CODE_NAME = re.compile(r"[A-Za-z]{1,2}|.*[_\d.].*|[a-z]+[A-Z].*")
"""What an index stands behind, such as `a`, `max_rows` or `lastRow`; behind any other word it is a
mark."""
_HARMLESS = str.maketrans("[]", "⟦⟧")
_FENCES = ("```", "~~~")


def without_marks(text: str) -> str:
    """Returns text with every mark of a citation in other brackets; inline code stays.

    >>> without_marks("Approved [1], says the bank[2]; `argv[1]` and a[0] are code.")
    'Approved ⟦1⟧, says the bank⟦2⟧; `argv[1]` and a[0] are code.'
    """
    if "[" not in text:
        return text
    kept: list[str] = []
    position = 0
    for code in _CODE.finditer(text):
        kept += [_MARKS.sub(_harmless, text[position : code.start()]), code.group()]
        position = code.end()
    return "".join((*kept, _MARKS.sub(_harmless, text[position:])))


def without_marks_in(markdown: str) -> str:
    """Returns a Markdown text the same way; its fenced code stays."""
    if "[" not in markdown:
        return markdown
    lines, fence = [], ""
    for line in markdown.split("\n"):
        start = line.lstrip()
        if not fence:
            fence = next((one for one in _FENCES if start.startswith(one)), "")
            lines.append(line if fence else without_marks(line))
        else:
            fence = "" if start.startswith(fence) else fence
            lines.append(line)
    return "\n".join(lines)


def _harmless(match: re.Match[str]) -> str:
    before, marks = match["before"] or "", match["marks"]
    if before and _CODE_NAME.fullmatch(before):
        return match.group()
    return before + marks.translate(_HARMLESS)
