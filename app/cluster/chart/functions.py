"""The functions that the chart's templates call, for values as YAML gives them."""

from collections.abc import Callable, Mapping
from typing import Any

import yaml

from app.cluster.chart.syntax import TemplateError

Function = Callable[..., Any]


def shown(value: object) -> str:
    """Returns a value as a template writes it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _default(instead: object, value: object = None) -> object:
    return value or instead


def _dictionary(*pairs: Any) -> dict[str, Any]:
    return dict(zip(pairs[::2], pairs[1::2], strict=True))


def _fail(message: str) -> None:
    raise TemplateError(message)


def _indented(width: int, text: str) -> str:
    return "\n" + "\n".join(" " * width + line for line in text.split("\n"))


def _required(message: str, value: object) -> object:
    if value is None or value == "":
        raise TemplateError(message)
    return value


def _quoted(value: object) -> str:
    text = shown(value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'


def _set(mapping: dict[str, Any], name: str, value: object) -> dict[str, Any]:
    mapping[name] = value
    return mapping


def _to_yaml(value: object) -> str:
    return yaml.safe_dump(value, sort_keys=True, width=1000, allow_unicode=True).rstrip("\n")


FUNCTIONS: Mapping[str, Function] = {
    "add": lambda *numbers: sum(numbers),
    "concat": lambda *lists: [item for one in lists for item in one],
    "default": _default,
    "dict": _dictionary,
    "eq": lambda first, second: first == second,
    "fail": _fail,
    "fromYaml": yaml.safe_load,
    "get": lambda mapping, name: mapping.get(name, ""),
    "hasKey": lambda mapping, name: name in mapping,
    "hasPrefix": lambda prefix, text: text.startswith(prefix),
    "list": lambda *items: list(items),
    "ne": lambda first, second: first != second,
    "nindent": _indented,
    "not": lambda value: not value,
    "printf": lambda form, *values: form % values,
    "quote": _quoted,
    "replace": lambda old, new, text: text.replace(old, new),
    "required": _required,
    "set": _set,
    "sub": lambda first, second: first - second,
    "toYaml": _to_yaml,
    "trimSuffix": lambda suffix, text: text.removesuffix(suffix),
    "trunc": lambda length, text: text[:length],
}
"""By their names. `include`, `and` and `or` need the evaluation itself."""
