"""What a stretch of Markdown says, as plain text or as Markdown that may be shown in an answer."""

import re

from deployments.generator.extractive.reading.marks import without_marks

_CODE = re.compile(r"(?P<ticks>`+)(?P<code>.+?)(?<!`)(?P=ticks)(?!`)")
_MARKUP = re.compile(r"!?\[([^\]]*)\]\([^)]*\)|</?[A-Za-z!][^>]*>")
_EMPHASIS = re.compile(r"(?<!\w)(\*\*\*|\*\*|__|\*|_)(?=\S)(.+?)(?<=\S)\1(?!\w)")
_PLACE = re.compile(r"\0(\d+)\0")


def as_text(markdown: str) -> str:
    """Returns a stretch without links, images, HTML, emphasis and backticks; what is in backticks
    stays as it is.

    >>> as_text("**Set** `url: <scheme>://` as [below](a.md).")
    'Set url: <scheme>:// as below.'
    """
    return _without_markup(markdown, keeps_ticks=False)


def as_shown(markdown: str) -> str:
    """Returns the same with its backticks, as it stands in a list or a table that is shown."""
    return _without_markup(markdown, keeps_ticks=True)


def _without_markup(markdown: str, *, keeps_ticks: bool) -> str:
    codes: list[str] = []

    def put_aside(match: re.Match[str]) -> str:
        codes.append(match.group() if keeps_ticks else match["code"].strip())
        return f"\0{len(codes) - 1}\0"

    text = without_marks(markdown.replace("\0", ""))
    text = _CODE.sub(put_aside, text) if "`" in text else text
    if "[" in text or "<" in text:
        text = _MARKUP.sub(lambda match: match.group(1) or "", text)
    text = _EMPHASIS.sub(r"\2", _EMPHASIS.sub(r"\2", text)).replace("`", "")
    return _PLACE.sub(lambda match: codes[int(match.group(1))], text).strip()
