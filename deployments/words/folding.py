"""One spelling for each word, whatever its case, its accents and the code points it is written in.

Source: Unicode Standard Annex 15 (compatibility forms), Annex 44 (Default_Ignorable_Code_Point,
canonical combining classes); Unicode Technical Report 30 for what search folds.
"""

import unicodedata
from functools import cache

import regex

_IGNORABLE = regex.compile(r"[\p{Default_Ignorable_Code_Point}\u0640]")
"""What has no shape of its own, such as soft hyphens, and Arabic's stretched line."""

_MARK = regex.compile(r"\p{M}")
_DIGIT = regex.compile(r"[\p{Nd}--0-9]", regex.V1)
_LETTERS = str.maketrans(
    {"ø": "o", "æ": "ae", "œ": "oe", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i", "ħ": "h"}
    | {"ŧ": "t", "ŋ": "n", "ĸ": "k", "ə": "e"}
)
"""Latin letters whose difference from others is no mark, for whoever has no key for them."""
_LETTER = regex.compile(r"[øæœłđðþıħŧŋĸə]")

_LETTER_MARKS = (7, 8, 9, 84, 91, 103, 107, 118, 122, 129, 130, 132)
"""Classes of marks that make another letter: nukta, kana voicing, virama, and the vowels and tones
of Indian, Thai, Lao and Tibetan scripts. Vowel signs are in class 0."""


def fold(text: str) -> str:
    """Returns the text as all spellings of it are read: without case, accents, points and what
    cannot be seen, in one form per character, with digits of ASCII.

    Marks stay where they are letters, as the vowel signs of Hindi, the tones of Thai and the short
    i of Russian.

    >>> fold("ΔΡΌΜΟΣ İstanbul счёт e\\u0301t\\u00e9 so\\u00adft")
    'δρομοσ istanbul счет ete soft'
    """
    if text.isascii():
        return text.lower()
    text = _IGNORABLE.sub("", whole(text))
    text = unicodedata.normalize("NFKD", text).replace("и\u0306", "й").replace("И\u0306", "Й")
    text = _MARK.sub(_kept_mark, text).casefold()
    text = _LETTER.sub(lambda match: match.group().translate(_LETTERS), text)
    text = _DIGIT.sub(lambda match: str(unicodedata.decimal(match.group())), text)
    return unicodedata.normalize("NFC", text)


def whole(text: str) -> str:
    """Returns the text with lone surrogates, which are no characters, replaced."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _kept_mark(match: "regex.Match[str]") -> str:
    return _mark(match.group())


@cache
def _mark(mark: str) -> str:
    """Returns a mark where it is a letter, and nothing where it only says how one sounds."""
    kind = unicodedata.combining(mark)
    if kind in _LETTER_MARKS or (kind == 0 and unicodedata.category(mark) != "Me"):
        return mark
    return ""
