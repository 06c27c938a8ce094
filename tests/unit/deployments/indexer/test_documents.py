"""What a file of each format becomes, and what is said of one that cannot be read."""

import gzip
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deployments.contracts.documents import Document, ReadFailure, Upload
from deployments.indexer.cleaning import (
    MAX_METADATA_CHARS,
    clean_metadata,
    clean_text,
    document_id,
)
from deployments.indexer.documents import read_documents
from deployments.indexer.formats import bounds
from deployments.indexer.formats.text.restructured import convert_rst
from deployments.indexer.markup import find_headings
from tests.unit.deployments.indexer.files import (
    make_docx,
    make_pdf,
    make_pptx,
    make_xlsx,
    make_zip,
    paragraph,
)


def read(name: str, content: str | bytes, **metadata: str) -> list[Document | ReadFailure]:
    data = content.encode() if isinstance(content, str) else content
    return list(read_documents(Upload(name, data, metadata)))


def read_one(name: str, content: str | bytes, **metadata: str) -> Document:
    (document,) = read(name, content, **metadata)
    assert isinstance(document, Document), document
    return document


def fail_one(name: str, content: str | bytes) -> str:
    (failure,) = read(name, content)
    assert isinstance(failure, ReadFailure)
    assert failure.path.startswith(name)
    return failure.message


def text_of(document: Document) -> str:
    return "\n".join(part.text for part in document.parts)


def test_id_depends_on_the_path_alone() -> None:
    first, second = read_one("docs/a.md", "one"), read_one("docs/a.md", "two")
    assert first.id == second.id == document_id("docs/a.md")
    assert len(first.id) == len("doc_") + 24
    assert first.id != document_id("docs/b.md")


def test_a_file_with_an_id_of_its_own_is_known_by_it() -> None:
    (document,) = read_documents(Upload("rows.jsonl", b'{"text": "a"}\n', {}, "file-7"))
    assert isinstance(document, Document)
    assert document.id == "file-7"


def test_a_file_with_an_id_of_its_own_is_one_document_or_none() -> None:
    lines = b'{"text": "a"}\n' * 3
    (failure,) = read_documents(Upload("rows.jsonl", lines, {}, "file-7"))
    assert isinstance(failure, ReadFailure)
    assert "several records" in failure.message
    (failure,) = read_documents(Upload("tool.exe", b"MZ", {}, "file-7"))
    assert isinstance(failure, ReadFailure)
    assert ".exe" in failure.message


def test_front_matter_becomes_metadata_and_leaves_the_text() -> None:
    matter = (
        "---\ntitle: Guide\nlevel: 2\nday: 2024-05-01\ntags: [a, b]\npage: x\n---\n# Heading\nText"
    )
    document = read_one("a.md", matter)
    assert document.title == "Guide"
    assert text_of(document) == "# Heading\nText"
    assert document.metadata == {"level": 2, "day": "2024-05-01", "meta_page": "x"}


def test_rule_at_the_start_of_a_text_is_no_front_matter() -> None:
    assert text_of(read_one("a.md", "---\nprose\n---\nmore")) == "---\nprose\n---\nmore"


@pytest.mark.parametrize(
    ("name", "content", "title"),
    [
        ("a.md", "intro\n\n## Minor\n\n# Major { #major }\n", "Major"),
        ("docs/v1.2-notes.MD", "## Only a section\ntext", "Only a section"),
        ("a.md", "```sh\n# comment\n```\n\nReal title\n==========\ntext", "Real title"),
        ("a.html", "<title> The\n page </title><body><h1>H</h1>text</body>", "The page"),
        ("server.log", "# not a heading", "server"),
        ("notes.txt.gz", gzip.compress(b"text", mtime=0), "notes"),
    ],
)
def test_title_is_the_best_that_the_file_offers(
    name: str, content: str | bytes, title: str
) -> None:
    assert read_one(name, content).title == title


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("PEP: 8\nTitle: Style\n\nAbstract\n========\n\nIt is.\n", "Style"),
        ("Guide\n=====\n\nAbstract\n--------\n\nIt is.\n", "Guide"),
        (".. comment\n\nGuide\n=====\n\nIt is.\n\nMore\n====\n\nIt is.\n", "Guide"),
        ("Intro.\n\nAbstract\n========\n\nIt is.\n\nMore\n====\n\nIt is.\n", "pep-0008"),
        ("Only text.\n", "pep-0008"),
    ],
    ids=["field", "at-the-top", "below-a-comment", "sections", "none"],
)
def test_title_of_rst_is_the_documents_and_no_section(text: str, title: str) -> None:
    assert read_one("peps/pep-0008.rst", text).title == title


