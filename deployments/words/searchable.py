"""A text as the words by which it is found, parted by blanks."""

import re
import string

import regex

from deployments.words.folding import fold
from deployments.words.identifiers import shorten
from deployments.words.joined import with_group_commas, with_joined
from deployments.words.scripts import spread
from deployments.words.spelling import plain

_CAMEL = re.compile(r"\b[A-Za-z0-9]*[a-z]{2}[A-Z][A-Za-z0-9]*")
_HUMP = re.compile(r"[a-z]{2}[A-Z]")
_HUMPS = re.compile(r"[A-Z]{2,}s?(?![a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")
_BETWEEN = regex.compile(r"[^\p{L}\p{N}\p{M}]+")
_ASCII_BETWEEN = str.maketrans(
    {chr(code): " " for code in range(128) if chr(code) not in string.ascii_letters + string.digits}
)
_MIN_HUMP_CHARS = 3
"""`mRNA` and `iPhone` are one word; `maxTokens` is two."""


def searchable(text: str) -> str:
    """Returns the words of a text, parted by blanks: folded, in one spelling, with names of several
    words also in parts and in one, characters and pairs of scripts without blanks, and short
    stand-ins for endless words; not stemmed.

    >>> searchable("Set maxBatchTokens!").split()
    ['set', 'maxbatchtokens', 'max', 'batch', 'tokens']
    """
    if _HUMP.search(text):
        text = _CAMEL.sub(_with_parts, text)
    text = with_joined(fold(with_group_commas(text)))
    text = text.translate(_ASCII_BETWEEN) if text.isascii() else _BETWEEN.sub(" ", spread(text))
    return shorten(" ".join(map(plain, text.split())))


def _with_parts(match: re.Match[str]) -> str:
    parts = _HUMPS.findall(match.group())
    if len(parts) < 2 or min(map(len, parts)) < _MIN_HUMP_CHARS:
        return match.group()
    return " ".join((match.group(), *parts))
