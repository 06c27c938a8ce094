"""Reading takes time in proportion to a file: twice the size, at most two and a half times as long.

Each input is of a kind that made a parser quadratic, or worse.
"""

from collections.abc import Callable

import pytest

from deployments.contracts.documents import ReadFailure, Upload
from deployments.indexer.documents import read_documents
from tests.linear_time import assert_linear
from tests.unit.deployments.indexer.files import make_docx, make_pdf_of, make_zip, paragraph, run


def make_sheet(rows: str) -> bytes:
    """Returns a workbook of one sheet with these rows of XML."""
    office = "http://schemas.openxmlformats.org"
    relations = f"{office}/officeDocument/2006/relationships"
    package = f'xmlns="{office}/package/2006/relationships"'
    main = f"{office}/spreadsheetml/2006/main"
    return make_zip(
        **{
            "_rels/.rels": f'<Relationships {package}><Relationship Id="a" '
            f'Type="{relations}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
            "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{relations}"><sheets>'
            '<sheet name="S" sheetId="1" r:id="a"/></sheets></workbook>',
            "xl/_rels/workbook.xml.rels": f'<Relationships {package}><Relationship Id="a" '
            f'Type="{relations}/worksheet" Target="sheet.xml"/></Relationships>',
            "xl/sheet.xml": f'<worksheet xmlns="{main}"><sheetData>{rows}</sheetData></worksheet>',
        }
    )


def matter(block: str) -> str:
    return f"---\n{block}\n---\ntext"


def levels(count: int) -> str:
    lines = ["a0: &a0 {x: 1}"]
    for level in range(1, count):
        copies = ", ".join([f"*a{level - 1}"] * 10)
        lines.append(f"a{level}: &a{level}\n  <<: [{copies}]")
    return matter("\n".join(lines))


def merged(count: int) -> bytes:
    rows = "".join(f'<row r="{n}"><c r="B{n}"><v>1</v></c></row>' for n in range(1, count))
    merges = '<mergeCells><mergeCell ref="A1:A999999"/></mergeCells>'
    return make_sheet(f"{rows}</sheetData>{merges}<sheetData>")


raised = run("2", properties='<w:vertAlign w:val="superscript"/>') + run("x")
field = '<w:r><w:fldChar w:fldCharType="begin"/></w:r>'
row = "<w:tr>" + f"<w:tc>{paragraph('x')}</w:tc>" * 2 + "</w:tr>"
line = f"BT /F1 9 Tf 9 99 Td {'(ab) Tj ' * 600}ET\n"

