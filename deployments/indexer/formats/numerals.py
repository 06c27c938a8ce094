"""Numbers of list items as letters and Roman numerals, the way documents show them."""

from typing import Final

_ROMAN: Final = (
    *((1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l")),
    *((40, "xl"), (10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i")),
)
_MOST_ROMAN = 3999


def roman(number: int) -> str:
    """Returns a number in small Roman numerals, in digits where there are none.

    >>> roman(14), roman(0)
    ('xiv', '0')
    """
    if not 0 < number <= _MOST_ROMAN:
        return str(number)
    letters = ""
    for value, sign in _ROMAN:
        count, number = divmod(number, value)
        letters += sign * count
    return letters


def letters(number: int) -> str:
    """Returns a number as small letters, in digits where there are none.

    >>> letters(1), letters(26), letters(28)
    ('a', 'z', 'ab')
    """
    if not 0 < number <= _MOST_ROMAN:
        return str(number)
    text = ""
    while number:
        number, rest = divmod(number - 1, 26)
        text = chr(ord("a") + rest) + text
    return text
