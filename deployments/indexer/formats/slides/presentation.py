"""Reads a PPTX: a part per slide that is shown, with its number, its title first, and its notes."""

from collections.abc import Iterator
from dataclasses import dataclass

from lxml import etree

from deployments.contracts.documents import Part
from deployments.indexer.formats import bounds
from deployments.indexer.formats.converted import Converted, ReadingOptions, left_out
from deployments.indexer.formats.markdown_writer import MarkdownWriter
from deployments.indexer.formats.office import (
    OfficeFile,
    Relationship,
    attribute,
    child,
    local_name,
    open_office,
)
from deployments.indexer.formats.office_drawings import (
    DRAWINGS,
    paragraphs,
    table_rows,
)

_KIND = "a PowerPoint presentation (.pptx)"
_TITLES = frozenset(("title", "ctrTitle"))
_EVERY_SLIDE = frozenset(("dt", "ftr", "sldNum", "hdr"))
"""Placeholders that say the same on every slide: date, footer, number and header."""

_MAX_GROUPS = 50


@dataclass(frozen=True, slots=True)
class _Shape:
    element: etree._Element
    place: tuple[int, int]
    """From the top, from the left; slides are read in rows."""

    kind: str
    """Of its placeholder; "" for one of its own."""


def read_slides(content: bytes, options: ReadingOptions) -> Converted:
    """Reads a presentation; hidden slides and comments are left out."""
    with open_office(content, _KIND) as file:
        main = file.main_part(_KIND)
        presentation = file.tree(main)
        if presentation is None or local_name(presentation) != "presentation":
            raise ValueError("the main part is no presentation")
        relationships = file.relationships(main)
        listed = child(presentation, "sldIdLst")
        ids = [] if listed is None else [_relationship_id(one) for one in listed]
        bounds.check_pages(len(ids))
        parts: list[Part] = []
        hidden: list[str] = []
        damaged: list[str] = []
        char_count = comments = footers = 0
        for number, slide_id in enumerate(ids, start=1):
            found = relationships.get(slide_id)
            slide = file.tree(found.target) if found is not None else None
            if found is None or slide is None:
                damaged.append(str(number))
                continue
            own = file.relationships(found.target)
            comments += _comment_count(file, own)
            if attribute(slide, "show", "1") in ("0", "false") and not options.hidden:
                hidden.append(str(number))
                continue
            reader = _SlideReader(file, own)
            text = reader.read(slide)
            footers += reader.footer_count
            char_count += len(text)
            bounds.check_chars(char_count)
            if text:
                parts.append(Part(text, page=number))
    warnings = (
        left_out(len(hidden), "hidden slide", names=tuple(hidden)),
        left_out(len(damaged), "damaged slide", names=tuple(damaged)),
        left_out(comments, "comment"),
        left_out(footers, "footer of a slide", "footers of slides"),
    )
    return Converted(tuple(parts), markup="markdown", warnings=tuple(filter(None, warnings)))


class _SlideReader:
    """Writes one slide as Markdown."""

    def __init__(self, file: OfficeFile, relationships: dict[str, Relationship]) -> None:
        self._file = file
        self._relationships = relationships
        self._writer = MarkdownWriter()
        self.footer_count = 0

    def read(self, slide: etree._Element) -> str:
        """Returns what the slide shows; footers are counted and left out."""
        shapes = list(_shapes(child(slide, "cSld", "spTree")))
        footers = [shape.element for shape in shapes if shape.kind == "ftr"]
        self.footer_count = sum(1 for one in footers if any(paragraphs(child(one, "txBody"))))
        titles = [shape for shape in shapes if shape.kind in _TITLES]
        rest = [shape for shape in shapes if shape.kind not in (*_TITLES, *_EVERY_SLIDE)]
        for shape in titles:
            words = (text for text, _ in paragraphs(child(shape.element, "txBody")))
            self._writer.heading(1, " ".join(words))
        for shape in sorted(rest, key=lambda one: one.place):
            self._shape(shape.element)
        notes = next(
            (one for one in self._relationships.values() if one.kind == "notesSlide"), None
        )
        if notes is not None:
            self._notes(self._file.tree(notes.target))
        return self._writer.text()

    def _shape(self, element: etree._Element) -> None:
        name = local_name(element)
        if name == "graphicFrame":
            self._graphic(element)
        elif name == "pic":
            description = next(element.iter("{*}cNvPr"), None)
            self._writer.paragraph(attribute(description, "descr"))
        else:
            self._text(child(element, "txBody"))

    def _text(self, body: etree._Element | None) -> None:
        """Writes the paragraphs of a shape: items where some stand below others."""
        found = list(paragraphs(body))
        is_list = any(level for _, level in found)
        for text, level in found:
            if is_list:
                self._writer.item(text, marker="-", depth=level)
            else:
                self._writer.paragraph(text)
        self._writer.end_list()

    def _graphic(self, frame: etree._Element) -> None:
        data = child(frame, "graphic", "graphicData")
        for element in () if data is None else data:
            name = local_name(element)
            if name == "tbl":
                self._writer.table(table_rows(element))
            elif name in DRAWINGS:
                target = self._target(attribute(element, DRAWINGS[name].part))
                if target is not None:
                    DRAWINGS[name].write(self._writer, target)

    def _target(self, relationship_id: str) -> etree._Element | None:
        found = self._relationships.get(relationship_id)
        return self._file.tree(found.target) if found is not None else None

    def _notes(self, notes: etree._Element | None) -> None:
        """Writes the speaker's notes under a heading of their own."""
        tree = child(notes, "cSld", "spTree")
        bodies = [shape for shape in _shapes(tree) if shape.kind == "body"]
        texts = [text for shape in bodies for text, _ in paragraphs(child(shape.element, "txBody"))]
        if texts:
            self._writer.heading(3, "Notes")
        for text in texts:
            self._writer.paragraph(text)


def _shapes(
    tree: etree._Element | None, place: tuple[int, int] | None = None, depth: int = 0
) -> Iterator[_Shape]:
    """Yields the shapes of a slide; those of a group stand where the group stands."""
    for element in () if tree is None else tree:
        name = local_name(element)
        if name in ("sp", "pic", "graphicFrame", "cxnSp"):
            placeholder = next(element.iter("{*}ph"), None)
            kind = "" if placeholder is None else attribute(placeholder, "type", "body")
            yield _Shape(element, place or _place(element), kind)
        elif name == "grpSp" and depth < _MAX_GROUPS:
            yield from _shapes(element, place or _place(element), depth + 1)
        elif name == "AlternateContent" and depth < _MAX_GROUPS:
            choice = child(element, "Choice")
            source = choice if choice is not None and len(choice) else child(element, "Fallback")
            yield from _shapes(source, place, depth + 1)


def _place(element: etree._Element) -> tuple[int, int]:
    """Returns where a shape stands; one that its layout places comes first."""
    offset = next(element.iter("{*}off"), None)
    place = attribute(offset, "y", "-1"), attribute(offset, "x", "-1")
    top, left = (int(text) if text.removeprefix("-").isdecimal() else -1 for text in place)
    return top, left


def _relationship_id(slide: etree._Element) -> str:
    return next((str(v) for k, v in slide.attrib.items() if str(k).endswith("}id")), "")


def _comment_count(file: OfficeFile, relationships: dict[str, Relationship]) -> int:
    roots = [file.tree(one.target) for one in relationships.values() if one.kind == "comments"]
    return sum(sum(1 for _ in root.iter("{*}cm")) for root in roots if root is not None)
