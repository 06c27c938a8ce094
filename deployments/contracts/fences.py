"""How the text of a chunk says that it goes on with what the chunk before began: code that is
opened again, the header of a table, the sentence that leads into a list."""

import re

CONTINUED = "continued"
"""The last word behind the fence of code that is opened again at the start of a line."""

CONTINUED_INSIDE = "continued-line"
"""The same where the chunk before ends inside of a line."""

GOES_ON = "… "
"""Before the rest of an item or of a row which the chunk before began."""

ITEM_GOES_ON = f"- {GOES_ON}"

TORN = "…"
"""A line of its own at the start or the end of a passage: the block there is not whole."""

REOPENED = re.compile(
    rf"\s*(?P<marks>`{{3,}}|~{{3,}})(?:[\w+#.-]+ )?(?:{CONTINUED}|(?P<inside>{CONTINUED_INSIDE}))"
)
ITEM = re.compile(r"\s*(?:[-*+]|\d{1,9}[.)])\s")
IN_LIST = re.compile(r"\n?(?:[ \t]*(?:[-*+]|\d{1,9}[.)])\s|[ \t]+\S)")
"""A line of a list: an item, or what is indented below one."""
_RULE = re.compile(r"[\s|:-]*-[\s|:-]*")
_BLOCK_LINE = re.compile(r"\s*(?:[-*+]|\d{1,9}[.)])\s|[ \t]+\S|\s*\||\s*(?:```|~~~)|… ")


def may_go_on(text: str) -> bool:
    """Returns whether a chunk ends in a list, a table or code, so that the next one may go on with
    it."""
    return _BLOCK_LINE.match(text.rstrip("\n").rpartition("\n")[2]) is not None


def may_have_begun_before(text: str) -> bool:
    """Returns whether a chunk begins with what the one before may have begun."""
    first, _, rest = text.partition("\n")
    if REOPENED.fullmatch(first) or ITEM.match(first) or is_rule(rest.partition("\n")[0]):
        return True
    return first.endswith((":", "：")) and IN_LIST.match(rest) is not None


def goes_on(text: str, following: str) -> bool:
    """Returns whether a chunk goes on with the code, the table or the list in which the one before
    ends."""
    first, _, rest = following.partition("\n")
    last = text.rstrip("\n").rpartition("\n")[2]
    if fence := REOPENED.fullmatch(first):
        return last.strip() == fence["marks"]
    second = rest.partition("\n")[0]
    if is_rule(second):
        return "|" in last and f"{first}\n{second}" in text
    if following.startswith(ITEM_GOES_ON):
        return True
    if first.endswith((":", "：")) and IN_LIST.match(rest):
        return first in text.split("\n") and _BLOCK_LINE.match(last) is not None
    return ITEM.match(first) is not None and (
        ITEM.match(last) is not None or last.startswith((" ", "\t"))
    )


def is_rule(line: str) -> bool:
    """Returns whether a line is the one below the header of a table."""
    return "|" in line and _RULE.fullmatch(line) is not None
