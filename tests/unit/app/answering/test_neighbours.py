"""Passages from chunks that stand beside each other."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.answering.neighbours import join, widen
from deployments.contracts.documents import Chunk, chunk_id
from deployments.contracts.search import ScoredChunk, Signals


def chunk(
    ordinal: int, *, document: str = "a", heading: str = "", page: int | None = None
) -> Chunk:
    name = chunk_id(document, ordinal)
    return Chunk(name, document, ordinal, f"text{ordinal}", f"{document}.md", "", heading, page)


def hits(*chunks: Chunk) -> list[ScoredChunk]:
    return [
        ScoredChunk(one, 1 / rank, rank, Signals(rerank=0.5))
        for rank, one in enumerate(chunks, start=1)
    ]


def texts(found: list[ScoredChunk]) -> list[str]:
    return [hit.chunk.text.replace("\n", " ") for hit in found]


def by_id(*chunks: Chunk) -> dict[str, Chunk]:
    return {one.id: one for one in chunks}


def test_a_hit_takes_its_neighbours_in() -> None:
    known = by_id(*(chunk(ordinal) for ordinal in range(6)))
    assert texts(widen(hits(chunk(2)), known, reach=1)) == ["text1 text2 text3"]
    assert texts(widen(hits(chunk(2)), known, reach=2)) == ["text0 text1 text2 text3 text4"]
    assert texts(widen(hits(chunk(0)), known, reach=1)) == ["text0 text1"]


def test_everything_but_the_text_stays() -> None:
    [_, found] = widen(hits(chunk(5), chunk(1)), by_id(chunk(2)), reach=1)
    assert (found.chunk.id, found.rank, found.score) == (chunk_id("a", 1), 2, 0.5)
    assert found.signals == Signals(rerank=0.5)


def test_a_chunk_gives_its_text_once() -> None:
    known = by_id(*(chunk(ordinal) for ordinal in range(8)))
    assert texts(widen(hits(chunk(2), chunk(3), chunk(4)), known, reach=1)) == [
        "text1 text2 text3",
        "text4 text5",
    ]


def test_hits_are_neighbours_too() -> None:
    assert texts(widen(hits(chunk(1), chunk(2)), {}, reach=1)) == ["text1 text2"]


@pytest.mark.parametrize(
    "other", [chunk(2, heading="Other"), chunk(2, page=2), chunk(2, document="b")]
)
def test_another_section_page_or_document_is_no_neighbour(other: Chunk) -> None:
    found = widen(hits(chunk(1)), {chunk_id("a", 2): other}, reach=1)
    assert texts(found) == ["text1"]


def test_what_is_missing_ends_the_passage() -> None:
    known = by_id(chunk(3))
    assert texts(widen(hits(chunk(1)), known, reach=2)) == ["text1"]


@pytest.mark.parametrize(
    ("one", "other", "joined"),
    [
        (
            "The cat sleeps on the mat.",
            "on the mat. The dog barks.",
            "The cat sleeps on the mat. The dog barks.",
        ),
        ("The cat.", "The dog.", "The cat.\nThe dog."),
        ("a b", "b c", "a b\nb c"),
        ("same text here", "same text here", "same text here"),
    ],
    ids=["overlap", "none", "chance", "equal"],
)
def test_joining(one: str, other: str, joined: str) -> None:
    assert join(one, other) == joined


@given(st.text(alphabet="abc \n", min_size=20, max_size=60), st.integers(0, 20), st.integers(8, 20))
def test_stretches_of_one_text_become_it_again(text: str, start: int, overlap: int) -> None:
    cut = min(start + overlap, len(text))
    joined = join(text[:cut], text[max(cut - overlap, 0) :])
    assert joined.startswith(text[: max(cut - overlap, 0)])
    assert len(joined) <= len(text)


@pytest.mark.parametrize(
    ("one", "other", "joined"),
    [
        (
            "So:\n```sh\nmake tea\nmake toast\n```",
            "```sh continued\nmake jam\n```\n\nThen eat.",
            "So:\n```sh\nmake tea\nmake toast\nmake jam\n```\n\nThen eat.",
        ),
        ("```\na b c\n```", "``` continued\nd\n```", "```\na b c\n```\n``` continued\nd\n```"),
        ("~~~\nfirst\n~~~", "~~~continued\nsecond\n~~~", "~~~\nfirst\nsecond\n~~~"),
        ("```sh\nfirst\n```", "```sh\nsecond\n```", "```sh\nfirst\n```\n```sh\nsecond\n```"),
        (
            "| a | b |\n|---|---|\n| tea | one cup |",
            "| a | b |\n|---|---|\n| jam | a jar |",
            "| a | b |\n|---|---|\n| tea | one cup |\n| jam | a jar |",
        ),
        ("```sh\nmake t\n```", "```sh continued-line\nea\n```", "```sh\nmake tea\n```"),
        ("- one gate is", "- … open\n- two", "- one gate is open\n- two"),
        ("- one gate", "The rest is shut.", "- one gate\n\nThe rest is shut."),
        (
            "These are open:\n\n- the north gate",
            "These are open:\n- the south gate",
            "These are open:\n\n- the north gate\n- the south gate",
        ),
        ("Text.", "These are open:\n- one", "Text.\nThese are open:\n- one"),
    ],
    ids=[
        "code",
        "not-ours",
        "tildes",
        "two-blocks",
        "table",
        "inside-a-line",
        "inside-an-item",
        "below-a-list",
        "list",
        "other-list",
    ],
)
def test_what_a_chunk_repeats_to_be_understood_stands_there_once(
    one: str, other: str, joined: str
) -> None:
    assert join(one, other) == joined


def code(ordinal: int, text: str) -> Chunk:
    return replace(chunk(ordinal), text=text)


FENCE = [
    code(0, "Start it:"),
    code(1, "```sh\none\n```"),
    *(code(n, f"```sh continued\nline {n}\n```") for n in range(2, 12)),
    code(12, "Then wait."),
]


def test_a_passage_goes_on_to_the_end_of_its_code() -> None:
    known = by_id(*FENCE[:6])
    [found] = widen(hits(FENCE[1]), known, reach=1)
    lines = "\n".join(f"line {n}" for n in range(2, 6))
    assert found.chunk.text == f"Start it:\n```sh\none\n{lines}\n```"


def test_a_block_that_is_too_long_or_somewhere_else_is_marked_as_torn() -> None:
    known = by_id(*FENCE)
    [long] = widen(hits(FENCE[1]), known, reach=1)
    assert long.chunk.text.endswith("```\n…")
    [_, rest] = widen(hits(FENCE[1], FENCE[10]), known, reach=1)
    assert rest.chunk.text.startswith("…\n```sh continued")


def test_without_reach_a_chunk_stands_as_it_is() -> None:
    assert widen(hits(FENCE[0]), by_id(*FENCE), reach=0)[0].chunk.text == "Start it:"