def test_metadata_of_the_upload_wins() -> None:
    document = read_one("a.md", "---\nteam: old\nkind: guide\n---\ntext", team="new")
    assert document.metadata == {"team": "new", "kind": "guide"}


def test_metadata_keeps_only_what_can_be_stored() -> None:
    fields = {"s": "a\x00b", "i": 7, "huge": 2**70, "f": 0.5, "nan": float("nan"), "b": True}
    noise = {"none": None, "list": [1], "blank": " ", "$and": "x", "text": "y", "": "z"}
    kept = clean_metadata({**fields, **noise, "long": "x" * 5000})
    assert kept.pop("long") == "x" * MAX_METADATA_CHARS
    operators = {"meta_$and": "x", "meta_text": "y"}
    assert kept == {"s": "ab", "i": 7, "huge": str(2**70), "f": 0.5, "b": True, **operators}


@given(st.text())
@settings(max_examples=50)
def test_cleaned_text_can_be_encoded_and_has_no_control_characters(text: str) -> None:
    cleaned = clean_text(text)
    cleaned.encode()
    assert not any(ord(c) < 32 and c not in "\t\n" for c in cleaned)
    assert clean_text(cleaned) == cleaned


def test_lone_surrogates_and_nul_do_not_survive_a_record() -> None:
    document = read_one(
        "a.jsonl", '{"text": "a\\ud800b\\u0000c", "title": "\\udfff", "k": "\\ud801"}'
    )
    assert text_of(document) == "a\ufffdbc"
    json.dumps([document.title, dict(document.metadata)], ensure_ascii=False).encode()


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("größer naïve Straße", "utf-8-sig"),
        ("größer naïve Straße", "utf-16"),
        ("größer naïve Straße", "utf-32"),
        ("Die Größe der Straße ist schön, naïve Gäste grüßen im Café.", "latin-1"),
        ("It’s “smart” – a long sentence of plain words, mostly plain ASCII " * 3, "cp1252"),
        ("Привет мир, как дела сегодня", "cp1251"),
        ("Zażółć gęślą jaźń. Dzień dobry, jak się masz? Cześć", "cp1250"),
        ("漢字かな交じり文です。日本語の文書を読みます。", "shift_jis"),
    ],
)
def test_text_is_read_in_the_encoding_it_was_written_in(text: str, encoding: str) -> None:
    assert text_of(read_one("a.txt", text.encode(encoding))) == text


def test_bytes_that_are_no_text_are_refused() -> None:
    assert "not text" in fail_one("a.txt", b"\x89PNG\r\n\x1a\n\x00\xff\xfe" * 50)


def test_rst_titles_become_headings_and_nothing_else_changes() -> None:
    rst = "=====\nTitle\n=====\n\nIntro.\n\nPart\n----\n::\n\n    # code\n\nDeep\n~~~~\n\n"
    rst += "Part 2\n------\nend\n"
    text = text_of(read_one("a.rst", rst))
    levels = [(heading.level, heading.title) for heading in find_headings(text)]
    assert levels == [(1, "Title"), (2, "Part"), (3, "Deep"), (2, "Part 2")]
    assert [line for line in ("Intro.", "::", "    # code", "end") if line not in text] == []


def test_rst_table_and_prose_are_left_alone() -> None:
    rst = "=====  =====\nA      B\n=====  =====\n1      2\n=====  =====\n\nprose\nmore\n----\n"
    assert convert_rst(rst) == rst


def test_headings_in_code_and_indented_ones_do_not_count() -> None:
    text = "# A\n\n```\n# b\n~~~\n```\n\n   # c\n\n~~~~\n# d\n~~~\n# e\n~~~~\n\nF\n---\n\n#g\n"
    assert [heading.title for heading in find_headings(text)] == ["A", "F"]


def test_heading_loses_its_markup() -> None:
    text = "## Use `x_y` in **[the docs](http://a/b)** <small>v2</small> ## { #use }\n"
    assert [heading.title for heading in find_headings(text)] == ["Use `x_y` in the docs v2"]


def test_web_page_gives_its_main_content() -> None:
    page = (
        "<nav>Menu</nav><main><h1>Top</h1><p>Body</p><script>x()</script></main><footer>F</footer>"
    )
    assert text_of(read_one("a.html", page)) == "# Top\n\nBody"


