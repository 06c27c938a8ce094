"""Formulas of Word and PowerPoint (Office Math) in one line; see `formulas` beside this."""

from collections.abc import Callable, Mapping

from lxml import etree

from deployments.indexer.formats import formulas
from deployments.indexer.formats.office import attribute, child, is_on, local_name

Part = Callable[[str], str]
"""Returns what a part of an element says, by its name; "" where there is none."""

_NOT_SHOWN = frozenset(("del", "moveFrom", "instrText", "delText"))


def formula_text(element: etree._Element, depth: int = 0) -> str:
    """Returns what a formula, or a part of one, says."""
    name = local_name(element)
    if name == "t":
        return element.text or ""
    if name in _NOT_SHOWN or name.endswith("Pr"):
        return ""
    if depth > formulas.MAX_DEPTH:
        return "".join(one.text or "" for one in element.iter() if local_name(one) == "t")

    def part(wanted: str) -> str:
        found = child(element, wanted)
        return "" if found is None else formula_text(found, depth + 1).strip()

    write = _WRITERS.get(name)
    if write is not None:
        return write(element, part)
    if name in ("d", "m", "eqArr"):
        return _rows(element, name, depth)
    return "".join(formula_text(one, depth + 1) for one in element)


def _fraction(element: etree._Element, part: Part) -> str:
    kind = attribute(child(element, "fPr", "type"), "val")
    if kind == "noBar":
        return f"({part('num')} over {part('den')})"
    return formulas.fraction(part("num"), part("den"))


def _root(element: etree._Element, part: Part) -> str:
    is_square = is_on(child(element, "radPr", "degHide"))
    return formulas.root(part("e"), "" if is_square else part("deg"))


def _operator(element: etree._Element, part: Part) -> str:
    sign = attribute(child(element, "naryPr", "chr"), "val", "∫")
    return formulas.operator(sign, part("sub"), part("sup"), part("e"))


def _accent(element: etree._Element, part: Part) -> str:
    sign = attribute(child(element, "accPr", "chr"), "val", "^")
    return formulas.accented(part("e"), sign)


def _phantom(element: etree._Element, part: Part) -> str:
    return part("e") if is_on(child(element, "phantPr", "show"), usual=True) else ""


_WRITERS: Mapping[str, Callable[[etree._Element, Part], str]] = {
    "f": _fraction,
    "rad": _root,
    "nary": _operator,
    "acc": _accent,
    "phant": _phantom,
    "bar": lambda element, part: formulas.accented(part("e"), "¯"),
    "sSup": lambda element, part: formulas.scripts(part("e"), above=part("sup")),
    "sSub": lambda element, part: formulas.scripts(part("e"), part("sub")),
    "sSubSup": lambda element, part: formulas.scripts(part("e"), part("sub"), part("sup")),
    "sPre": lambda element, part: formulas.scripts("", part("sub"), part("sup")) + part("e"),
    "func": lambda element, part: f"{part('fName')} {part('e')}",
    "limLow": lambda element, part: formulas.scripts(part("e"), part("lim")),
    "limUpp": lambda element, part: formulas.scripts(part("e"), above=part("lim")),
}


def _rows(element: etree._Element, name: str, depth: int) -> str:
    """Returns what has several parts of one kind: what a fence holds, a matrix, lines."""

    def parts(of: etree._Element) -> list[str]:
        return [formula_text(one, depth + 1).strip() for one in of if local_name(one) == "e"]

    if name == "m":
        return formulas.matrix([parts(row) for row in element if local_name(row) == "mr"])
    if name == "eqArr":
        return "; ".join(parts(element))
    signs = child(element, "dPr")
    begin, separator, end = (
        attribute(child(signs, sign), "val", usual)
        for sign, usual in (("begChr", "("), ("sepChr", "|"), ("endChr", ")"))
    )
    inner = separator.join(parts(element))
    is_framed = (begin, end) in (("(", ")"), ("[", "]")) and inner.startswith("[")
    return inner if is_framed else f"{begin}{inner}{end}"
