"""What the pages of a PDF show: broken words, columns, forms, annotations, pages without text."""

import io

import pytest
from pypdf import PdfReader, PdfWriter
from pypdf.annotations import FreeText, Text
from pypdf.generic import (
    ArrayObject,
    DecodedStreamObject,
    DictionaryObject,
    FloatObject,
    NameObject,
    NumberObject,
    PdfObject,
    TextStringObject,
)

from deployments.indexer.formats.pdf.hyphens import join_broken_words
from tests.unit.deployments.indexer.files import (
    fail_one,
    make_pdf,
    make_pdf_of,
    read_one,
    read_text,
)


def lines(*texts: str, left: int = 40, top: int = 700) -> str:
    return "".join(
        f"BT /F1 10 Tf {left} {top - 14 * row} Td ({text}) Tj ET\n"
        for row, text in enumerate(texts)
    )


@pytest.mark.parametrize(
    ("text", "joined"),
    [
        ("the moor-\ning lines", "the mooring lines"),
        ("the moor\x02ing lines", "the mooring lines"),
        ("a well-\nknown pilot", "a well-known pilot"),
        ("a ship-\nshape deck; ship-shape indeed", "a ship-shape deck; ship-shape indeed"),
        ("a long-\nlived x-\nray", "a long-lived x-ray"),
        ("from Jean-\nMarc", "from Jean-Marc"),
        ("in 2030-\n2031", "in 2030-\n2031"),
        ("list:\n- one\n- two", "list:\n- one\n- two"),
        ("Donau\u00ad\ndampf\u00ad\nschiff", "Donaudampfschiff"),
    ],
)
def test_word_that_a_line_broke_is_whole_again(text: str, joined: str) -> None:
    assert join_broken_words([text]) == [joined]


def test_hyphen_of_another_page_says_that_the_word_has_one() -> None:
    assert join_broken_words(["a tug-\nboat", "the tug-boat"])[0] == "a tug-boat"


def test_hyphen_of_a_longer_name_stays() -> None:
    assert join_broken_words(["push tug-\nboat:1", "pull tug-boat-nine"])[0] == "push tug-boat:1"


def test_word_is_whole_in_a_file() -> None:
    assert read_text("a.pdf", make_pdf_of(lines("the wind and the light-", "house keeper"))) == (
        "the wind and the lighthouse keeper"
    )


def test_columns_that_were_written_across_are_read_one_by_one() -> None:
    left = [f"left column sentence number {n} goes on and on here" for n in range(8)]
    right = [f"right column sentence number {n} is as long as that" for n in range(8)]
    content = lines(
        "A title that goes right across both of the columns of this page of the book it is"
    )
    for row, (one, two) in enumerate(zip(left, right, strict=True)):
        content += lines(one, top=660 - 14 * row) + lines(two, left=320, top=660 - 14 * row)
    text = read_text("a.pdf", make_pdf_of(content)).split("\n")
    assert [line.strip() for line in text[1:]] == [*left, *right]


def test_table_is_read_row_by_row() -> None:
    content = ""
    for row in range(8):
        content += lines(f"Berth {row}", top=660 - 14 * row)
        content += lines(f"{row}0 crowns", left=320, top=660 - 14 * row)
    assert read_text("a.pdf", make_pdf_of(content)).split("\n")[3].split() == [
        *("Berth", "3", "30", "crowns"),
    ]


def make_form(*fields: tuple[str, str, str, int]) -> bytes:
    """Returns a form: each field with its name, kind, value and height on the page."""
    reader = PdfReader(io.BytesIO(make_pdf_of(lines("Vessel:", "Draught:", top=700))))
    writer = PdfWriter(clone_from=reader)
    page = writer.pages[0]
    widgets = ArrayObject()
    name, text = NameObject, TextStringObject
    for label, kind, value, height in fields:
        box = ArrayObject(FloatObject(n) for n in (120, height - 4, 300, height + 12))
        field: dict[PdfObject, PdfObject] = {
            name("/Type"): name("/Annot"),
            name("/Subtype"): name("/Widget"),
            name("/Rect"): box,
            name("/FT"): name(kind),
            name("/T"): text(label),
            name("/V"): name(value) if kind == "/Btn" else text(value),
            name("/F"): NumberObject(4),
        }
        if kind == "/Btn":
            field[name("/AS")] = name(value)
            on = DictionaryObject({name("/Yes"): writer._add_object(DecodedStreamObject())})
            field[name("/AP")] = DictionaryObject({name("/N"): on})
        widgets.append(writer._add_object(DictionaryObject(field)))
    page[name("/Annots")] = widgets
    writer._root_object[name("/AcroForm")] = DictionaryObject({name("/Fields"): widgets})
    file = io.BytesIO()
    writer.write(file)
    return file.getvalue()


def test_values_of_a_form_stand_behind_their_words() -> None:
    form = make_form(
        ("v", "/Tx", "Havørn", 700), ("d", "/Tx", "3.2 m", 686), ("Insured", "/Btn", "/Yes", 500)
    )
    assert read_text("a.pdf", form).split("\n") == [
        "Vessel: Havørn",
        "Draught: 3.2 m",
        "Insured: yes",
    ]


