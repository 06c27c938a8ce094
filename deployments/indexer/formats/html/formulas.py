"""Formulas of MathML in one line; see `deployments.indexer.formats.formulas`."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from selectolax.lexbor import LexborNode

from deployments.indexer.formats import formulas

_NOT_SHOWN = frozenset(("annotation", "annotation-xml", "mphantom", "none", "mprescripts"))
_BIG = frozenset("∑∏∐∫∬∭∮⋃⋂⋁⋀⨁⨂")


def formula_text(node: LexborNode, depth: int = 0) -> str:
    """Returns what a formula, or a part of one, says."""
    tag = node.tag or ""
    if tag == "-text":
        return " ".join((node.text_content or "").split())
    if tag in _NOT_SHOWN or tag.startswith(("-", "!")):
        return ""
    if depth > formulas.MAX_DEPTH:
        return " ".join((node.text() or "").split())
    if tag == "mtable":
        return _matrix(node, depth)
    if tag == "mtext":
        return f" {' '.join((node.text() or '').split())} "
    if tag == "mspace":
        return " "
    if tag == "msqrt":
        return formulas.root(_in_a_row(node, depth))
    if tag not in _OF_PARTS:
        return _in_a_row(node, depth)
    parts = [formula_text(one, depth + 1).strip() for one in _elements(node)]
    if tag == "mmultiscripts":
        return _scripts(list(_elements(node)), parts)
    if tag == "mfenced":
        return _fenced(node, parts)
    if tag in _WRITERS and parts:
        return _WRITERS[tag](*(parts + [""] * 3)[:3])
    return parts[0] if parts else ""


def _over(base: str, sign: str, _: str) -> str:
    return formulas.scripts(base, above=sign) if base in _BIG else formulas.accented(base, sign)


_WRITERS: Mapping[str, Callable[[str, str, str], str]] = {
    "mfrac": lambda above, below, _: formulas.fraction(above, below),
    "mroot": lambda base, degree, _: formulas.root(base, degree),
    "msup": lambda base, above, _: formulas.scripts(base, above=above),
    "msub": lambda base, below, _: formulas.scripts(base, below),
    "msubsup": lambda base, below, above: formulas.scripts(base, below, above),
    "munder": lambda base, below, _: formulas.scripts(base, below),
    "munderover": lambda base, below, above: formulas.scripts(base, below, above),
    "mover": _over,
}

_OF_PARTS = frozenset((*_WRITERS, "mmultiscripts", "mfenced", "semantics", "maction"))
"""Elements whose children have parts of their own; those of all others follow each other."""


def _elements(node: LexborNode) -> Iterator[LexborNode]:
    return (child for child in node.iter() if not (child.tag or "").startswith("-"))


def _in_a_row(node: LexborNode, depth: int) -> str:
    """Returns the parts one after the other; a big operator stands apart from its body."""
    pieces: list[str] = []
    for child in node.iter(include_text=True):
        piece = formula_text(child, depth + 1)
        if pieces and pieces[-1][:1] in _BIG and piece.strip():
            pieces.append(" ")
        if piece:
            pieces.append(piece)
    return "".join(pieces)


def _scripts(nodes: Sequence[LexborNode], parts: Sequence[str]) -> str:
    """Returns a base with pairs of what stands below and above it, behind it and before it."""
    tags = [node.tag for node in nodes]
    cut = tags.index("mprescripts") if "mprescripts" in tags else len(parts)
    behind, before = list(parts[1:cut]), list(parts[cut + 1 :])
    text = "".join(
        formulas.scripts("", below, above)
        for below, above in zip(before[::2], [*before[1::2], ""], strict=False)
    )
    text += parts[0] if parts else ""
    for below, above in zip(behind[::2], [*behind[1::2], ""], strict=False):
        text = formulas.scripts(text, below, above)
    return text


def _fenced(node: LexborNode, parts: Sequence[str]) -> str:
    attributes = node.attributes
    separators = attributes.get("separators", ",") or ""
    begin, end = attributes.get("open", "(") or "", attributes.get("close", ")") or ""
    return f"{begin}{(separators[:1] + ' ').lstrip().join(parts)}{end}"


def _matrix(node: LexborNode, depth: int) -> str:
    return formulas.matrix(
        [
            [formula_text(cell, depth + 1).strip() for cell in _elements(row)]
            for row in _elements(node)
        ]
    )
