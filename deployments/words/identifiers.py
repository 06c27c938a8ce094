"""Codes of a text: what is one name although it has several parts, such as `AB-12-34`, `2.1.3`,
`2024-11-03`, `10.0.0.1`, `max_batch_tokens`, `C++`, a digest or a key.

Their parts are words like others; as a whole they tell apart what has the same parts in another
order. So do stop words that are spelled as names: `US`, `IT`, `WHO`, `May`, vitamin `A`.
"""

import hashlib
import re
import unicodedata
from collections.abc import Iterator

from deployments.stop_words import STOP_WORDS
from deployments.words.folding import fold, whole
from deployments.words.invisible import drop_invisible

_MAX_CHARS = 64
"""Longer words and codes are told apart by their digest, so that what an index keeps of a word
stays small."""

_CODE = r"""
    (?<!\w)(?:
        [^\W_]++(?:[-._:/\\@+\#=]++[^\W_]++)+(?:\+\+|\#)?   # parts that are joined
      | (?:[^\W\d_]++\d|\d++[^\W\d_])[^\W_]*+              # letters and digits
      | [^\W_]+(?:\+\+|\#)                                # C++, C#
      | [^\W_]{20,}+                                      # a digest, a key or a name of its kind
    )
    | (?<![\w.])\.(?=[A-Z])[^\W_]++                       # .NET
"""
_CODES = re.compile(_CODE, re.VERBOSE)
_ASCII_CODES = re.compile(_CODE, re.VERBOSE | re.ASCII)
_LONG_CHARS = 20
"""A word from this length on is a digest, a key or a name of its kind, even without a digit."""
_DASHES = str.maketrans(dict.fromkeys("‐‑‒–—−", "-"))
_STRONG = re.compile(r"[/:@\\=]+|(?<=\d)[tT](?=\d\d:)")
"""What joins codes that are names by themselves: a digest behind its method, a date before its
time."""
_VERSION = re.compile(r"v(?=\d)")
_PART = re.compile(r"[^\W_]+")
_TWO_NUMBERS = re.compile(r"\d+[.:/-]\d+")
_WORD = re.compile(r"(?<![^\W_])[^\W_]{65,}")

_CAPITALS = re.compile(r"(?<![\w'’])[A-Z]{2,}(?![\w'’])")
_CAPITAL = re.compile(r"(?<=[a-z,;] )[A-Z][a-z]*(?![\w'’])")
_INITIALS = re.compile(r"(?<![\w.])(?:[A-Z]\.){2,}")
_CAPITALISED = STOP_WORDS - set("i the an and of in on for to with from by at as or not".split())  # noqa: SIM905
"""The others have a capital in the titles of works."""
_TITLE_RATIO = 0.6
"""Share of capitalised words from which a text is a title, in which a capital marks no name."""


def identifiers(text: str) -> list[str]:
    """Returns the codes of a text in reading order, each once, without case and accents, a version
    without its `v`; whole ones, and those that they consist of.

    >>> identifiers("Part AB-12-34 of v2.1.3, sha1:2fd4e1c67a2d, not well-known.")
    ['ab-12-34', '2.1.3', 'sha1:2fd4e1c67a2d', 'sha1', '2fd4e1c67a2d']
    """
    if not text.isascii():
        text = unicodedata.normalize("NFKC", whole(drop_invisible(text))).translate(_DASHES)
    return list(dict.fromkeys(_codes(text)))


def cased_names(text: str) -> list[str]:
    """Returns the stop words of a text that are spelled as names, as they are spelled: in capitals,
    or with one where no sentence begins. Where all is spelled so, that says nothing.

    >>> cased_names("Who files the US sales tax in May?")
    ['US', 'May']
    """
    initials = [name.replace(".", "") for name in _INITIALS.findall(text)] if "." in text else []
    capitals = [
        name for name in (*_CAPITALS.findall(text), *initials) if name.lower() in STOP_WORDS
    ]
    inside = [name for name in _CAPITAL.findall(text) if name.lower() in _CAPITALISED]
    if not capitals and not inside:
        return []
    if sum(map(str.isupper, text)) >= sum(map(str.islower, text)):
        return []
    words = text.split()
    is_title = sum(word[0].isupper() for word in words) >= _TITLE_RATIO * len(words)
    return list(dict.fromkeys(capitals if is_title else capitals + inside))


def is_strict(code: str) -> bool:
    """Returns whether a code cannot be said otherwise: it has several numbers, and is no range or
    share, as `HIV-1`, `7-day-old` and `20-40` may be.

    >>> is_strict("ab-12-34"), is_strict("2.1.3"), is_strict("hiv-1"), is_strict("20-40")
    (True, True, False, False)
    """
    numbers = sum(any(map(str.isdigit, part)) for part in _PART.findall(code))
    return numbers > 1 and not _TWO_NUMBERS.fullmatch(code)


def shorten(text: str) -> str:
    """Returns a folded text with every word that is too long replaced by a short one of its own."""
    if len(text) <= _MAX_CHARS or max(map(len, text.split()), default=0) <= _MAX_CHARS:
        return text
    return _WORD.sub(lambda match: short(match.group()), text)


def short(word: str) -> str:
    """Returns a word, or what stands for it where it is too long."""
    if len(word) <= _MAX_CHARS:
        return word
    digest = hashlib.blake2b(word.encode("utf-8", "replace"), digest_size=12).hexdigest()
    return f"{word[:8]}{digest}"


def _codes(text: str) -> Iterator[str]:
    # Most words are none, which is seen sooner without a pattern.
    likely = "\n".join(
        word
        for word in text.split()
        if not word.isalpha()
        and (not word[:-1].isalpha() or word[-1] in "+#")
        or len(word) >= _LONG_CHARS
    )
    for match in (_ASCII_CODES if likely.isascii() else _CODES).finditer(likely):
        found = match.group()
        if not _is_code(found):
            continue
        yield _spelled(found)
        pieces = _STRONG.split(found)
        if len(pieces) > 1:
            yield from (_spelled(piece) for piece in pieces if _is_code(piece))


def _is_code(found: str) -> bool:
    if len(found) < 2 or found.isdigit():
        return False
    if found.isalnum():
        # A long word of letters is a name; a stretch without blanks in another script is not.
        return not found.isalpha() or (found.isascii() and len(found) >= _LONG_CHARS)
    has_digit = any(map(str.isdigit, found))
    if has_digit or found[0] == "." or found[-1] in "+#" or "_" in found:
        return True
    if any(joint in found for joint in (".", ":", "@", "\\")):
        return all(len(part) > 1 for part in re.split(r"\W+", found))
    return "-" in found and found.isupper()


def _spelled(found: str) -> str:
    return short(_VERSION.sub("", fold(found), count=1) if found[:1] in "vV" else fold(found))
