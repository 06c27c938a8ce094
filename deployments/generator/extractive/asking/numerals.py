"""Numbers that are the same however they are written: `15th`, `fifteenth`, `1700s`, `1,000`."""

import re

from deployments.generator.extractive.reading.terms import stem

_DIGITS = re.compile(r"v?(\d[\d,]*(?:\.\d+)*)(?:st|nd|rd|th|s)?")
_WORDS = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
    "twenty",
]
_ORDINALS = [
    "zeroth",
    "first",
    "second",
    "third",
    "fourth",
    "fifth",
    "sixth",
    "seventh",
    "eighth",
    "ninth",
    "tenth",
    "eleventh",
    "twelfth",
    "thirteenth",
    "fourteenth",
    "fifteenth",
    "sixteenth",
    "seventeenth",
    "eighteenth",
    "nineteenth",
    "twentieth",
]
_SPELLED = {
    str(number): {stem(word), stem(ordinal)}
    for number, (word, ordinal) in enumerate(zip(_WORDS, _ORDINALS, strict=True))
}


def lacks_number(asked: frozenset[str], numbers: frozenset[str], stems: frozenset[str]) -> bool:
    """Returns whether a text lacks one of the numbers that are asked for.

    Args:
        asked: Words with a digit of a question.
        numbers: Those of the text.
        stems: Stems of all words of the text, by which a number that is spelled out is found.
    """
    there = set(map(_core, numbers))
    return any(
        _core(number) not in there and stems.isdisjoint(_SPELLED.get(_core(number), ()))
        for number in asked
    )


def _core(number: str) -> str:
    match = _DIGITS.fullmatch(number)
    return match.group(1).replace(",", "") if match else number
