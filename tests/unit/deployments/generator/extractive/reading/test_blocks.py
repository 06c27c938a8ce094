"""Blocks of a passage, and which of them are shown as one."""

import pytest

from deployments.generator.extractive.reading.blocks import blocks, shown_block


def shown(text: str) -> str | None:
    block = shown_block(blocks(text))
    return None if block is None else block.shown


@pytest.mark.parametrize(
    "text",
    [
        "* one\n* two\n\n    More of two.\n\n* three",
        "1. one\n\n   ```sh\n   a\n   ```\n\n2. two",
        "- one\n  - inner\n- two",
        "| a | b |\n|---|---|\n| `c` | d |",
    ],
    ids=["paragraph-in-an-item", "code-in-an-item", "list-in-an-item", "table"],
)
def test_block_is_shown_as_it_stands(text: str) -> None:
    assert shown(f"{text}\n\nAnd then some prose.") == text


def test_what_follows_a_list_is_no_part_of_it() -> None:
    assert shown("- one\n- two\n\n```sh\na\n```") == "- one\n- two"
    assert shown("Prose.") is None


@pytest.mark.parametrize(
    ("text", "torn"),
    [
        ("- one\n- two", False),
        ("…\n- one\n- two", True),
        ("- one\n- two\n…", True),
        ("- … the rest\n- two", True),
        ("```sh continued\na\n```", True),
        ("```sh\na\n```\n…", True),
        ("```sh\na\n```", False),
        ("| a |\n|---|\n| b |\n…", True),
    ],
)
def test_block_at_the_edge_of_a_passage_may_be_torn(text: str, torn: bool) -> None:
    block = shown_block(blocks(text))
    assert block is not None
    assert block.is_torn is torn


def test_marks_of_notes_say_nothing() -> None:
    found = blocks("!!! warning\n\n    It is shut.\n\n/// tip\n\nIt is open.\n\n///")
    assert [block.text for block in found if block.text] == ["It is shut.", "It is open."]
