"""Drops pictures that a text holds as base64: thousands of letters that say nothing."""

import re

_DATA = r"data:[\w.+/;=-]{0,200},[\w+/=%;:.&#~!$'*@?-]*+"
_INLINE = re.compile(
    rf"!?\[([^\[\]\n]{{0,1000}})\]\(\s*<?{_DATA}>?(?:\s+[\"'][^\"'\n]{{0,300}}[\"'])?\s*\)"
)
_DEFINITION = re.compile(
    rf"^ {{0,3}}\[([^\[\]\n]{{1,200}})\]:[ \t]*<?{_DATA}>?[^\n]*(?:\n|\Z)", re.M
)
_REFERENCE = re.compile(r"!\[([^\[\]\n]{0,1000})\](?:\[([^\[\]\n]{0,200})\])?")
_TAG = re.compile(rf"<img\b[^<>]{{0,2000}}?\bsrc\s*=\s*[\"']?{_DATA}[^<>]{{0,2000}}>", re.I)
_ALT = re.compile(r"\balt\s*=\s*(?:\"([^\"<>]*)\"|'([^'<>]*)')", re.I)
_LONG = re.compile(r"data:[\w.+-]{1,60}/[\w.+-]{1,80}[\w;=.-]{0,60},[\w+/=%-]{200,}+")


def drop_pictures(text: str) -> tuple[str, int]:
    """Returns a Markdown text with embedded pictures replaced by their descriptions, and how many.

    They are inline, defined for references, in HTML tags, or stand anywhere else at length.
    """
    if "data:" not in text:
        return text, 0
    count = 0

    def describe(match: re.Match[str]) -> str:
        nonlocal count
        count += 1
        return match[1].strip() if match.re is _INLINE else _described(match[0])

    text = _INLINE.sub(describe, text)
    text = _TAG.sub(describe, text)
    defined = {match[1].casefold() for match in _DEFINITION.finditer(text)}
    if defined:
        text = _DEFINITION.sub("", text)
        count += len(defined)

        def refer(match: re.Match[str]) -> str:
            is_dropped = (match[2] or match[1]).casefold() in defined
            return match[1].strip() if is_dropped else match[0]

        text = _REFERENCE.sub(refer, text)
    text, long_count = _LONG.subn("", text)
    return text, count + long_count


def _described(tag: str) -> str:
    match = _ALT.search(tag)
    return (match[1] or match[2] or "").strip() if match else ""
