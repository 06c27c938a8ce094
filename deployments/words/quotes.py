"""Phrases that a question puts into quotation marks."""

import re

_QUOTED = re.compile(r'"([^"]+)"|“([^”“]+)”|„([^“”„]+)[“”]|«([^»«]+)»|「([^」「]+)」')
_MAX_CHARS = 200
"""What is longer was not meant to be found word for word."""


def quoted(text: str) -> list[str]:
    """Returns the quoted phrases of a question in their order.

    >>> quoted('Who said "to be or not" and “so be it”?')
    ['to be or not', 'so be it']
    """
    found = (next(filter(None, match.groups()), "") for match in _QUOTED.finditer(text))
    return [phrase.strip() for phrase in found if 0 < len(phrase.strip()) <= _MAX_CHARS]
