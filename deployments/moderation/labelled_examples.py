"""Texts that an operator has labelled, from which a classifier learns what may not be said."""

import hashlib
import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from deployments.contracts.errors import ConfigError

MAX_EXAMPLES = 5_000
_MAX_CHARS = 2_000
_MAX_BYTES = 20 * 2**20
_LEAST = 2
"""Of each category, and of harmless texts: one says nothing of what they have in common."""


@dataclass(frozen=True, slots=True)
class LabelledExamples:
    """Texts with their categories.

    Attributes:
        texts: Each once.
        categories: The category of each, None for a harmless one.
        digest: Of both: equal only for equal examples.
    """

    texts: tuple[str, ...]
    categories: tuple[str | None, ...]
    digest: str


def read_examples(path: Path) -> LabelledExamples:
    """Returns the examples of a JSONL file: `text`, and `category`, which is null for a harmless
    text.

    Raises:
        ConfigError: the file cannot be read, a line is no example, or there are too few of a kind.
    """
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise ConfigError(f"{path}: has more than {_MAX_BYTES} bytes.")
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: the examples cannot be read.") from error
    found: dict[str, str | None] = {}
    for number, line in enumerate(lines, start=1):
        if line.strip():
            text, category = _example(line, f"{path}: line {number}")
            if found.setdefault(text, category) != category:
                raise ConfigError(f"{path}: line {number} has a text that has another category.")
    if len(found) > MAX_EXAMPLES:
        raise ConfigError(f"{path}: has more than {MAX_EXAMPLES} examples.")
    counts = Counter(found.values())
    if len(counts) < 2 or None not in counts or min(counts.values()) < _LEAST:
        raise ConfigError(
            f"{path}: needs {_LEAST} examples of each category, and of harmless texts, whose "
            "category is null."
        )
    said = json.dumps(list(found.items()))
    digest = hashlib.sha256(said.encode()).hexdigest()
    return LabelledExamples(tuple(found), tuple(found.values()), digest)


def _example(line: str, place: str) -> tuple[str, str | None]:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise ConfigError(f"{place} is not JSON.") from error
    text = row.get("text") if isinstance(row, dict) else None
    if not isinstance(text, str) or not text.strip() or len(text) > _MAX_CHARS:
        raise ConfigError(f"{place} needs a `text` of at most {_MAX_CHARS} characters.")
    category = row.get("category", "")
    if category is not None and not (isinstance(category, str) and 0 < len(category) <= 64):
        raise ConfigError(f"{place} needs a `category`, which is null for a harmless text.")
    return text.strip(), category
