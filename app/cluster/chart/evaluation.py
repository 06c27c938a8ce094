"""Runs a template's tree over values."""

from collections.abc import Mapping, Sequence
from typing import Any

from app.cluster.chart.functions import FUNCTIONS, shown
from app.cluster.chart.syntax import Block, Call, Literal, Node, Path, Pipeline, TemplateError, Term

Scope = list[dict[str, Any]]
"""Variables by name, the innermost block last."""


class Templates:
    """The templates of a chart, which include each other by the names that they define."""

    def __init__(self) -> None:
        self._defined: dict[str, Sequence[Node]] = {}

    def define(self, nodes: Sequence[Node]) -> None:
        """Keeps what `define` blocks at the top of a file name."""
        for node in nodes:
            if isinstance(node, Block) and node.keyword == "define":
                name = node.pipeline.terms[0]
                if isinstance(name, Literal):
                    self._defined[str(name.value)] = node.body

    def run(self, nodes: Sequence[Node], dot: Any) -> str:
        """Returns what the nodes write about a value.

        Raises:
            TemplateError: a function, a field or a variable is unknown, or the template refuses.
        """
        return _Run(self, dot, [{"$": dot}]).write(nodes)

    def include(self, name: str, dot: Any) -> str:
        """Returns what a defined template writes about a value."""
        if name not in self._defined:
            raise TemplateError(f"no template is called {name}")
        return self.run(self._defined[name], dot)


class _Run:
    """One block that is written, with its dot and the variables that it sees."""

    def __init__(self, templates: Templates, dot: Any, scope: Scope) -> None:
        self._templates = templates
        self._dot = dot
        self._scope = scope

    def write(self, nodes: Sequence[Node]) -> str:
        return "".join(self._write_node(node) for node in nodes)

    def _write_node(self, node: Node) -> str:
        if isinstance(node, str):
            return node
        if isinstance(node, Block):
            return "" if node.keyword == "define" else self._write_block(node)
        value = self._value(node)
        if node.names:
            self._name(node, (value,))
            return ""
        return shown(value)

    def _write_block(self, block: Block) -> str:
        value = self._value(block.pipeline)
        if not value:
            return self._inside(self._dot).write(block.otherwise)
        if block.keyword == "if":
            return self._inside(self._dot).write(block.body)
        if block.keyword == "with":
            return self._inside(value).write(block.body)
        pairs = sorted(value.items()) if isinstance(value, Mapping) else list(enumerate(value))
        written = []
        for pair in pairs:
            inner = self._inside(pair[1])
            inner._name(block.pipeline, pair)
            written.append(inner.write(block.body))
        return "".join(written)

    def _inside(self, dot: Any) -> "_Run":
        return _Run(self._templates, dot, [*self._scope, {}])

    def _name(self, pipeline: Pipeline, values: Sequence[Any]) -> None:
        """Gives values names, the last name to the last value."""
        for name, value in zip(reversed(pipeline.names), reversed(values), strict=False):
            if pipeline.declares:
                self._scope[-1][name] = value
            else:
                self._variables(name)[name] = value

    def _variables(self, name: str) -> dict[str, Any]:
        for variables in reversed(self._scope):
            if name in variables:
                return variables
        raise TemplateError(f"no variable is called {name}")

    def _value(self, pipeline: Pipeline) -> Any:
        first, *others = pipeline.terms
        value = self._term(first)
        for term in others:
            if not isinstance(term, Call):
                raise TemplateError("only functions take what a pipe hands on")
            value = self._call(term, (value,))
        return value

    def _term(self, term: Term) -> Any:
        if isinstance(term, Literal):
            return term.value
        if isinstance(term, Call):
            return self._call(term)
        if isinstance(term.start, Pipeline):
            value = self._value(term.start)
        else:
            value = self._dot if term.start == "." else self._variables(term.start)[term.start]
        return _field(value, term.fields)

    def _call(self, call: Call, piped: tuple[Any, ...] = ()) -> Any:
        if isinstance(call.name, Path):  # .Files.Get
            function = self._term(call.name)
            return function(*(self._term(argument) for argument in call.arguments), *piped)
        if call.name in ("and", "or"):
            return self._first(call)
        if call.name == "include":
            name, dot = (self._term(argument) for argument in call.arguments)
            return self._templates.include(name, dot)
        if call.name not in FUNCTIONS:
            raise TemplateError(f"no function is called {call.name}")
        arguments = [self._term(argument) for argument in call.arguments]
        return FUNCTIONS[call.name](*arguments, *piped)

    def _first(self, call: Call) -> Any:
        """Returns the first argument that decides, and the last where none does."""
        value = None
        for argument in call.arguments:
            value = self._term(argument)
            if bool(value) == (call.name == "or"):
                break
        return value


def _field(value: Any, names: Sequence[str]) -> Any:
    for name in names:
        if not isinstance(value, Mapping):
            raise TemplateError(f"{type(value).__name__} has no field {name}")
        value = value.get(name)
    return value