def test_deeply_nested_web_page_is_read_as_plain_text() -> None:
    assert text_of(read_one("a.html", "<div>" * 3000 + "deep" + "</div>" * 3000)).strip() == "deep"


def test_pdf_pages_are_numbered_and_empty_ones_skipped() -> None:
    document = read_one("a.pdf", make_pdf("first", "", "third", title="Report"))
    assert [(part.page, part.text.strip()) for part in document.parts] == [
        (1, "first"),
        (3, "third"),
    ]
    assert document.title == "Report"


@pytest.mark.parametrize("title", ["Untitled spreadsheet", "scan0001.pdf", "Document1", "---"])
def test_placeholder_title_of_a_pdf_is_not_used(title: str) -> None:
    assert read_one("handbook.pdf", make_pdf("text", title=title)).title == "handbook"


def test_word_document_is_read() -> None:
    assert text_of(read_one("a.docx", make_docx(paragraph("Hello")))) == "Hello"


def test_slides_are_pages() -> None:
    document = read_one("a.pptx", make_pptx(("One", "first"), ("Two", "second")))
    assert document.title == "One"
    texts = [(part.page, part.text.strip()) for part in document.parts]
    assert texts == [(1, "# One\n\nfirst"), (2, "# Two\n\nsecond")]


def test_sheets_are_parts_whose_rows_repeat_the_column_names() -> None:
    rows: list[list[object]] = [[], [None, "name", "age"], [None, "Ann", 30.0], [None, "Bob", None]]
    document = read_one("a.xlsx", make_xlsx(People=rows, Empty=[]))
    (part,) = document.parts
    assert part.text == "Sheet: People\n\nname: Ann\nage: 30\n\nname: Bob"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", 'name,note\nAnn,"x, y\nz"\n\nBob,\n'),
        ("a.csv", 'name;note\nAnn;"x, y\nz"\n;;\nBob;\n'),
        ("a.tsv", 'name\tnote\nAnn\t"x, y\nz"\nBob\t\n'),
        ("a.csv.gz", gzip.compress(b'name,note\r\nAnn,"x, y\r\nz"\r\nBob\r\n', mtime=0)),
    ],
)
def test_table_is_one_document_whose_rows_name_their_columns(
    name: str, content: str | bytes
) -> None:
    assert text_of(read_one(name, content)) == "name: Ann\nnote: x, y z\n\nname: Bob"


def test_cells_outside_the_header_are_kept() -> None:
    assert text_of(read_one("a.csv", "a,\n1,2,3\n")) == "a: 1\ncolumn 2: 2\ncolumn 3: 3"
    assert text_of(read_one("a.csv", "only,a header\n")) == "only, a header"


def test_record_gives_text_title_id_and_metadata() -> None:
    record = {"id": 7, "question": "Why?", "answer": "So.", "lang": "en", "score": 1, "x": [1]}
    document = read_one("faq.jsonl", json.dumps(record), team="a")
    assert (document.path, document.id) == ("faq.jsonl#7", document_id("faq.jsonl#7"))
    assert (document.title, text_of(document)) == ("Why?", "So.")
    assert document.metadata == {"lang": "en", "score": 1, "team": "a"}


def test_record_without_a_known_text_field_is_rendered_whole() -> None:
    record = {
        "id": "a",
        "Name": "Ann",
        "pet": {"kind": "cat", "toys": ["ball", "mouse"]},
        "n": None,
    }
    document = read_one("a.jsonl", json.dumps(record))
    assert text_of(document) == "Name: Ann\npet.kind: cat\npet.toys: ball, mouse"
    assert document.title == "Ann"


def test_record_without_title_has_none() -> None:
    assert read_one("corpus.jsonl", '{"text": "t", "title": ""}').title == ""


def test_string_too_long_for_metadata_is_added_to_the_text() -> None:
    record = {"answer": "yes", "long_answer": "because " * 500, "metadata": {"source": "web"}}
    document = read_one("a.jsonl", json.dumps(record))
    assert text_of(document).startswith("yes\n\nlong_answer: because")
    assert document.metadata["source"] == "web"