INPUTS: dict[str, tuple[str, int, Callable[[int], str | bytes]]] = {
    "open attributes": ("html", 2000, lambda n: '<a b="' * n),
    "items of a list": ("html", 1000, lambda n: f"<ol>{'<li>one two</li>' * n}</ol>"),
    "open items": ("html", 2000, lambda n: "<ul>" + "<li>x" * n),
    "open cells": ("html", 2000, lambda n: "<table><tr>" + "<td>x" * n),
    "deep blocks": ("html", 700, lambda n: "<div>x" * n),
    "deep lists": ("html", 700, lambda n: "<ul><li>x" * n),
    "tables in tables": ("html", 700, lambda n: "<table><tr><td>x" * n),
    "bold and paragraphs": ("html", 1000, lambda n: "<b>x<p>y" * n),
    "spans of rows": ("html", 400, lambda n: "<table><tr>" + "<td rowspan=9999>x" * 30
                      + "</tr>" + "<tr><td>y</tr>" * n),
    "spans of columns": ("html", 60, lambda n: "<table>" + "<tr><td colspan=900>x<td>y" * n),
    "apostrophes": ("csv", 20_000, lambda n: ",'" * n),
    "names over columns": ("csv", 5000, lambda n: "a,," * n + "\n" + ",b,c" * n + "\n1,2\n3,4"),
    "terms": ("html", 2000, lambda n: "<dl>" + "<dt>x" * n),
    "deep terms": ("html", 700, lambda n: "<dl><dt>x<dd>" * n),
    "deep lists backwards": ("html", 700, lambda n: "<ol reversed><li>x" * n),
    "deep drawings": ("html", 700, lambda n: "<svg>" + "<text>x" * n),
    "open data": ("xhtml", 5000, lambda n: "<?xml?>" + "<![CDATA[" * n),
    "elements closed at once": ("xhtml", 5000, lambda n: "<?xml?>" + "<p/><a b=/" * n),
    "comments in Markdown": ("md", 5000, lambda n: "a <!--" * n),
    "blocks of comments": ("md", 2000, lambda n: "<!--\n\n" * n),
    "comments in a row": ("md", 200, lambda n: "<!-- a -->" * n + "x"),
    "tags in Markdown": ("md", 3000, lambda n: "a <b c=" * n),
    "raised in Markdown": ("md", 3000, lambda n: "a<sup>1" * n),
    "ticks and tags": ("md", 2000, lambda n: "<b>``" * n + "\n" + "<i>`" * n),
    "quotes and tags": ("md", 2000, lambda n: "> " * n + "<b>"),
    "items and tags": ("md", 700, lambda n: "- " * n + "<b>\n" + "* <p>\n" * n),
    "pieces of HTML": ("md", 500, lambda n: "<div>\n\n" * n),
    "references and tags": ("md", 2000, lambda n: "<b>\n" + "[a" * n + "]: " * n),
    "superscripts": ("html", 3000, lambda n: "<sup>" * n + "x"),
    "line breaks": ("html", 2000, lambda n: "<p>x<br> " * n),
    "comments": ("html", 20_000, lambda n: "<!--" * n),
    "declarations": ("html", 5000, lambda n: "<meta charset=" * n),
    "wide header": ("csv", 300, lambda n: ",".join(f"{i:0100}" for i in range(n)) + "\n"
                    + f"{','.join('1' * n)}\n" * 20),
    "quotes": ("csv", 20_000, lambda n: '"' * n),
    "open quotes": ("csv", 5_000, lambda n: 'a,"b\n' * n),
    "empty rows": ("csv", 5_000, lambda n: "\n" * n),
    "quotes of TSV": ("tsv", 10_000, lambda n: '\t"' * n),
    "merge keys": ("md", 10, levels),
    "digits": ("md", 5000, lambda n: matter(f"build: 0x{'f' * n}")),
    "aliases": ("md", 1000, lambda n: matter(f"a: &a [x]\nb: [{'*a,' * n}]")),
    "flow lists": ("md", 1500, lambda n: matter("a: " + "[" * n)),
    "keys": ("md", 1000, lambda n: matter("\n".join(f"k{i}: v" for i in range(n)))),
    "open pictures": ("md", 10_000, lambda n: "data: " + "![" * n),
    "open links to data": ("md", 5000, lambda n: "[](data:" * n),
    "open tags to data": ("md", 2000, lambda n: 'data:<img src="data:' * n),
    "backticks": ("md", 30_000, lambda n: "`" * n),
    "fences": ("md", 4000, lambda n: "```\n" * n),
    "escapes": ("log", 8_000, lambda n: "\x1b[" * n),
    "open hyperlinks": ("log", 10_000, lambda n: "\x1b]8;;x" * n),
    "carriage returns": ("log", 8_000, lambda n: "a\r" * n + "\n"),
    "backspaces": ("log", 8_000, lambda n: "a" * n + "\x08" * n),
    "joiners": ("txt", 8_000, lambda n: "👩\u200d" * n),
    "stray bytes": ("txt", 8_000, lambda n: ("é" * n).encode() + b"\xff" * n),
    "underlines": ("rst", 10_000, lambda n: "=\n" * n),
    "paragraphs of Word": ("docx", 1000, lambda n: make_docx(paragraph("x") * n)),
    "raised runs": ("docx", 1000, lambda n: make_docx(f"<w:p>{raised * n}</w:p>")),
    "open fields": ("docx", 2000, lambda n: make_docx(f"<w:p>{field * n}</w:p>")),
    "rows of Word": ("docx", 400, lambda n: make_docx(f"<w:tbl>{row * n}</w:tbl>")),
    "rows of a sheet": ("xlsx", 1500, lambda n: make_sheet("<row><c><v>1</v></c></row>" * n)),
    "rows without cells": ("xlsx", 5000, lambda n: make_sheet("<row/>" * n)),
    "merged column": ("xlsx", 1500, merged),
    "repeated line": ("pdf", 10, lambda n: make_pdf_of(line * n)),
    "lines of a page": ("pdf", 400, lambda n: make_pdf_of("".join(
        f"BT /F1 9 Tf 9 {i} Td (ab cd) Tj ET\n" for i in range(n)))),
}  # fmt: skip


def read(name: str, content: bytes) -> None:
    (_,) = read_documents(Upload(name, content))


@pytest.mark.parametrize("kind", INPUTS)
def test_twice_the_file_takes_twice_the_time(kind: str) -> None:
    extension, size, make = INPUTS[kind]
    contents = [make(size), make(2 * size)]
    small, large = (
        content.encode() if isinstance(content, str) else content for content in contents
    )
    name = f"a.{extension}"
    assert_linear(lambda: read(name, small), lambda: read(name, large))


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.html", "<div>" * 100_000, "more than 3,000 levels"),
        ("a.html", "<a " + " ".join(f"b{n}" for n in range(50_000)) + ">x", "2,000 attributes"),
        ("a.xlsx", make_sheet('<row r="1000000000"><c><v>1</v></c></row>'), "1,048,576 rows"),
        ("a.xlsx", make_sheet('<row><c r="ZZZZ1"><v>1</v></c></row>'), "16,384 columns"),
    ],
)
def test_what_no_person_wrote_is_refused(name: str, content: str | bytes, reason: str) -> None:
    data = content.encode() if isinstance(content, str) else content
    (failure,) = read_documents(Upload(name, data))
    assert isinstance(failure, ReadFailure)
    assert reason in failure.message


def test_elements_of_an_office_file_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    from deployments.indexer.formats import bounds

    monkeypatch.setattr(bounds, "MAX_XML_ELEMENTS", 1000)
    (failure,) = read_documents(Upload("a.docx", make_docx(paragraph("x") * 2000)))
    assert isinstance(failure, ReadFailure)
    assert failure.message == "The file has more than 1,000 elements of XML. Split it."


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.xlsx", make_sheet("<row/>" * 200)),
        ("a.xlsx", make_sheet('<row r="9"/>' + "<row/>" * 99)),
        ("a.csv", "\n" * 200),
        ("a.tsv", "\t\n" * 200),
        ("a.html", "<table>" + "<tr>" * 200),
    ],
)
def test_empty_rows_count(name: str, content: str | bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    from deployments.indexer.formats import bounds

    monkeypatch.setattr(bounds, "MAX_ROWS", 100)
    data = content.encode() if isinstance(content, str) else content
    (failure,) = read_documents(Upload(name, data))
    assert isinstance(failure, ReadFailure)
    assert failure.message == "The table has more than 100 rows. Split it."
