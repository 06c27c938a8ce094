"""Turns the bytes of one format into text or Markdown, by the third-party libraries that read it.

Nothing else in this package imports them. Each is imported inside its function: all of them
together take a second, and most processes read no file. Whatever a library raises becomes an
`InvalidRequest` with a sentence for the person who sent the file; the cause stays chained.
"""

import gzip
import io
import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, time

from deployments.contracts.documents import Part
from deployments.contracts.errors import InvalidRequest

MAX_INFLATED_BYTES = 256 * 1024**2
"""What a compressed file may grow to: far above real documents, far below a zip bomb."""

MAX_FILE_CHARS = 64_000_000
"""What one file may give. Column names repeated per row make a table several times its size."""

MAX_SHEET_CELLS = 5_000_000
"""Cells of one workbook, empty ones before a filled one included."""

LABEL_CHARS = 200
"""A column name stands before each of its values, so an endless one must be cut."""


_BYTE_ORDER_MARKS = (
    (b"\xef\xbb\xbf", "utf-8"),
    (b"\xff\xfe\x00\x00", "utf-32"),  # before UTF-16, whose mark it begins with
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)

_LEGACY_ENCODINGS = (
    *("cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp1255", "cp1256"),
    *("cp932", "gb18030", "big5", "cp949", "euc_jp", "koi8_r"),
)
"""What editors wrote before UTF-8. Given all that it knows, the detector reads "café" as Urdu."""

_MOSTLY_ASCII_RATIO = 0.03
"""Below this share of other bytes detection is guesswork, and Windows-1252 quotes are likely."""

_SLIDE = re.compile(r"^<!-- Slide number: (\d+) -->$", re.M)
_IMAGE = re.compile(r"!\[([^\[\]]{0,1000})\]\(([^)]{0,1000})\)")
_PLACEHOLDER_TITLE = re.compile(
    r"untitled|(document|presentation|slide) ?\d*$|powerpoint presentation$|[\W\d_]*$"
    r"|.*\.(docx?|indd|odt|pages|pdf|pptx?|ps|qxd|rtf|tex|xlsx?)$",
    re.I,
)


@dataclass(frozen=True, slots=True)
class Converted:
    """What a file says; `title` is empty where neither the format nor the author gave one."""

    parts: tuple[Part, ...]
    title: str = ""
    metadata: Mapping[str, object] = field(default_factory=dict)


