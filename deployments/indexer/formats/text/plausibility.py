"""Whether a decoded text looks like one: words are of one script, and signs stand between them.

A wrong encoding puts letters of two scripts, or a sign and letters, into one word.
"""

import re
import unicodedata
from functools import lru_cache

_WORD = re.compile(r"[^\s\x00-\x7f]*[A-Za-z]*[^\s\x00-\x7f][^\s!-/:-@\[-`{-~]*")
_FOREIGN_BYTES = re.compile(rb"[\x80-\xff]+")
_LETTERS_AND_BYTES = re.compile(rb"[A-Za-z\x80-\xff]*[\x80-\xff][A-Za-z\x80-\xff]*")
_MAX_WORDS = 5_000
_MAX_ODD_RATIO = 0.1
_INSIDE = frozenset("'’‘`´-‐‑·.•­°ªº²³¹")
"""Signs that stand inside words, or after them."""

_WIDE = frozenset(
    (
        *("CJK", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA", "HANGUL", "IDEOGRAPHIC"),
        *("FULLWIDTH", "HALFWIDTH"),
    )
)


def words_of_other_scripts(sample: bytes) -> bool:
    """Returns whether most words with bytes beyond ASCII consist of such bytes alone.

    They do in every script but the Latin one, in which an accented letter stands among others.
    """
    whole = mixed = 0
    for word in _LETTERS_AND_BYTES.findall(sample)[:_MAX_WORDS]:
        own = sum(map(len, _FOREIGN_BYTES.findall(word)))
        if own == len(word):
            whole += own > 2
        else:
            mixed += 1
    return whole > mixed


def reads_well(text: str, *, is_foreign: bool) -> bool:
    """Returns whether the words of a text that are beyond ASCII look like words.

    Args:
        text: The text.
        is_foreign: Whether its bytes say that it is in another script than the Latin one.
    """
    words = [word for word in _WORD.findall(text)[:_MAX_WORDS] if not word.isascii()]
    odd = sum(map(_is_odd, words))
    if is_foreign and sum(map(_is_latin, words)) * 2 > len(words):
        return False
    return odd <= len(words) * _MAX_ODD_RATIO


def _is_latin(word: str) -> bool:
    scripts = {_script(character) for character in word if character.isalpha()}
    return scripts == {"LATIN"}


def _is_odd(word: str) -> bool:
    if any(unicodedata.category(character) in ("Cc", "Cn", "Co") for character in word):
        return True
    core = word.strip("".join(c for c in word if not c.isalnum()))
    letters = [_script(character) for character in core if character.isalpha()]
    scripts = set(letters)
    if any(not (c.isalnum() or c in _INSIDE or unicodedata.category(c)[0] == "M") for c in core):
        has_wide = bool(scripts & _WIDE)
        return not has_wide
    if len(scripts - _WIDE) > 1:
        return True
    if scripts & _WIDE and "LATIN" in scripts:
        return _stands_alone_inside(core)
    return _has_odd_case(core)


def _stands_alone_inside(word: str) -> bool:
    """Returns whether a single wide character stands between small Latin letters."""
    return re.search(r"[a-z][^\x00-\x7f][a-z]|^[A-Z]?[a-z]*[^\x00-\x7f][a-z]+$", word) is not None


def _has_odd_case(word: str) -> bool:
    """Returns whether a capital beyond ASCII follows a small letter."""
    return any(
        before.islower() and after.isupper() and not after.isascii()
        for before, after in zip(word, word[1:], strict=False)
    )


@lru_cache(maxsize=4096)
def _script(character: str) -> str:
    script = unicodedata.name(character, "?").split(" ", 1)[0]
    return "LATIN" if script in ("MICRO", "FEMININE", "MASCULINE") else script
