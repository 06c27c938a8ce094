"""Builds small files of each format, so that a test says what is in them."""

import io
import zipfile
from collections.abc import Sequence

from deployments.contracts.documents import Document, ReadFailure, Upload
from deployments.indexer.documents import read_documents
from deployments.indexer.formats.converted import ReadingOptions

_OFFICE = "http://schemas.openxmlformats.org"
_RELATIONS = f"{_OFFICE}/officeDocument/2006/relationships"
_WORD = (
    f'xmlns:w="{_OFFICE}/wordprocessingml/2006/main" xmlns:r="{_RELATIONS}" '
    f'xmlns:m="{_OFFICE}/officeDocument/2006/math" '
    'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006" '
    f'xmlns:wp="{_OFFICE}/drawingml/2006/wordprocessingDrawing" '
    f'xmlns:a="{_OFFICE}/drawingml/2006/main"'
)


def read_one(name: str, content: str | bytes, *, options: ReadingOptions | None = None) -> Document:
    """Returns the only document of a file."""
    data = content.encode() if isinstance(content, str) else content
    upload = Upload(name, data)
    (document,) = read_documents(upload, options=options or ReadingOptions())
    assert isinstance(document, Document), document
    return document


def read_text(name: str, content: str | bytes, *, options: ReadingOptions | None = None) -> str:
    """Returns the text of the only document of a file."""
    return "\n\n".join(part.text for part in read_one(name, content, options=options).parts)


def fail_one(name: str, content: str | bytes) -> str:
    """Returns why the only document of a file could not be read."""
    data = content.encode() if isinstance(content, str) else content
    (failure,) = read_documents(Upload(name, data))
    assert isinstance(failure, ReadFailure), failure
    return failure.message


def make_zip(**members: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


def paragraph(text: str, *, properties: str = "") -> str:
    """Returns a paragraph of Word with one run."""
    return f"<w:p><w:pPr>{properties}</w:pPr>{run(text)}</w:p>"


def run(text: str, *, properties: str = "") -> str:
    """Returns a run of Word."""
    return f'<w:r><w:rPr>{properties}</w:rPr><w:t xml:space="preserve">{text}</w:t></w:r>'


def make_docx(body: str, **parts: str) -> bytes:
    """Returns a Word document; `parts` are the contents of styles, numbering, footnotes, ..."""
    relations = "".join(
        f'<Relationship Id="r{name}" Type="{_RELATIONS}/{name}" Target="{name}.xml"/>'
        for name in parts
    )
    xmlns = f'xmlns="{_OFFICE}/package/2006/relationships"'
    return make_zip(
        **{
            "_rels/.rels": f'<Relationships {xmlns}><Relationship Id="r1" '
            f'Type="{_RELATIONS}/officeDocument" Target="word/document.xml"/></Relationships>',
            "word/document.xml": f"<w:document {_WORD}><w:body>{body}</w:body></w:document>",
            "word/_rels/document.xml.rels": f"<Relationships {xmlns}>{relations}</Relationships>",
            **{
                f"word/{name}.xml": f"<w:{name} {_WORD}>{content}</w:{name}>"
                for name, content in parts.items()
            },
        }
    )


def make_pptx(*slides: tuple[str, str]) -> bytes:
    from pptx import Presentation

    presentation = Presentation()
    for title, body in slides:
        slide = presentation.slides.add_slide(presentation.slide_layouts[1])
        slide.shapes.title.text = title
        slide.placeholders[1].text = body
    file = io.BytesIO()
    presentation.save(file)
    return file.getvalue()


def make_xlsx(**sheets: Sequence[Sequence[object]]) -> bytes:
    from openpyxl import Workbook  # type: ignore[import-untyped]

    workbook = Workbook()
    workbook.remove(workbook.active)
    for name, rows in sheets.items():
        sheet = workbook.create_sheet(name)
        for row in rows:
            sheet.append(row)
    return save_workbook(workbook)


def save_workbook(workbook: object) -> bytes:
    """Returns the bytes of a workbook of openpyxl."""
    file = io.BytesIO()
    workbook.save(file)  # type: ignore[attr-defined]
    return file.getvalue()


def change_member(content: bytes, name: str, old: str, new: str) -> bytes:
    """Returns a zipped file with a text of one of its members replaced."""
    file = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as source,
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as target,
    ):
        for entry in source.namelist():
            data = source.read(entry)
            if entry == name:
                assert old.encode() in data, data
                data = data.replace(old.encode(), new.encode())
            target.writestr(entry, data)
    return file.getvalue()


def make_pdf(*pages: str, title: str = "", password: str = "", owner: str = "") -> bytes:
    """Returns a PDF with a line of text on each page; an empty one stays empty."""
    contents = [f"BT /F1 12 Tf 10 100 Td ({text}) Tj ET" if text else "" for text in pages]
    return make_pdf_of(*contents, title=title, password=password, owner=owner)


def make_pdf_of(*contents: str, title: str = "", password: str = "", owner: str = "") -> bytes:
    """Returns a PDF whose pages are drawn by these content streams."""
    from pypdf import PdfWriter
    from pypdf.generic import DecodedStreamObject, DictionaryObject, NameObject

    writer = PdfWriter()
    name = NameObject
    font = {name("/Type"): name("/Font"), name("/Subtype"): name("/Type1")}
    fonts = DictionaryObject(
        {name("/F1"): DictionaryObject({**font, name("/BaseFont"): name("/Helvetica")})}
    )
    for content in contents:
        page = writer.add_blank_page(600, 800)
        page[name("/Resources")] = DictionaryObject({name("/Font"): fonts})
        stream = DecodedStreamObject()
        stream.set_data(content.encode("latin-1"))
        page[name("/Contents")] = writer._add_object(stream)
    if title:
        writer.add_metadata({"/Title": title})
    if password or owner:
        writer.encrypt(password, owner or password)
    file = io.BytesIO()
    writer.write(file)
    return file.getvalue()
