"""Numbers by which a state knows a person, where shape and check digits make them certain.

Several other states give eleven digits without a shape of their own. Hardly anything else has that
length (timestamps have 10, 13, 16 or 19), so `numbers.py` takes all of them.
"""

import re
from collections.abc import Callable, Iterator

from deployments.redaction.checksums import (
    digits_of,
    passes_ean_13,
    passes_mod_11_2,
    passes_weights,
)
from deployments.redaction.findings import Finding

_SPANISH_LETTERS = "TRWAGMYFPDXBNJZSQVHLCKE"
_ITALIAN_ODD = dict(
    zip(
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        (1, 0, 5, 7, 9, 13, 15, 17, 19, 21) * 2
        + (2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23),
        strict=True,
    )
)


def _is_spanish(number: str) -> bool:
    """DNI and NIE: the letter is the remainder of the number by 23."""
    digits = number[:-1].replace("-", "").translate(str.maketrans("XYZ", "012"))
    return _SPANISH_LETTERS[int(digits) % 23] == number[-1]


def _is_italian(code: str) -> bool:
    """Codice fiscale. Source: Decreto Ministeriale 23/12/1976, the control character."""
    odd = sum(_ITALIAN_ODD[character] for character in code[:15:2])
    even = sum(int(c) if c.isdigit() else ord(c) - ord("A") for c in code[1:15:2])
    return chr(ord("A") + (odd + even) % 26) == code[15]


def _is_chinese(number: str) -> bool:
    month, day = int(number[10:12]), int(number[12:14])
    return 1 <= month <= 12 and 1 <= day <= 31 and passes_mod_11_2(number)


def _is_swiss(number: str) -> bool:
    return passes_ean_13(digits_of(number))


def _is_brazilian(number: str) -> bool:
    """CPF: the remainders by 11 of two weighted sums, where ten counts as zero."""
    digits = [int(digit) for digit in digits_of(number)]
    for length in (9, 10):
        total = sum(d * w for d, w in zip(digits, range(length + 1, 1, -1), strict=False))
        if total * 10 % 11 % 10 != digits[length]:
            return False
    return True


def _is_french(number: str) -> bool:
    """NIR: the key is 97 minus the number's remainder; the departments of Corsica have letters."""
    plain = re.sub(r"\s", "", number).replace("2A", "19").replace("2B", "18")
    return 97 - int(plain[:13]) % 97 == int(plain[13:])


def _is_british_health(number: str) -> bool:
    return passes_weights(digits_of(number), (10, 9, 8, 7, 6, 5, 4, 3, 2, 1), 11)


def _is_certain_by_shape(number: str) -> bool:
    return True


# Shapes by the class of their first character. It stands before the look-behind, so that the engine
# skips to such characters quickly. Those that share a class never match at the same place.
_SHAPES: dict[str, tuple[tuple[str, Callable[[str], bool]], ...]] = {
    r"\d": (
        (r"\d{7}-?[A-HJ-NP-TV-Z]", _is_spanish),
        (r"\d{5}(?:19|20)\d{9}[\dXx]", _is_chinese),
        (r"\d\d\.\d{3}\.\d{3}-\d\d", _is_brazilian),
        (r"\d\d \d{3} \d{4}", _is_british_health),
    ),
    r"7": ((r"56\.?\d{4}\.?\d{4}\.?\d\d", _is_swiss),),
    r"[12]": ((r" ?\d\d ?[01]\d ?(?:\d\d|2[AB]) ?\d{3} ?\d{3} ?\d\d", _is_french),),
    r"[A-CEGHJ-PR-TW-Z]": (
        (r"(?<=[XYZ])-?\d{7}-?[A-HJ-NP-TV-Z]", _is_spanish),
        # British; without spaces it is the shape of product codes.
        (
            r"[A-CEGHJ-NPR-TW-Z](?<!BG|GB|NK|KN|NT|TN|ZZ) \d\d \d\d \d\d [A-D]",
            _is_certain_by_shape,
        ),
    ),
}
_PATTERNS = tuple(
    (
        re.compile(
            rf"(?a:{first}(?<![A-Za-z0-9]{first})"
            rf"(?:{'|'.join(f'({rest})' for rest, _ in shapes)})(?![A-Za-z0-9]))"
        ),
        tuple(check for _, check in shapes),
    )
    for first, shapes in _SHAPES.items()
)

_ITALIAN = re.compile(
    r"(?a:[A-Z](?<![A-Za-z0-9][A-Z])[A-Z]{5}\d\d[A-EHLMPRST]\d\d[A-Z]\d{3}[A-Z](?![A-Za-z0-9]))"
)


def find_national_ids(text: str) -> Iterator[Finding]:
    """Yields the identity numbers that have six digits in a row, separators aside."""
    for pattern, checks in _PATTERNS:
        for match in pattern.finditer(text):
            if match.lastindex and checks[match.lastindex - 1](match.group()):
                yield Finding(match.start(), match.end(), "ID")


def find_italian_ids(text: str) -> Iterator[Finding]:
    """Yields Italian tax codes, whose digits stand among letters."""
    for match in _ITALIAN.finditer(text):
        if _is_italian(match.group()):
            yield Finding(match.start(), match.end(), "ID")
