"""Reads a PDF page by page with PDFium: its text in reading order, forms and annotations.

PDFium is not safe to call from two threads, so one file is read after the other in a process.
"""

import re
import threading
from collections.abc import Iterator
from contextlib import closing

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

from deployments.contracts.documents import Part
from deployments.contracts.errors import InvalidRequest
from deployments.indexer.formats import bounds
from deployments.indexer.formats.converted import Converted, left_out
from deployments.indexer.formats.pdf.annotations import read_annotations
from deployments.indexer.formats.pdf.hyphens import join_broken_words
from deployments.indexer.formats.pdf.layout import page_text
from deployments.indexer.formats.pdf.objects import writes_over_itself

_LOCK = threading.Lock()
_PLACEHOLDER_TITLE = re.compile(
    r"\(?untitled|(document|presentation|slide) ?\d*$|powerpoint presentation$|[\W\d_]*$"
    r"|.*\.(docx?|indd|odt|pages|pdf|pptx?|ps|qxd|rtf|tex|xlsx?)$",
    re.I,
)
_NAMED_PAGES = 20


def read_pdf(content: bytes) -> Converted:
    """Reads a PDF page by page; a page without text gives no part, and a warning if it has a
    picture.

    Raises:
        InvalidRequest: It is damaged, needs a password, or has no text at all.
    """
    with _LOCK, closing(_open(content)) as document:
        bounds.check_pages(len(document))
        form_type = document.get_formtype()
        if form_type != pdfium_c.FORMTYPE_NONE:
            document.init_forms()
        reader = _PageReader(document)
        pages = list(reader.read())
        title = " ".join(document.get_metadata_value("Title").split())
        attached = document.count_attachments()
    texts = join_broken_words([text for _, text in pages])
    parts = tuple(Part(text, page=number) for (number, _), text in zip(pages, texts, strict=True))
    if not parts:
        raise _no_text(reader)
    warnings = [
        _pages_warning(reader.pictures, "no text, only a picture", "no text, only pictures"),
        _pages_warning(reader.damaged, "damage and was left out", "damage and were left out"),
        left_out(
            len(reader.overwritten),
            "page that writes over itself",
            "pages that write over themselves",
            names=tuple(map(str, reader.overwritten)),
        ),
        left_out(attached, "attached file"),
    ]
    if form_type in (pdfium_c.FORMTYPE_XFA_FULL, pdfium_c.FORMTYPE_XFA_FOREGROUND):
        warnings.append("The form is of the kind XFA: what its fields hold may be missing.")
    title = title.removeprefix("Microsoft Word - ")
    return Converted(
        parts,
        title="" if _PLACEHOLDER_TITLE.match(title) else title,
        warnings=tuple(filter(None, warnings)),
    )


class _PageReader:
    """Reads the pages of a document, and remembers those that gave no text."""

    def __init__(self, document: pdfium.PdfDocument) -> None:
        self._document = document
        self._fields: set[str] = set()
        self.pictures: list[int] = []
        self.damaged: list[int] = []
        self.overwritten: list[int] = []

    def read(self) -> Iterator[tuple[int, str]]:
        """Yields number and text of each page that says something."""
        char_count = 0
        for number in range(1, len(self._document) + 1):
            try:
                text, has_picture = self._page(number - 1)
            except pdfium.PdfiumError:
                self.damaged.append(number)
                continue
            char_count += len(text)
            bounds.check_chars(char_count)
            if text.strip():
                yield number, text
            elif has_picture:
                self.pictures.append(number)

    def _page(self, index: int) -> tuple[str, bool]:
        with closing(self._document[index]) as page:
            if writes_over_itself(page):
                self.overwritten.append(index + 1)
                return "", False
            with closing(page.get_textpage()) as text_page:
                text = page_text(text_page)
                text = read_annotations(page, text_page, text, self._document, self._fields)
            images = page.get_objects(filter=[pdfium_c.FPDF_PAGEOBJ_IMAGE], max_depth=3)
            return text, not text.strip() and next(iter(images), None) is not None


def _open(content: bytes) -> pdfium.PdfDocument:
    try:
        return pdfium.PdfDocument(content)
    except pdfium.PdfiumError as error:
        if error.err_code == pdfium_c.FPDF_ERR_PASSWORD:
            reason = "The PDF is protected by a password. Remove the password first."
            raise InvalidRequest(reason) from error
        if error.err_code == pdfium_c.FPDF_ERR_SECURITY:
            reason = "The PDF is protected in a way that cannot be read."
            raise InvalidRequest(reason) from error
        raise InvalidRequest("The PDF is damaged and cannot be read.") from error


def _no_text(reader: _PageReader) -> InvalidRequest:
    if reader.damaged:
        page = reader.damaged[0]
        return InvalidRequest(f"Page {page} of the PDF is damaged and cannot be read.")
    if reader.overwritten:
        page = reader.overwritten[0]
        return InvalidRequest(f"Page {page} of the PDF writes over itself too often to be read.")
    reason = "The PDF has no text, only images: it looks like a scan."
    return InvalidRequest(f"{reason} Run text recognition (OCR) on it first.")


def _pages_warning(pages: list[int], one: str, several: str) -> str:
    if not pages:
        return ""
    if len(pages) == 1:
        return f"Page {pages[0]} has {one}."
    shown = ", ".join(map(str, pages[:_NAMED_PAGES])) + (", ..." if pages[_NAMED_PAGES:] else "")
    return f"{len(pages):,} pages have {several}: {shown}."
