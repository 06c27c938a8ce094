"""The file of a backup: a ZIP of JSON lines, whose last member says what the others hold.

A backup that was cut off has no such member, and is not taken for one.
"""

import json
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from app.client.errors import CliError

FORMAT = 1
_MANIFEST = "manifest.json"
_HINT = "Name a file that `ragserve backup` has written."
Row = dict[str, Any]


class ArchiveWriter:
    """Writes members one after the other."""

    def __init__(self, file: zipfile.ZipFile) -> None:
        self._file = file

    def add(self, name: str, rows: Iterable[Row]) -> int:
        """Writes a member, a row a line; returns how many there were."""
        count = 0
        with self._file.open(name, "w", force_zip64=True) as member:
            for row in rows:
                member.write(json.dumps(row, separators=(",", ":")).encode() + b"\n")
                count += 1
        return count

    def finish(self, manifest: Mapping[str, Any]) -> None:
        """Says what the file holds, which makes it whole."""
        text = json.dumps({"format": FORMAT, **manifest}, indent=1)
        self._file.writestr(_MANIFEST, text)


class ArchiveReader:
    """Reads members of a whole file.

    Raises:
        CliError: it is no backup, or one of a newer version, or damaged.
    """

    def __init__(self, file: zipfile.ZipFile) -> None:
        self._file = file
        if _MANIFEST not in file.namelist():
            raise CliError("This is no whole backup: it was cut off, or is another file.", _HINT)
        self.manifest: Mapping[str, Any] = json.loads(file.read(_MANIFEST))
        if self.manifest.get("format") != FORMAT:
            raise CliError("This backup is of another version of the service.", _HINT)

    def names(self, folder: str) -> list[str]:
        """Returns the members of a folder, in the order in which they were written."""
        return [name for name in self._file.namelist() if name.startswith(f"{folder}/")]

    def rows(self, name: str) -> Iterator[Row]:
        """Yields the rows of a member.

        Raises:
            CliError: the file is damaged here.
        """
        try:
            with self._file.open(name) as member:
                for line in member:
                    yield json.loads(line)
        except (zipfile.BadZipFile, zlib.error, ValueError, EOFError) as error:
            raise CliError(f"The backup is damaged, in {name}.", "Take another one.") from error

    def check(self) -> None:
        """Reads all of it once, so that nothing is written of a file that ends in the middle.

        Raises:
            CliError: it is damaged.
        """
        try:
            damaged = self._file.testzip()
        except (zlib.error, zipfile.BadZipFile, EOFError) as error:
            raise CliError("The backup is damaged.", "Take another one.") from error
        if damaged is not None:
            raise CliError(f"The backup is damaged, in {damaged}.", "Take another one.")


@contextmanager
def writing(path: Path) -> Iterator[ArchiveWriter]:
    """Makes a file, which is there once it is whole, and readable by its owner alone.

    Raises:
        CliError: there is one already, or none can be made.
    """
    if path.exists():
        raise CliError(f"{path} is there already.", "Name a new file.")
    partial = path.with_name(f"{path.name}.partial")
    try:
        partial.touch(mode=0o600)
        with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED, compresslevel=3) as file:
            yield ArchiveWriter(file)
        partial.rename(path)
    except OSError as error:
        raise CliError(f"{path} cannot be written: {error.strerror}.", "Name another.") from error
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def reading(path: Path) -> Iterator[ArchiveReader]:
    """Opens a file.

    Raises:
        CliError: see `ArchiveReader`, or it cannot be read.
    """
    try:
        with zipfile.ZipFile(path) as file:
            yield ArchiveReader(file)
    except zipfile.BadZipFile as error:
        raise CliError(f"{path} is no backup.", _HINT) from error
    except OSError as error:
        raise CliError(f"{path} cannot be read: {error.strerror}.", _HINT) from error