def test_broken_lines_fail_alone() -> None:
    lines = ['{"text": "one"}', "{broken", '{"text": " "}', '"bare"', "", '{"text": "two"}\r']
    outcomes = read("a.jsonl", "\n".join(lines))
    kinds = [(type(outcome).__name__, outcome.path) for outcome in outcomes]
    assert kinds == [
        ("Document", "a.jsonl#1"),
        ("ReadFailure", "a.jsonl#2"),
        ("ReadFailure", "a.jsonl#3"),
        ("Document", "a.jsonl#4"),
        ("Document", "a.jsonl#6"),
    ]
    messages = [outcome.message for outcome in outcomes if isinstance(outcome, ReadFailure)]
    assert messages == [
        "Line 2 is not valid JSON, from column 2 on.",
        "The record has no text.",
    ]


def test_lines_end_at_newlines_only() -> None:
    records = [{"text": "a\u2028b\u0085c\x0cd"}, {"text": "e"}]
    content = "\n".join(json.dumps(record, ensure_ascii=False) for record in records)
    assert [text_of(d) for d in read("a.jsonl", content) if isinstance(d, Document)] == [
        "a\u2028b\nc\nd",
        "e",
    ]


def test_records_are_made_one_at_a_time() -> None:
    reader = read_documents(Upload("a.jsonl", b'{"text": "one"}\n' + b"{broken}\n" * 100_000))
    assert isinstance(next(reader), Document)
    assert isinstance(next(reader), ReadFailure)


def test_repeated_record_id_does_not_replace_the_earlier_record() -> None:
    lines = ['{"id": "x", "text": "1"}', '{"id": "x@3", "text": "2"}', '{"id": "x", "text": "3"}']
    outcomes = read("a.jsonl", "\n".join(lines))
    assert [outcome.path for outcome in outcomes] == ["a.jsonl#x", "a.jsonl#x@3", "a.jsonl#x@3@3"]


def test_json_list_of_records_gives_a_document_each() -> None:
    outcomes = read("a.json", '[{"id": "x", "text": "1"}, {"body": "2"}, {"other": "3"}]')
    assert [outcome.path for outcome in outcomes] == ["a.json#x", "a.json#2", "a.json#3"]


def test_numbers_of_json_are_read_as_they_are_written() -> None:
    text = '{"rate": 1.50, "far": 1e400, "none": NaN, "count": 12345678901234567890, "on": [true]}'
    written = "rate: 1.50\nfar: 1e400\nnone: NaN\ncount: 12345678901234567890\non: true"
    assert text_of(read_one("a.json", text)) == written


def test_number_can_be_the_title_of_a_record() -> None:
    document = read_one("a.jsonl", '{"title": 1984, "text": "A novel.", "rate": 2.50}')
    assert (document.title, document.metadata) == ("1984", {"rate": 2.5})
    assert type(document.metadata["rate"]) is float


def test_what_is_left_out_of_a_record_is_said() -> None:
    document = read_one("a.jsonl", '{"text": "Tar.", "tags": ["a"], "by": {"name": "Ada"}, "n": 1}')
    assert document.metadata == {"n": 1}
    assert document.warnings == ("2 nested fields were left out: tags, by.",)


def test_other_json_is_one_readable_document() -> None:
    document = read_one("a.json", '{"servers": [{"host": "a", "up": true}, {"host": "b"}]}')
    assert text_of(document) == "servers[0].host: a\nservers[0].up: true\nservers[1].host: b"
    assert (document.path, document.title) == ("a.json", "a")
    assert text_of(read_one("b.json", '[{"n": 1}, {"n": 2}]')) == "n: 1\n\nn: 2"


def test_json_object_with_text_is_one_record_titled_by_the_file() -> None:
    document = read_one("note.json", '{"content": "Hello", "lang": "en"}')
    assert (document.path, document.title, text_of(document)) == ("note.json", "note", "Hello")


@pytest.mark.parametrize("name", ["a.json", "a.jsonl"])
@pytest.mark.parametrize("depth", [300, 900, 100_000])
def test_deep_json_never_raises(name: str, depth: int) -> None:
    assert len(read(name, "[" * depth + "1" + "]" * depth)) == 1


def test_endless_number_is_refused_in_words() -> None:
    assert "too many digits" in fail_one("a.json", "[" + "9" * 5000 + "]")