def test_annotations_are_read() -> None:
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(make_pdf("Chart 7"))))
    writer.add_annotation(0, FreeText(text="Wreck here", rect=(50, 550, 200, 650)))
    writer.add_annotation(0, Text(text="Check depth", rect=(50, 50, 70, 70)))
    file = io.BytesIO()
    writer.write(file)
    assert read_text("a.pdf", file.getvalue()).split("\n") == [
        "Chart 7",
        "Wreck here",
        "Note: Check depth",
    ]


def add_picture(content: bytes, page_number: int) -> bytes:
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(content)))
    page = writer.pages[page_number - 1]
    name = NameObject
    picture = DecodedStreamObject()
    picture.set_data(b"\x00" * 4)
    picture.update(
        {
            name("/Type"): name("/XObject"),
            name("/Subtype"): name("/Image"),
            name("/Width"): NumberObject(2),
            name("/Height"): NumberObject(2),
            name("/ColorSpace"): name("/DeviceGray"),
            name("/BitsPerComponent"): NumberObject(8),
        }
    )
    pictures = DictionaryObject({name("/P"): writer._add_object(picture)})
    page[name("/Resources")] = DictionaryObject({name("/XObject"): pictures})
    drawing = DecodedStreamObject()
    drawing.set_data(b"q 100 0 0 100 10 10 cm /P Do Q")
    page[name("/Contents")] = writer._add_object(drawing)
    file = io.BytesIO()
    writer.write(file)
    return file.getvalue()


def test_page_that_is_a_picture_is_named() -> None:
    document = read_one("a.pdf", add_picture(make_pdf("one", "", "", "four"), 3))
    assert [part.page for part in document.parts] == [1, 4]
    assert document.warnings == ("Page 3 has no text, only a picture.",)


@pytest.mark.parametrize("algorithm", ["RC4-128", "AES-256"])
def test_file_that_only_its_owner_may_change_is_read(algorithm: str) -> None:
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(make_pdf("open to all"))))
    writer.encrypt("", "owner", algorithm=algorithm)
    file = io.BytesIO()
    writer.write(file)
    assert read_text("a.pdf", file.getvalue()) == "open to all"


def test_page_that_is_turned_is_read() -> None:
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(make_pdf("turned by a quarter"))))
    writer.pages[0].rotate(90)
    file = io.BytesIO()
    writer.write(file)
    assert read_text("a.pdf", file.getvalue()) == "turned by a quarter"


def test_page_that_writes_over_itself_is_refused_before_it_is_sorted() -> None:
    line = "BT /F1 9 Tf 10 100 Td " + "(ab) Tj " * 800 + "ET\n"
    assert "Page 1 of the PDF writes over itself" in fail_one("a.pdf", make_pdf_of(line * 10))


def test_damaged_file_says_so() -> None:
    assert fail_one("a.pdf", b"%PDF-1.7\nnonsense") == "The PDF is damaged and cannot be read."


def _set(*runs: tuple[str, int, int]) -> bytes:
    """Returns a page with one line of stretches, each with its size and its height over it."""
    drawn = " ".join(f"/F1 {size} Tf {rise} Ts ({text}) Tj" for text, size, rise in runs)
    return make_pdf_of(f"BT 40 600 Td {drawn} ET")


@pytest.mark.parametrize(
    ("runs", "text"),
    [
        ((("3 x 10", 12, 0), ("8", 8, 5), (" m/s", 12, 0)), "3 x 10^8 m/s"),
        ((("2", 12, 0), ("-16", 8, 5)), "2^-16"),
        (
            (("H", 12, 0), ("2", 8, -3), ("SO", 12, 0), ("4", 8, -3), (" is acid", 12, 0)),
            "H₂SO₄ is acid",
        ),
        ((("v", 12, 0), ("max", 7, -3), (" = 7", 12, 0)), "v_max = 7"),
        ((("the 21", 12, 0), ("st", 8, 5), (" day", 12, 0)), "the 21st day"),
        ((("x", 12, 0), ("i", 7, -3), ("2", 7, 5), (" + 1", 12, 0)), "x_i^2 + 1"),
    ],
)
def test_what_stands_off_the_line_is_kept_apart(
    runs: tuple[tuple[str, int, int], ...], text: str
) -> None:
    assert read_text("a.pdf", _set(*runs)) == text


@pytest.mark.parametrize(
    ("runs", "text"),
    [
        ((("Lamp", 12, 0), ("s", 8, 0), (" glow", 12, 0)), "Lamps glow"),
        ((("R", 18, 0), ("oot", 9, 0)), "Root"),
        ((("T", 36, 0), ("his page begins", 10, 16)), "This page begins"),
    ],
)
def test_small_letters_on_the_line_are_letters(
    runs: tuple[tuple[str, int, int], ...], text: str
) -> None:
    assert "".join(read_text("a.pdf", _set(*runs)).split("\n")) == text


def test_a_small_line_below_is_a_line() -> None:
    page = "BT /F1 12 Tf 40 600 Td (Depth) Tj /F1 8 Tf 0 -11 Td (in metres) Tj ET"
    assert read_text("a.pdf", make_pdf_of(page)).split() == ["Depth", "in", "metres"]
