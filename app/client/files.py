"""The files below the paths that somebody named: which are read, under what path the index knows
them, and what was left out and why."""

import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pathspec import GitIgnoreSpec

from app.client.errors import CliError
from deployments.contracts.documents import ReadFailure
from deployments.indexer.documents import is_readable_name

IGNORE_FILE = ".ragserveignore"

MAX_FILE_BYTES = 256 * 2**20
"""A larger file is not read: its text would be refused anyway."""

_SKIPPED_FOLDERS = frozenset({"node_modules", "__pycache__"})

Kind = Literal["hidden", "unread format", "excluded", "link out of the folder", "no regular file"]


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file to read, and the path under which the index will know it."""

    file: Path
    path: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A file or a folder below a named folder that is not read, and why."""

    path: str
    kind: Kind


Found = SourceFile | LeftOut | ReadFailure


def find_files(
    paths: Iterable[Path], *, root: Path | None, exclude: Sequence[str] = ()
) -> Iterator[Found]:
    """Yields the files below the given paths, each once and sorted.

    In a folder, what is hidden, excluded or of a format that nothing reads is left out, and so is
    what is no regular file, and a link that leads out of the folder. A file that was named itself
    is read whatever it is called, or is a failure.

    A file is known by the path that leads to it, links unresolved: where the target of a link
    changes, the document is the same. That path is absolute, or relative to `root` when there is
    one: then another machine, with its files elsewhere, gives the same documents the same ids.

    Args:
        paths: Files and folders.
        root: What paths are relative to.
        exclude: Patterns as in a `.gitignore`, for each folder; those of the file
            `.ragserveignore` in it are added.

    Raises:
        CliError: a pattern cannot be read.
    """
    seen: set[str] = set()
    for given in paths:
        try:
            is_folder = stat.S_ISDIR(given.stat().st_mode)
        except OSError:
            yield ReadFailure(known_path(given, root), "There is no such file or folder.")
            continue
        for found in _below(given, root, exclude) if is_folder else [_named(given, root)]:
            if not isinstance(found, SourceFile) or found.path not in seen:
                yield found
            seen.add(found.path)


def known_path(file: Path, root: Path | None) -> str:
    """Returns the path under which the index knows a file. Bytes of a name that are no UTF-8 are
    written out, `caf\\xe9.md`, so that two such names stay two."""
    path = os.path.abspath(file)
    if root is not None and Path(path).is_relative_to(os.path.abspath(root)):
        path = os.path.relpath(path, os.path.abspath(root))
    return os.fsencode(Path(path).as_posix()).decode("utf-8", "backslashreplace")


def _named(given: Path, root: Path | None) -> SourceFile | ReadFailure:
    """Returns a file that was named itself."""
    told = given.stat()
    if not stat.S_ISREG(told.st_mode):
        return ReadFailure(known_path(given, root), "It is no file, but a pipe or a device.")
    return _bounded(given, root, told.st_size)


def _below(folder: Path, root: Path | None, exclude: Sequence[str]) -> Iterator[Found]:
    """Yields what is below a named folder."""
    ignored = _ignored(folder, exclude)
    real = os.path.realpath(folder)
    for at, folders, names in os.walk(folder):
        kept = []
        for name in sorted(folders):
            kind = _kind_of_folder(Path(at) / name, folder, ignored)
            if kind is None:
                kept.append(name)
            else:
                yield LeftOut(known_path(Path(at) / name, root), kind)
        folders[:] = kept
        for name in sorted(names):
            file = Path(at) / name
            if name.startswith(".") or not is_readable_name(name):
                kind = "hidden" if name.startswith(".") else "unread format"
                yield LeftOut(known_path(file, root), kind)
            elif ignored.match_file(os.path.relpath(file, folder)):
                yield LeftOut(known_path(file, root), "excluded")
            else:
                yield _regular(file, root, real)


def _kind_of_folder(folder: Path, top: Path, ignored: GitIgnoreSpec) -> Kind | None:
    """Returns why a folder is left out, None where it is not."""
    if folder.name.startswith(".") or folder.name in _SKIPPED_FOLDERS:
        return "hidden"
    if ignored.match_file(os.path.relpath(folder, top) + "/"):
        return "excluded"
    if folder.is_symlink() and not _is_inside(folder, os.path.realpath(top)):
        return "link out of the folder"
    return None


def _regular(file: Path, root: Path | None, real_top: str) -> Found:
    path = known_path(file, root)
    try:
        told = file.stat()
    except OSError as error:  # a link to nothing, or a file that went away meanwhile
        return ReadFailure(path, f"It cannot be opened: {error.strerror}.")
    if file.is_symlink() and not _is_inside(file, real_top):
        return LeftOut(path, "link out of the folder")
    if not stat.S_ISREG(told.st_mode):
        return LeftOut(path, "no regular file")
    return _bounded(file, root, told.st_size)


def _bounded(file: Path, root: Path | None, size_bytes: int) -> SourceFile | ReadFailure:
    path = known_path(file, root)
    if size_bytes > MAX_FILE_BYTES:
        limit = f"{MAX_FILE_BYTES // 2**20} MiB"
        return ReadFailure(path, f"It has {size_bytes:,} bytes; {limit} is the most. Split it.")
    return SourceFile(Path(os.path.abspath(file)), path, size_bytes)


def _is_inside(link: Path, real_top: str) -> bool:
    """Returns whether a link leads to what is below the folder and not hidden there. Names that
    begin with two dots are how Kubernetes keeps the files of a volume, not hidden by anybody."""
    target = Path(os.path.realpath(link))
    if not target.is_relative_to(real_top):
        return False
    parts = target.relative_to(real_top).parts
    return not any(part.startswith(".") and not part.startswith("..") for part in parts)


def _ignored(folder: Path, exclude: Sequence[str]) -> GitIgnoreSpec:
    lines: list[str] = []
    file = folder / IGNORE_FILE
    if file.is_file():
        lines += file.read_text(encoding="utf-8", errors="replace").splitlines()
    try:
        # Its other backends cannot read names that are no UTF-8.
        return GitIgnoreSpec.from_lines([*lines, *exclude], backend="simple")
    except ValueError as error:
        raise CliError(
            f"A pattern of what to leave out cannot be read: {error}",
            f"Patterns are those of a .gitignore, in {file} and behind --exclude.",
        ) from error
