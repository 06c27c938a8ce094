"""Lists of terms that come with the service, by name."""

from functools import lru_cache
from importlib.resources import files
from typing import Literal

ShippedList = Literal["english"]
"""`english` has obscenities and slurs of English that have no other meaning."""


@lru_cache
def shipped_terms(name: ShippedList) -> tuple[str, ...]:
    """Returns the terms of a list."""
    content = files("deployments.moderation").joinpath("terms", f"{name}.txt").read_text("utf-8")
    lines = map(str.strip, content.split("\n"))
    return tuple(line for line in lines if line and not line.startswith("#"))
