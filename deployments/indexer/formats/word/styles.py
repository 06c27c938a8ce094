"""What the styles of a Word document say of its paragraphs: headings, lists and hidden text."""

import re
from dataclasses import dataclass

from lxml import etree

from deployments.indexer.formats.office import attribute, child, local_name

_HEADING = re.compile(r"heading ?([1-9])", re.I)
_MAX_PARENTS = 20


@dataclass(frozen=True, slots=True)
class Style:
    """What a paragraph style gives: the level of a heading, from 1, or 0; list and level in it."""

    heading: int = 0
    is_title: bool = False
    is_item: bool = False
    """Of a list, by its name: some programs write such styles without the list."""

    number_id: str = ""
    level: int = 0


def read_styles(root: etree._Element | None) -> dict[str, Style]:
    """Returns the paragraph styles of `styles.xml` by their ids, with what they inherit."""
    elements = {
        attribute(one, "styleId"): one
        for one in (() if root is None else root)
        if local_name(one) == "style" and attribute(one, "type", "paragraph") == "paragraph"
    }
    return {style_id: _read(style_id, elements) for style_id in elements}


def _read(style_id: str, elements: dict[str, etree._Element]) -> Style:
    heading, number_id, level = 0, "", -1
    is_title = is_item = False
    for _ in range(_MAX_PARENTS):
        element = elements.get(style_id)
        if element is None:
            break
        name = attribute(child(element, "name"), "val")
        match = _HEADING.fullmatch(name)
        outline = attribute(child(element, "pPr", "outlineLvl"), "val")
        heading = heading or (int(match[1]) if match else outline_level(outline))
        is_title = is_title or name.lower() == "title"
        is_item = is_item or name.lower().startswith(("list bullet", "list number"))
        numbering = child(element, "pPr", "numPr")
        number_id = number_id or attribute(child(numbering, "numId"), "val")
        own_level = attribute(child(numbering, "ilvl"), "val")
        if level < 0 and own_level.isdecimal():
            level = int(own_level[:2])
        style_id = attribute(child(element, "basedOn"), "val")
    return Style(heading, is_title, is_item, number_id, max(level, 0))


def outline_level(text: str) -> int:
    """Returns the level of a heading, from 1, by its level in the outline; 0 for body text."""
    return int(text) + 1 if text in ("0", "1", "2", "3", "4", "5", "6", "7", "8") else 0
