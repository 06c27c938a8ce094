"""Check digits: the arithmetic that tells an issued number from an accidental one.

Every function takes digits (or letters) without separators and never raises on others.
"""


def digits_of(text: str) -> str:
    """Returns the decimal digits of a text, whatever script they are in, as ASCII digits.

    >>> digits_of("4242-4242 (x)")
    '42424242'
    """
    found = "".join(filter(str.isdecimal, text))
    return found if found.isascii() else "".join(str(int(digit)) for digit in found)


def passes_luhn(digits: str) -> bool:
    """Decides whether the last digit is the Luhn check digit of the others.

    Source: ISO/IEC 7812-1, annex B.
    """
    values = [int(digit) for digit in reversed(digits)]
    doubled = (sum(divmod(2 * value, 10)) for value in values[1::2])
    return (sum(values[::2]) + sum(doubled)) % 10 == 0


def passes_mod_97(account: str) -> bool:
    """Decides whether an IBAN (upper case, no spaces) has the remainder 1.

    Source: ISO/IEC 7064, MOD 97-10, as ISO 13616-1 uses it.
    """
    moved = account[4:] + account[:4]
    return moved.isascii() and moved.isalnum() and int("".join(_base_36(moved))) % 97 == 1


def _base_36(text: str) -> list[str]:
    return [str(int(character, 36)) for character in text]


def passes_mod_11_2(number: str) -> bool:
    """Decides whether the last character (a digit, or X for ten) checks the digits before it.

    Source: ISO/IEC 7064, MOD 11-2.
    """
    total = 0
    for digit in number[:-1]:
        total = 2 * (total + int(digit)) % 11
    return "0123456789X"[(12 - total) % 11] == number[-1].upper()


def passes_weights(digits: str, weights: tuple[int, ...], modulus: int) -> bool:
    """Decides whether the weighted sum of the digits is a multiple of the modulus."""
    total = sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=True))
    return total % modulus == 0


def passes_ean_13(digits: str) -> bool:
    """Decides whether the last of 13 digits is their EAN check digit (GS1)."""
    return passes_weights(digits, (1, 3) * 6 + (1,), 10)
