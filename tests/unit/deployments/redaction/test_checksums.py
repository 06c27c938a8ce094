"""Check digits against published examples, and against one wrong digit."""

from collections.abc import Callable

import pytest

from deployments.redaction.checksums import (
    digits_of,
    passes_ean_13,
    passes_luhn,
    passes_mod_11_2,
    passes_mod_97,
)

EXAMPLES: list[tuple[Callable[[str], bool], str]] = [
    (passes_luhn, "79927398713"),
    (passes_luhn, "378282246310005"),
    (passes_mod_97, "GB82WEST12345698765432"),
    (passes_mod_97, "SA0380000000608010167519"),
    (passes_mod_11_2, "11010519491231002X"),
    (passes_ean_13, "4006381333931"),
]


@pytest.mark.parametrize(("passes", "number"), EXAMPLES)
def test_issued_number_passes_and_one_wrong_digit_fails(
    passes: Callable[[str], bool], number: str
) -> None:
    assert passes(number)
    for at, character in enumerate(number):
        if character.isdigit():
            wrong = number[:at] + str((int(character) + 1) % 10) + number[at + 1 :]
            assert not passes(wrong)


def test_digits_of_any_script_are_read() -> None:
    assert digits_of("１2-٣a²") == "123"
