"""Numbers that are the same."""

import pytest

from deployments.generator.extractive.asking.numerals import lacks_number
from deployments.generator.extractive.reading.terms import stem


@pytest.mark.parametrize(
    ("asked", "text", "lacks"),
    [
        ("1700s", "by 1700 all had left", False),
        ("15th", "the fifteenth century", False),
        ("3", "three gates", False),
        ("1,000", "1000 people", False),
        ("v2.1", "since 2.1", False),
        ("1701", "by 1700 all had left", True),
        ("30", "thirty", True),
        ("9am", "9am", False),
    ],
)
def test_number_is_there_however_it_is_written(asked: str, text: str, lacks: bool) -> None:
    words = text.split()
    numbers = frozenset(word for word in words if any(map(str.isdigit, word)))
    assert lacks_number(frozenset([asked]), numbers, frozenset(map(stem, words))) is lacks
