"""What a place with documents is to whoever mirrors it, and folders, the simplest of them."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from app.client.errors import CliError


class SourceFailed(CliError):
    """A place could not be read. What is known of it stays as it is."""


class Source(Protocol):
    """A place with documents.

    Attributes:
        name: What people call it; no password stands in it.
        folder: Where its files are on this machine, once it was refreshed.
        root: What the paths of its documents are relative to; None for absolute ones.
    """

    name: str
    folder: Path
    root: Path | None

    def refresh(self) -> bool:
        """Brings the folder up to date, and returns whether it may have changed since the last
        time; the first time it has.

        Raises:
            SourceFailed: the place does not answer, or is not there.
        """
        ...


@dataclass(slots=True)
class FolderSource:
    """A folder of this machine.

    Args:
        folder: Where it is.
        root: See `Source`.
    """

    folder: Path
    root: Path | None
    name: str = field(init=False)
    _seen: frozenset[tuple[str, int, int]] | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self.name = str(self.folder)

    def refresh(self) -> bool:
        """See `Source.refresh`. A change shows by size or time of a file; contents are not read."""
        if not self.folder.is_dir():
            raise SourceFailed("There is no such folder.")
        now = frozenset(_stamps(self.folder))
        former, self._seen = self._seen, now
        return former != now


def _stamps(folder: Path) -> Iterator[tuple[str, int, int]]:
    for base, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(base, name)
            try:
                told = os.stat(path)
            except OSError:
                continue  # it went meanwhile, or is a link to nowhere
            yield path, told.st_size, told.st_mtime_ns
