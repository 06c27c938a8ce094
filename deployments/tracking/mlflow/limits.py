"""What MLflow takes at most, and names and values in the form that it takes."""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

METRICS_PER_CALL = 900
PARAMS_PER_CALL = 100
PARAM_CHARACTERS = 500
_FORBIDDEN = re.compile(r"[^\w.\- /]")
_KEY_CHARACTERS = 250


def key_of(name: str) -> str:
    """Returns a name that MLflow accepts for a parameter or a metric."""
    return _FORBIDDEN.sub("_", name).strip("/ ")[:_KEY_CHARACTERS]


def text_of(value: Any) -> str:
    """Returns a value as text: a string as it is, everything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value)


def chunks(items: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    """Returns the items, so many at a time."""
    return (items[start : start + size] for start in range(0, len(items), size))
