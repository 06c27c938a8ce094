"""Reads a template of the chart into a tree.

Only the part of Go's `text/template` is known that the chart uses; anything else is an error, never
passed over. `evaluation` says what the tree means.
"""

import re
from dataclasses import dataclass, field

_ACTION = re.compile(
    r"\{\{(-\s)?\s*(/\*.*?\*/|(?:\"(?:\\.|[^\"\\])*\"|`[^`]*`|.)*?)\s*(\s-)?\}\}", re.S
)
_TOKEN = re.compile(
    r"""\s*(?:(?P<string>"(?:\\.|[^"\\])*"|`[^`]*`)|(?P<number>-?\d+)
    |(?P<path>\$\w*(?:\.\w+)*|(?:\.\w+)+|\.(?!\w))|(?P<name>[A-Za-z]\w*)|(?P<mark>:=|[=|(),]))""",
    re.X,
)


class TemplateError(ValueError):
    """A template says what is not known here, or what cannot be done."""


@dataclass(frozen=True)
class Literal:
    """A value that is written down."""

    value: object


@dataclass(frozen=True)
class Path:
    """Fields of a variable (`$` is the first dot, `.` the dot of now) or of a pipeline's value."""

    start: "str | Pipeline"
    fields: tuple[str, ...] = ()


@dataclass(frozen=True)
class Call:
    """A function with its arguments; a path leads to one that a value has."""

    name: "str | Path"
    arguments: "tuple[Term, ...]" = ()


Term = Literal | Path | Call


@dataclass(frozen=True)
class Pipeline:
    """Terms, each of which becomes the last argument of the next; the value may get a name."""

    terms: tuple[Term, ...]
    names: tuple[str, ...] = ()
    declares: bool = False


@dataclass
class Block:
    """A part between an action and its `end`; `keyword` is `if`, `with`, `range` or `define`."""

    keyword: str
    pipeline: Pipeline
    body: "list[Node]" = field(default_factory=list)
    otherwise: "list[Node]" = field(default_factory=list)


Node = str | Pipeline | Block


def parse(text: str) -> list[Node]:
    """Returns the nodes of a template.

    Raises:
        TemplateError: it is not understood.
    """
    root: list[Node] = []
    into = root
    open_blocks: list[
        tuple[Block, list[Node], bool]
    ] = []  # with where to go on, and if it is an else-if
    for piece in _pieces(text):
        if isinstance(piece, str):
            into.append(piece)
            continue
        keyword, rest = piece
        if keyword in ("if", "with", "range", "define"):
            block = Block(keyword, _pipeline(rest))
            into.append(block)
            open_blocks.append((block, into, False))
            into = block.body
        elif keyword == "else" and open_blocks:
            into = open_blocks[-1][0].otherwise
            if rest:
                block = Block("if", _pipeline(rest.removeprefix("if")))
                into.append(block)
                open_blocks.append((block, into, True))
                into = block.body
        elif keyword == "end" and open_blocks:
            chained = True
            while chained:
                _, into, chained = open_blocks.pop()
        elif keyword in ("else", "end"):
            raise TemplateError(f"{keyword} without a block")
        else:
            into.append(_pipeline(rest))
    if open_blocks:
        raise TemplateError(f"{open_blocks[-1][0].keyword} without an end")
    return root


def _pieces(text: str) -> list[str | tuple[str, str]]:
    """Returns texts, and actions as keyword and rest; a dash took the white space beside it."""
    pieces: list[str | tuple[str, str]] = []
    at, trim = 0, False
    for action in _ACTION.finditer(text):
        before = text[at : action.start()]
        before = before.lstrip() if trim else before
        pieces.append(before.rstrip() if action[1] else before)
        if not action[2].startswith("/*"):
            word = re.match(r"(if|with|range|define|else|end)\b", action[2])
            keyword = word[0] if word else ""
            pieces.append((keyword, action[2].removeprefix(keyword).strip()))
        at, trim = action.end(), action[3] is not None
    pieces.append(text[at:].lstrip() if trim else text[at:])
    return [piece for piece in pieces if piece != ""]


def _pipeline(text: str) -> Pipeline:
    tokens = _tokens(text)
    found = _read_pipeline(tokens)
    if tokens:
        raise TemplateError(f"not understood: {text}")
    return found


def _tokens(text: str) -> list[tuple[str, str]]:
    tokens: list[tuple[str, str]] = []
    at = 0
    while text[at:].strip():
        match = _TOKEN.match(text, at)
        if match is None:
            raise TemplateError(f"not understood: {text[at:]}")
        kind = str(match.lastgroup)
        adjoins = tokens[-1:] == [("mark", ")")] and match.start(kind) == at
        tokens.append(("field" if adjoins and kind == "path" else kind, match[kind]))
        at = match.end()
    return tokens


def _read_pipeline(tokens: list[tuple[str, str]]) -> Pipeline:
    names, declares = _read_names(tokens)
    terms = [_read_command(tokens)]
    while tokens and tokens[0][1] == "|":
        tokens.pop(0)
        terms.append(_read_command(tokens))
    return Pipeline(tuple(terms), names, declares)


def _read_names(tokens: list[tuple[str, str]]) -> tuple[tuple[str, ...], bool]:
    marks = [text for _, text in tokens[:4]]
    for count in (1, 2):
        names = marks[0 : 2 * count : 2]
        if marks[2 * count - 1 : 2 * count] in (["="], [":="]) and all(n[:1] == "$" for n in names):
            declares = marks[2 * count - 1] == ":="
            del tokens[: 2 * count]
            return tuple(names), declares
    return (), False


def _read_command(tokens: list[tuple[str, str]]) -> Term:
    first = _read_term(tokens)
    arguments: list[Term] = []
    while tokens and tokens[0][1] not in ("|", ")"):
        arguments.append(_read_term(tokens))
    if not arguments:
        return first
    if isinstance(first, Literal):
        raise TemplateError("only functions take arguments")
    return Call(first.name if isinstance(first, Call) else first, tuple(arguments))


def _read_term(tokens: list[tuple[str, str]]) -> Term:
    if not tokens:
        raise TemplateError("a value is missing")
    kind, text = tokens.pop(0)
    if kind == "string":
        return Literal(text[1:-1] if text[0] == "`" else _unescaped(text[1:-1]))
    if kind == "number":
        return Literal(int(text))
    if kind == "path":
        start, *fields = text.split(".")
        return Path(start or ".", tuple(part for part in fields if part))
    if kind == "name":
        return Literal(text == "true") if text in ("true", "false") else Call(text)
    if text == "(":
        inner = _read_pipeline(tokens)
        if not tokens or tokens.pop(0)[1] != ")":
            raise TemplateError("a parenthesis is not closed")
        follows = tokens.pop(0)[1] if tokens and tokens[0][0] == "field" else ""
        return Path(inner, tuple(part for part in follows.split(".") if part))
    raise TemplateError(f"not understood: {text}")


def _unescaped(text: str) -> str:
    return text.replace(r"\"", '"').replace(r"\n", "\n").replace(r"\\", "\\")