def inflate(content: bytes) -> bytes:
    """Returns what a gzip file holds.

    Raises:
        InvalidRequest: It is damaged, or holds more than `MAX_INFLATED_BYTES`.
    """
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as file:
            inflated = file.read(MAX_INFLATED_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise InvalidRequest("The file is damaged, or is not a gzip file.") from error
    if len(inflated) > MAX_INFLATED_BYTES:
        raise _inflates_too_much()
    return inflated


def decode_text(content: bytes) -> str:
    """Returns the text by its byte order mark, as UTF-8, or in the likeliest legacy encoding.

    Raises:
        InvalidRequest: The bytes are not text.
    """
    for mark, encoding in _BYTE_ORDER_MARKS:
        if content.startswith(mark):
            return content.decode(encoding, errors="replace").removeprefix("\ufeff")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode(_detect_encoding(content), errors="replace")


def _detect_encoding(content: bytes) -> str:
    from charset_normalizer import from_bytes

    encodings: list[str] = []
    if b"\x00" not in content:
        foreign_bytes = len(content.translate(None, delete=bytes(range(128))))
        if foreign_bytes / len(content) < _MOSTLY_ASCII_RATIO:
            return "cp1252"
        matches = from_bytes(content, cp_isolation=list(_LEGACY_ENCODINGS))
        encodings = [match.encoding for match in matches]
    if not encodings:
        raise InvalidRequest("The file is not text in a known encoding. Save it as UTF-8.")
    # The two differ in a few letters, and the detector prefers the Central European one.
    return "cp1252" if encodings[0] == "cp1250" and "cp1252" in encodings else encodings[0]


def read_html(content: bytes) -> Converted:
    """Reads a web page: its `<main>` where it has one, without navigation and scripts."""
    from bs4 import BeautifulSoup
    from markitdown.converters import HtmlConverter

    unread = ["head", "nav", "script", "style", "noscript", "template", "svg", "iframe"]
    try:
        soup = BeautifulSoup(content, "html.parser")
        title = soup.title.get_text() if soup.title else ""
        for element in soup(unread):
            element.decompose()
        main = soup.find("main")
        root = main if main is not None and main.get_text(strip=True) else soup
        try:
            text = HtmlConverter().convert_string(str(root), strict=True).markdown
        except RecursionError:
            text = root.get_text("\n")
    except Exception as error:
        raise InvalidRequest("The file is damaged, or is not a web page.") from error
    return Converted((Part(_drop_image_data(text)),), title=" ".join(title.split()))


def read_pdf(content: bytes) -> Converted:
    """Reads a PDF page by page; a page without text gives no part."""
    from pypdf import PdfReader

    page_number = char_count = 0
    parts: list[Part] = []
    try:
        reader = PdfReader(io.BytesIO(content))
        if reader.is_encrypted and not reader.decrypt(""):
            raise InvalidRequest("The PDF is protected by a password. Remove the password first.")
        for page_number, page in enumerate(reader.pages, start=1):
            text = page.extract_text()
            char_count += len(text)
            if char_count > MAX_FILE_CHARS:
                raise _gives_too_much_text()
            if text.strip():
                parts.append(Part(text, page=page_number))
        title = str((reader.metadata and reader.metadata.title) or "")
    except InvalidRequest:
        raise
    except Exception as error:
        where = f"Page {page_number} of the PDF" if page_number else "The PDF"
        raise InvalidRequest(f"{where} is damaged and cannot be read.") from error
    if not parts:
        reason = "The PDF has no text, only images: it looks like a scan."
        raise InvalidRequest(f"{reason} Run text recognition (OCR) on it first.")
    title = " ".join(title.split()).removeprefix("Microsoft Word - ")
    return Converted(tuple(parts), title="" if _PLACEHOLDER_TITLE.match(title) else title)


def read_word(content: bytes) -> Converted:
    """Reads a DOCX; images leave their description."""
    from markitdown import StreamInfo
    from markitdown.converters import DocxConverter

    with _open_office(content, "a Word document (.docx)") as stream:
        converter = DocxConverter()  # type: ignore[no-untyped-call]
        text = converter.convert(stream, StreamInfo(), strict=True).markdown
    return Converted((Part(_drop_image_data(text)),))


def read_slides(content: bytes) -> Converted:
    """Reads a PPTX: a part per slide, with the number of the slide as its page."""
    from markitdown import StreamInfo
    from markitdown.converters import PptxConverter

    with _open_office(content, "a PowerPoint presentation (.pptx)") as stream:
        converter = PptxConverter()  # type: ignore[no-untyped-call]
        text = converter.convert(stream, StreamInfo()).markdown
    pieces = _SLIDE.split(_drop_image_data(text))[1:]
    slides = zip(pieces[::2], pieces[1::2], strict=True)
    return Converted(tuple(Part(slide, page=int(number)) for number, slide in slides))


def read_sheets(content: bytes) -> Converted:
    """Reads an XLSX: a part per sheet, under its name, with the values that formulas had last.

    openpyxl rather than markitdown, whose tables name empty columns "Unnamed: 0", fill empty
    cells with "NaN", and lose their header where they are cut into chunks.
    """
    from openpyxl import load_workbook  # type: ignore[import-untyped]

    parts: list[Part] = []
    with _open_office(content, "an Excel workbook (.xlsx)") as stream:
        workbook = load_workbook(stream, read_only=True, data_only=True)
        for sheet in workbook.worksheets:
            sheet.reset_dimensions()  # cells outside the size that a file claims would be lost
            text = render_rows(sheet.iter_rows(values_only=True))
            if text:
                parts.append(Part(f"## {sheet.title}\n\n{text}"))
    return Converted(tuple(parts))


@contextmanager
def _open_office(content: bytes, kind: str) -> Iterator[io.BytesIO]:
    """Opens a zipped Office file that is small enough, and translates what its library raises.

    The sizes in the directory are a bound even when they lie: no member is read beyond its own.
    """
    if content.startswith(b"\xd0\xcf\x11\xe0"):
        reason = "The file has a password, or is of a format from before 2007."
        raise InvalidRequest(f"{reason} Save it as {kind} without a password.")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > MAX_INFLATED_BYTES:
                raise _inflates_too_much()
        yield io.BytesIO(content)
    except InvalidRequest:
        raise
    except Exception as error:
        raise InvalidRequest(f"The file is damaged, or is not {kind}.") from error


def _drop_image_data(text: str) -> str:
    """Returns the Markdown with embedded images replaced by their descriptions.

    An image on a slide without a description carries the name of its shape ("object 9" and
    `object9.jpg`), which says nothing.
    """

    def describe(match: re.Match[str]) -> str:
        description, target = match[1].strip(), match[2]
        if target == re.sub(r"\W", "", description) + ".jpg":
            return ""
        return description if target.startswith("data:") else match[0]

    return _IMAGE.sub(describe, text)


def render_rows(rows: Iterable[Sequence[object]]) -> str:
    """Returns a table as one paragraph per row, each value on a line after its column's name.

    The first row that is not empty gives the names. They are repeated because a table is cut
    into chunks, and a row alone cannot be understood. Empty cells, rows and columns leave nothing.

    Raises:
        InvalidRequest: More than `MAX_SHEET_CELLS` cells, or `MAX_FILE_CHARS` characters.
    """
    filled = (row for row in _render_cells(rows) if any(row))
    names = [name[:LABEL_CHARS] for name in next(filled, ())]

    def label(row: Sequence[str]) -> Iterator[str]:
        for index, value in enumerate(row):
            name = names[index] if index < len(names) else ""
            if value:
                yield f"{name or f'column {index + 1}'}: {value}"

    text = join_bounded(("\n".join(label(row)) for row in filled), "\n\n")
    return text or ", ".join(name for name in names if name)


def _render_cells(rows: Iterable[Sequence[object]]) -> Iterator[list[str]]:
    cell_count = 0
    for row in rows:
        cell_count += len(row)
        if cell_count > MAX_SHEET_CELLS:
            raise InvalidRequest(f"The table has more than {MAX_SHEET_CELLS:,} cells. Split it.")
        yield [_render_cell(value) for value in row]


def _render_cell(value: object) -> str:
    """Returns the value on one line, so that no cell can open a Markdown block of its own."""
    if isinstance(value, datetime) and value.time() == time():
        return value.date().isoformat()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return "" if value is None else " ".join(str(value).split())


def join_bounded(pieces: Iterable[str], separator: str) -> str:
    """Returns the pieces joined; stops at the first that makes them too long.

    Raises:
        InvalidRequest: They have more than `MAX_FILE_CHARS` characters.
    """
    kept: list[str] = []
    char_count = 0
    for piece in pieces:
        char_count += len(piece) + len(separator)
        if char_count > MAX_FILE_CHARS:
            raise _gives_too_much_text()
        kept.append(piece)
    return separator.join(kept)


def _inflates_too_much() -> InvalidRequest:
    limit_mib = MAX_INFLATED_BYTES // 1024**2
    return InvalidRequest(f"The file unpacks to more than {limit_mib} MiB. Split it.")


def _gives_too_much_text() -> InvalidRequest:
    limit = f"{MAX_FILE_CHARS:,}"
    return InvalidRequest(f"The file gives more than {limit} characters of text. Split it.")
