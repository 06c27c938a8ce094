"""The environment of the stack's processes."""

from pathlib import Path

import pytest

from app.local.environment import gateway_environment


@pytest.mark.parametrize(
    ("inherited", "index"),
    [
        ({}, "/home/index"),
        ({"RAGSERVE_INDEX_DIR": "/fast"}, "/fast"),
        ({"RAGSERVE_INDEX_DIR": ""}, ""),
    ],
    ids=["home", "named", "memory"],
)
def test_the_index_is_in_the_home_unless_the_user_says_otherwise(
    inherited: dict[str, str], index: str
) -> None:
    found = gateway_environment(
        inherited,
        admin_key="a",
        content_salt="b",
        key_pepper="c",
        database=Path("/home/control.db"),
        limits=Path("/home/limits.db"),
        index=Path("/home/index"),
    )
    assert found["RAGSERVE_INDEX_DIR"] == index
