"""What counts as a personal value written into a file."""

import pytest

from tests.pii import is_written


@pytest.mark.parametrize(
    ("content", "is_it"),
    [
        (b"to account 86940970.", True),
        (b"\x00\x1886940970\x07", True),
        (b'"timestamp_ns": 1796030786940970157}', False),
        (b'"worker_id": "c26c86940970c9da3f"', False),
    ],
)
def test_a_number_counts_where_it_stands_alone(content: bytes, is_it: bool) -> None:
    assert is_written("86940970", content) == is_it


def test_what_has_letters_counts_everywhere() -> None:
    assert is_written("Maud70@gmail.com", b"xMaud70@gmail.comy")
