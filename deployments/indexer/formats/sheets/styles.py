"""The number formats of a workbook's cells, from its style sheet.

Nothing else of the style sheet is looked at, so that defects of fonts and fills, which Excel
forgives, cost nothing; of one that is no XML at all, cells show their plain values.
"""

from lxml import etree

from deployments.indexer.formats.office import local_name
from deployments.indexer.formats.sheets.number_formats import BUILT_IN, GENERAL


def read_formats(content: bytes) -> list[str]:
    """Returns the format of each cell style, by its number."""
    if not content:
        return []
    parser = etree.XMLParser(resolve_entities=False, no_network=True, recover=True)
    root = etree.fromstring(content, parser=parser)
    codes = dict(BUILT_IN)
    formats: list[str] = []
    for section in () if root is None else root:
        if local_name(section) == "numFmts":
            for element in section:
                codes[_integer(element.get("numFmtId"))] = element.get("formatCode") or GENERAL
        elif local_name(section) == "cellXfs":
            formats = [codes.get(_integer(one.get("numFmtId")), GENERAL) for one in section]
    return formats


def _integer(text: str | None) -> int:
    return int(text) if text and text.isdecimal() and len(text) < 10 else 0
