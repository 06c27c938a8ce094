"""E-mail addresses, found from their @ outwards so that a text without one costs nothing."""

import re
from collections.abc import Iterator

from deployments.redaction.findings import Finding

# Combining marks are no word characters for `re`, but domains in Indic and Thai scripts need them.
_LETTER = r"\w\-\u0300-\u036f\u0900-\u0dff\u0e00-\u0e7f"
_AT_DOMAIN = re.compile(
    rf"(?:@|%40|\uff20)(?:(?:[{_LETTER}]{{1,63}}\.){{1,8}}"
    rf"(?=[^\W\d_])(?:[{_LETTER}]{{0,61}}[^\W_])[\u0900-\u0dff\u0e00-\u0e7f]{{0,4}}"
    r"|\[[0-9A-Fa-f:.]{3,45}\])"
)
# Read backwards from the @; RFC 5322 atoms and dots.
_LOCAL_REVERSED = re.compile(rf"[{_LETTER}.!#$%&'*+/=?^`{{|}}~\u0080-\uffff]{{1,320}}")
_QUOTED_REVERSED = re.compile(r'"[^"\n@]{1,64}"(?![^\s=:,;<(\["\x27*|\\])')
_LABELS = re.compile(
    r".*(?:://|[?&{|}`\\]|=['\"]|(?i:mail|user|name|login|to|from|cc|address|contact|sender"
    r"|recipient|account|owner|author|id)=)"
)
_DECORATION = "'*./~`#"
_SHARED_ACCOUNTS = frozenset({"git", "hg"})


def find_emails(text: str) -> Iterator[Finding]:
    """Yields the addresses of a text; `git@host`, an account that everybody shares, is none."""
    if "@" not in text and "%40" not in text and "\uff20" not in text:
        return
    left = 0
    for match in _AT_DOMAIN.finditer(text):
        start = _local_start(text, match.start(), left)
        left = match.end()
        if start < match.start() and text[start : match.start()] not in _SHARED_ACCOUNTS:
            yield Finding(start, match.end(), "EMAIL")


def _local_start(text: str, at: int, left: int) -> int:
    """Returns where the local part before `at` begins, `at` itself where there is none."""
    before = text[max(left, at - 320) : at][::-1]
    quoted = _QUOTED_REVERSED.match(before)
    if quoted:
        return at - quoted.end()
    match = _LOCAL_REVERSED.match(before)
    if not match:
        return at
    local = match.group()[::-1]
    label = _LABELS.match(local)
    if label and label.end() < len(local):
        local = local[label.end() :]
    local = local.lstrip(_DECORATION)
    # `file=@name.pdf` hands a file to curl.
    is_local = any(map(str.isalnum, local)) and not local.endswith("=")
    return at - len(local) if is_local else at
