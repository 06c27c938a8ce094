"""Reads a DOCX as its pages show it, walking the body of the document.

A converter that knows some elements and drops the others loses text in silence; here every element
is entered whose content is not known to be unseen.
"""

from collections.abc import Iterator

from lxml import etree

from deployments.contracts.documents import Part
from deployments.indexer.formats.converted import Converted, ReadingOptions, left_out
from deployments.indexer.formats.markdown_writer import MarkdownWriter
from deployments.indexer.formats.office import (
    OfficeFile,
    attribute,
    child,
    open_office,
)
from deployments.indexer.formats.word.body import BodyReader
from deployments.indexer.formats.word.numbering import read_numbering
from deployments.indexer.formats.word.runs import Counts, RunReader
from deployments.indexer.formats.word.styles import read_styles

_KIND = "a Word document (.docx)"

_NOUNS = {
    "hidden text": ("piece of hidden text", "pieces of hidden text"),
    "sign of an unknown font": ("sign of an unknown font", "signs of an unknown font"),
}
"""Of kinds of things whose plural is not made by an s at the end."""


def read_word(content: bytes, options: ReadingOptions) -> Converted:
    """Reads a Word document; images leave their description, comments are left out."""
    with open_office(content, _KIND) as file:
        main = file.main_part(_KIND)
        body = child(file.tree(main), "body")
        if body is None:
            raise ValueError("the main part is no document")
        named = file.relationships(main)
        parts = {one.kind: one.target for one in named.values()}
        counts = Counts()
        writer = MarkdownWriter()
        reader = BodyReader(
            writer,
            runs=RunReader(shows_hidden=options.hidden, counts=counts),
            styles=read_styles(_tree(file, parts, "styles")),
            numbering=read_numbering(_tree(file, parts, "numbering")),
            notes=dict(_notes(file, parts)),
            part=lambda part_id: file.tree(named[part_id].target) if part_id in named else None,
        )
        reader.read(body)
        warnings = list(_warnings(file, parts, counts))
        comments = _tree(file, parts, "comments")
        if comments is not None and options.comments:
            writer.heading(2, "Comments")
            for comment in comments:
                reader.read(comment)
        elif comments is not None:
            warnings.append(left_out(len(comments), "comment"))
    text = writer.text()
    return Converted(
        (Part(text),), title=reader.title, markup="markdown", warnings=tuple(filter(None, warnings))
    )


def _tree(file: OfficeFile, parts: dict[str, str], kind: str) -> etree._Element | None:
    return file.tree(parts[kind]) if kind in parts else None


def _notes(
    file: OfficeFile, parts: dict[str, str]
) -> Iterator[tuple[tuple[str, str], etree._Element]]:
    """Yields the notes that people wrote; those with a type are lines between text and notes."""
    for kind in ("footnote", "endnote"):
        root = _tree(file, parts, f"{kind}s")
        for note in () if root is None else root:
            if attribute(note, "type", "normal") == "normal":
                yield (kind, attribute(note, "id")), note


def _warnings(file: OfficeFile, parts: dict[str, str], counts: Counts) -> Iterator[str]:
    for kind, count in counts.left_out.items():
        yield left_out(count, *_NOUNS.get(kind, (kind, "")))
    seen = sum(
        any((text.text or "").strip() for text in root.iter("{*}t"))
        for name in file.names("word/")
        if name.startswith(("word/header", "word/footer")) and (root := file.tree(name)) is not None
    )
    yield left_out(seen, "header or footer of pages", "headers and footers of pages")
