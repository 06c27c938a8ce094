"""Front matter of Markdown: the fields above the text, as they were written.

YAML 1.1 makes 668 of 01234, 750 of 12:30 and false of NO. Here a plain value is a number or a
boolean only if it prints as it was written (the core schema of YAML 1.2, narrowed), and text
otherwise. Aliases and merge keys, with which a few bytes become gigabytes, are not followed.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, time

_MAX_CHARS = 65_536
_MAX_DEPTH = 20
_MAX_NUMBER_CHARS = 18
_BLOCK = re.compile(r"---[ \t]*\r?\n(.*?)^(?:---|\.\.\.)[ \t]*(?:\r?\n|\Z)", re.M | re.S)
_TOML_BLOCK = re.compile(r"\+\+\+[ \t]*\r?\n(.*?)^\+\+\+[ \t]*(?:\r?\n|\Z)", re.M | re.S)
_DECIMAL = re.compile(r"-?[0-9]+\.[0-9]+")
_LINE = re.compile(r"([A-Za-z][\w-]{0,60}):((?: .*)?)")
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]*)")
_BOOLEANS = {
    "true": True,
    "True": True,
    "TRUE": True,
    "false": False,
    "False": False,
    "FALSE": False,
}
_NULLS = frozenset(("", "~", "null", "Null", "NULL"))

Value = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class FrontMatter:
    """The fields above a text, the title as it was written, the text, and what was left out."""

    fields: Mapping[str, Value]
    title: str
    text: str
    nested: tuple[str, ...] = ()
    """Keys whose values are lists or mappings."""


def read_front_matter(text: str) -> FrontMatter:
    """Returns the fields between `---` lines at the start of a text, or in TOML between lines of
    `+++`, and what follows them.

    A block that is no mapping stays text: it may be prose between two rules.
    """
    import yaml

    match = _BLOCK.match(text, 0, _MAX_CHARS)
    if match is None:
        return _read_toml(text)
    nested: list[str] = []
    fields: dict[str, tuple[str, bool]] = {}
    try:
        for key, scalar in _entries(match[1]):
            if scalar is None:
                nested.append(key)
            else:
                fields[key] = scalar
    except (yaml.YAMLError, ValueError):
        nested, fields = [], dict(_simple_lines(match[1]))
    if not fields and not nested:
        return FrontMatter({}, "", text[match.end() :] if not match[1].strip() else text)
    values = {key: _resolve(value, is_plain) for key, (value, is_plain) in fields.items()}
    title, _ = fields.get("title", ("", True))
    values.pop("title", None)
    is_title = title not in _NULLS
    return FrontMatter(values, title if is_title else "", text[match.end() :], tuple(nested))


def _read_toml(text: str) -> FrontMatter:
    match = _TOML_BLOCK.match(text, 0, _MAX_CHARS)
    try:
        fields = tomllib.loads(match[1], parse_float=str) if match else {}
    except (tomllib.TOMLDecodeError, RecursionError):
        fields = {}
    if match is None or not fields:
        return FrontMatter({}, "", text)
    nested = tuple(key for key, value in fields.items() if isinstance(value, dict | list))
    values = {key: _of_toml(value) for key, value in fields.items() if key not in nested}
    title = values.pop("title", "")
    return FrontMatter(values, str(title), text[match.end() :], nested)


def _of_toml(value: object) -> Value:
    if isinstance(value, date | time):
        return value.isoformat()
    return value if isinstance(value, str | int) else None


def _entries(block: str) -> Iterator[tuple[str, tuple[str, bool] | None]]:
    """Yields each key of the outermost mapping with its value, and whether that was unquoted.

    None stands for a value that is a list, a mapping or an alias. Events are read one by one, so
    that depth costs nothing and nothing is expanded.

    Raises:
        ValueError: The block is no mapping, or too deep.
        yaml.YAMLError: The block is no YAML.
    """
    import yaml

    depth = 0
    key: str | None = None
    is_first = True
    for event in yaml.parse(block, Loader=yaml.SafeLoader):
        if isinstance(event, yaml.NodeEvent) and is_first:
            if not isinstance(event, yaml.MappingStartEvent):
                raise ValueError("front matter that is no mapping")
            is_first = False
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > _MAX_DEPTH:
                raise ValueError("front matter that is nested too deeply")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > 1 or isinstance(event, yaml.CollectionStartEvent):
            continue
        if isinstance(event, yaml.ScalarEvent) and key is None:
            key = event.value
        elif isinstance(event, yaml.ScalarEvent) and key is not None:
            yield key, (event.value, event.style is None and not event.tag)
            key = None
        elif isinstance(event, yaml.AliasEvent | yaml.CollectionEndEvent) and depth == 1:
            if key is not None:
                yield key, None
            key = None if key is not None else ""


def _simple_lines(block: str) -> Iterator[tuple[str, tuple[str, bool]]]:
    """Yields the fields of a block that is no YAML, where every line is a key and a value.

    Titles with a colon in them are written like that, and everybody reads them.
    """
    lines = [line for line in block.splitlines() if line.strip() and line[0] != "#"]
    matches = [_LINE.fullmatch(line.rstrip()) for line in lines]
    if all(matches):
        for match in filter(None, matches):
            yield match[1], (match[2].strip(), True)


def _resolve(text: str, is_plain: bool) -> Value:
    """Returns what a value is: a boolean or a number where it prints as written, or its text."""
    if not is_plain:
        return text
    if text in _NULLS:
        return None
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    if len(text) <= _MAX_NUMBER_CHARS:
        if _INTEGER.fullmatch(text) and text != "-0":
            return int(text)
        if _DECIMAL.fullmatch(text) and repr(float(text)) == text:
            return float(text)
    return text
