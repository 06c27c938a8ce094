"""The text of one paragraph of Word: its runs in order, whatever they are wrapped in.

What is deleted or moved away, codes of fields and hidden text are not shown; what is inserted or
moved here is. Text boxes are handed on, to be read after the paragraph they are anchored in.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from lxml import etree

from deployments.indexer.formats.office import attribute, child, is_on, local_name
from deployments.indexer.formats.office_drawings import DRAWINGS
from deployments.indexer.formats.office_formulas import formula_text
from deployments.indexer.formats.scripts import lowered, raised
from deployments.indexer.formats.signs import sign, with_signs

_AWAY = frozenset(
    (
        *("del", "moveFrom", "instrText", "delText", "delInstrText", "rPr", "pPr", "sdtPr"),
        *("fldData", "rt", "rubyPr", "sdtEndPr", "tblPr", "tblGrid", "trPr", "tcPr", "ctrlPr"),
    )
)
_WORDS = {"tab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-", "ptab": "\t"}
_HEX = re.compile(r"[0-9A-Fa-f]{2,5}")
_UNREAD = {"control": "control", "object": "embedded object"}


@dataclass(slots=True)
class Counts:
    """What a document holds besides its text, by kind."""

    left_out: dict[str, int] = field(default_factory=dict)

    def add(self, kind: str) -> None:
        """Counts one more of a kind."""
        self.left_out[kind] = self.left_out.get(kind, 0) + 1


@dataclass(slots=True)
class ParagraphText:
    """What a paragraph says; notes by their kind and id, in the order of their marks.

    `drawings` are charts and diagrams, by the names of their elements and the parts they are.
    """

    text: str = ""
    notes: list[tuple[str, str]] = field(default_factory=list)
    boxes: list[etree._Element] = field(default_factory=list)
    drawings: list[tuple[str, str]] = field(default_factory=list)


class RunReader:
    """Reads the paragraphs of one document in their order: a field may go over several."""

    def __init__(self, *, shows_hidden: bool, counts: Counts) -> None:
        self._shows_hidden = shows_hidden
        self.counts = counts
        self._fields: list[bool] = []
        """Of each field that is open: whether its result has begun."""

    def read(self, paragraph: etree._Element) -> ParagraphText:
        """Returns the text of a paragraph."""
        result = ParagraphText()
        pieces: list[str] = []
        position = ""
        start = 0
        for element, where in _runs(paragraph):
            if where != position:
                _close(pieces, start, position)
                position, start = where, len(pieces)
            self._take(element, pieces, result)
        _close(pieces, start, position)
        result.text = "".join(pieces)
        return result

    def _take(self, element: etree._Element, pieces: list[str], result: ParagraphText) -> None:
        name = local_name(element)
        if name == "fldChar":
            self._turn(attribute(element, "fldCharType"))
        elif not all(self._fields):
            return
        elif name == "t":
            if self._is_seen(element):
                pieces.append(with_signs(element.text or "", _font(element)))
        elif name in _WORDS:
            pieces.append(_WORDS[name])
        elif name == "sym":
            pieces.append(self._sign(element))
        elif name in ("footnoteReference", "endnoteReference"):
            note = (name.removesuffix("Reference"), attribute(element, "id"))
            result.notes.append(note)
            pieces.append(f"[^{_mark(note)}]")
        elif name == "txbxContent":
            result.boxes.append(element)
        elif name in ("docPr", "cNvPr"):
            description = _described(element)
            if description not in pieces[-3:]:  # a picture and its frame say the same
                pieces.append(description)
        elif name in DRAWINGS:
            result.drawings.append((name, attribute(element, DRAWINGS[name].part)))
        elif name in _UNREAD:
            self.counts.add(_UNREAD[name])
        elif name == "oMath":
            pieces.append(formula_text(element))

    def _sign(self, element: etree._Element) -> str:
        code = attribute(element, "char")
        shown = sign(attribute(element, "font"), int(code, 16)) if _HEX.fullmatch(code) else ""
        if not shown:
            self.counts.add("sign of an unknown font")
        return shown

    def _turn(self, kind: str) -> None:
        if kind == "begin":
            self._fields.append(False)
        elif kind == "separate" and self._fields:
            self._fields[-1] = True
        elif kind == "end" and self._fields:
            self._fields.pop()

    def _is_seen(self, text: etree._Element) -> bool:
        run = text.getparent()
        is_hidden = is_on(child(run, "rPr", "vanish"))
        if is_hidden and not self._shows_hidden and (text.text or "").strip():
            self.counts.add("hidden text")
        return self._shows_hidden or not is_hidden


def note_mark(kind: str, note_id: str) -> str:
    """Returns how a note is marked in the text, and before its own text."""
    return f"[^{_mark((kind, note_id))}]"


def _mark(note: tuple[str, str]) -> str:
    kind, note_id = note
    return note_id if kind == "footnote" else f"e{note_id}"


def _runs(paragraph: etree._Element) -> Iterator[tuple[etree._Element, str]]:
    """Yields the elements that say something, each with its place: "", "raised" or "lowered"."""
    above: list[Iterator[etree._Element]] = [iter(paragraph)]
    places = [""]
    while above:
        element = next(above[-1], None)
        if element is None:
            above.pop()
            places.pop()
            continue
        name = local_name(element)
        if name in _AWAY or (name == "Fallback" and _has_choice(element)):
            continue
        place = places[-1]
        if name == "r":
            place = _place(element) or place
        yield element, place
        if name not in ("txbxContent", "oMath"):
            above.append(iter(element))
            places.append(place)


def _font(text: etree._Element) -> str:
    fonts = child(text.getparent(), "rPr", "rFonts")
    return attribute(fonts, "ascii") or attribute(fonts, "hAnsi")


def _has_choice(fallback: etree._Element) -> bool:
    """Returns whether the same content came before, for newer versions of Word."""
    return any(local_name(one) == "Choice" and len(one) for one in _parent(fallback))


def _parent(element: etree._Element) -> etree._Element:
    parent = element.getparent()
    return element if parent is None else parent


def _place(run: etree._Element) -> str:
    aligned = attribute(child(run, "rPr", "vertAlign"), "val")
    return {"superscript": "raised", "subscript": "lowered"}.get(aligned, "")


def _close(pieces: list[str], start: int, position: str) -> None:
    if position:
        before = next((piece for piece in reversed(pieces[max(0, start - 4) : start]) if piece), "")
        content = "".join(pieces[start:])
        pieces[start:] = [(raised if position == "raised" else lowered)(before, content)]


def _described(element: etree._Element) -> str:
    description = " ".join(attribute(element, "descr").split())
    return f" {description} " if description else ""