@pytest.mark.parametrize("name", ["a.exe", "a", "a.gz", "a.pdf.gz", ".md"])
def test_unknown_extension_is_named_with_what_is_read(name: str) -> None:
    message = fail_one(name, b"x")
    assert ".docx" in message
    assert name[1:] in message


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.md", b"", "empty"),
        ("a.md", b" \n\x00\n", "no text"),
        ("a.jsonl", b"\n\n", "no records"),
        ("a.json", b"{", "Line 1 is not valid JSON"),
        ("a.json", b"null", "no text"),
        ("a.md.gz", b"no gzip", "not a gzip file"),
        ("a.md.gz", gzip.compress(b"text" * 100, mtime=0)[:-10], "damaged"),
        ("a.pdf", b"%PDF-1.7 no more", "damaged"),
        ("a.pdf", make_pdf(""), "scan"),
        ("a.pdf", make_pdf("secret", password="key"), "password"),
        ("a.docx", b"PK no zip", "damaged"),
        ("a.docx", make_zip(other="x"), "not a Word document"),
        ("a.docx", b"\xd0\xcf\x11\xe0 an old or locked file", "password"),
        ("a.pptx", make_docx(paragraph("x")), "not a PowerPoint presentation"),
        ("a.xlsx", make_docx(paragraph("x")), "not an Excel workbook"),
        ("a.xlsx", make_xlsx(Empty=[]), "no text"),
    ],
)
def test_unreadable_file_says_why_in_words(name: str, content: bytes, reason: str) -> None:
    message = fail_one(name, content)
    assert reason in message
    assert message.endswith(".")
    assert not any(word in message for word in ("Error", "Exception", "Traceback", "0x"))


def test_zip_bombs_are_refused_before_they_unpack(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "MAX_INFLATED_BYTES", 1024**2)
    zeros = b"0" * (2 * 1024**2)
    assert "unpacks to more than 1 MiB" in fail_one("a.md.gz", gzip.compress(zeros))
    assert "unpacks to more than 1 MiB" in fail_one("a.xlsx", make_zip(member=zeros.decode()))


def test_tables_are_bounded_in_cells_and_characters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "MAX_CELLS", 10)
    assert "more than 10 cells" in fail_one("a.csv", "a,b\n" * 10)
    monkeypatch.setattr(bounds, "MAX_CHARS", 10)
    assert "more than 10 characters" in fail_one("b.csv", "name\nlong value\n")


@pytest.mark.parametrize("extension", ["md", "txt", "csv", "html", "docx", "xlsx", "pdf", "jsonl"])
def test_whatever_a_reader_raises_is_the_failure_of_its_file(
    extension: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def burst(*_: object, **__: object) -> None:
        raise RecursionError

    for module in ("documents._read", "documents._read_records"):
        monkeypatch.setattr(f"deployments.indexer.{module}", burst)
    assert fail_one(f"a.{extension}", b"x") == "The file is damaged and cannot be read."


def test_endless_number_in_front_matter_is_a_text() -> None:
    document = read_one("a.md", f"---\nbuild: 0x{'e' * 9000}\n---\nGood text.")
    assert text_of(document) == "Good text."
    assert str(document.metadata["build"]).startswith("0xeee")


@pytest.mark.parametrize(
    ("name", "content", "markup"),
    [
        ("a.md", "x", "markdown"),
        ("a.rst", "x", "markdown"),
        ("a.html", "<p>x", "markdown"),
        ("a.docx", make_docx(paragraph("x")), "markdown"),
        ("a.pptx", make_pptx(("x", "y")), "markdown"),
        ("a.jsonl", '{"text": "x"}', "markdown"),
        ("a.jsonl", '{"field": "x"}', "plain"),
        ("a.json", '{"a": {"b": "x"}}', "plain"),
        ("a.txt", "x", "plain"),
        ("a.log", "x", "plain"),
        ("a.csv", "x\ny", "plain"),
        ("a.tsv", "x\ty\n1\t2", "plain"),
        ("a.xlsx", make_xlsx(S=[["x"], ["y"]]), "plain"),
        ("a.pdf", make_pdf("x"), "plain"),
    ],
)
def test_document_says_whether_it_is_markdown(name: str, content: str | bytes, markup: str) -> None:
    assert read_one(name, content).markup == markup


def test_documents_cross_to_another_process() -> None:
    import pickle

    document = read_one("a.xlsx", make_xlsx(S=[["a", "b"], [1, "=A2"]]))
    assert pickle.loads(pickle.dumps(document)) == document
    assert document.warnings


def test_bytes_of_records_that_cannot_be_read_are_told_once() -> None:
    lines = '{"text": "smørbrød på øya"}\n{"text": "to"}\n'.encode().replace(b"to", b"t\xff")
    first, second = read("a.jsonl", lines)
    assert isinstance(first, Document)
    assert isinstance(second, Document)
    assert first.warnings == ("1 byte was no UTF-8 and cannot be read.",)
    assert second.warnings == ()
