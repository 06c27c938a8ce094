"""Documents whose file is gone: which of the index belong to a folder and came with no file of it.

What was left out of a run on purpose (excluded, hidden, unreadable) is not gone: only a person
deletes that.
"""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from app.client.api_client import ApiClient
from app.client.errors import CliError
from app.client.files import LeftOut, SourceFile, known_path
from deployments.contracts.documents import ReadFailure

_PAGE = 1000


@dataclass(frozen=True, slots=True)
class IndexedPath:
    """A document of the index: its id, and the path that it is known by."""

    document_id: str
    path: str


def folder_prefixes(paths: Iterable[Path], *, root: Path | None) -> list[str]:
    """Returns what the paths of all documents of the named folders begin with.

    Raises:
        CliError: a folder is the root itself: its documents have no common beginning, and cannot
            be told from those of others.
    """
    prefixes = []
    for folder in (path for path in paths if path.is_dir()):
        if root is not None and os.path.abspath(folder) == os.path.abspath(root):
            raise CliError(
                f"{folder} is the root itself: its documents cannot be told from others",
                "Name a folder below --root, or a root above the folder.",
            )
        prefixes.append(known_path(folder, root).rstrip("/") + "/")
    return prefixes


def list_documents(service: ApiClient) -> Iterator[IndexedPath]:
    """Yields all documents of the index."""
    cursor = ""
    while True:
        query = f"?limit={_PAGE}" + (f"&cursor={cursor}" if cursor else "")
        page: dict[str, Any] = service.request("GET", f"/v1/documents{query}")
        for document in page["documents"]:
            yield IndexedPath(document["id"], document["path"])
        cursor = page["next_cursor"]
        if not cursor:
            return


def find_missing(
    indexed: Iterable[IndexedPath],
    *,
    prefixes: Iterable[str],
    sent: Iterable[str],
    kept: Iterable[str],
) -> list[IndexedPath]:
    """Returns the documents that no file gave in this run, by path.

    Args:
        indexed: All documents of the index.
        prefixes: Beginnings of the paths of the folders that are mirrored.
        sent: Paths of the documents that were sent.
        kept: Paths of files and folders that were left out or failed: what is known of them stays.
    """
    beginnings, sent_paths, kept_paths = tuple(prefixes), set(sent), set(kept)

    def is_missing(path: str) -> bool:
        if not path.startswith(beginnings) or path in sent_paths:
            return False
        return kept_paths.isdisjoint((path, path.partition("#")[0], *_folders_of(path)))

    return sorted(
        (document for document in indexed if is_missing(document.path)),
        key=lambda document: document.path,
    )


def delete_documents(service: ApiClient, documents: Iterable[IndexedPath]) -> None:
    """Takes documents out of the index, one after the other."""
    for document in documents:
        service.request("DELETE", f"/v1/documents/{quote(document.document_id, safe='')}")


def require_files(folders: Iterable[Path], found: Iterable[object], *, root: Path | None) -> None:
    """Makes sure that each folder has a file: one that has none may be a disk that is not there.

    Raises:
        CliError: one has none, and so all of its documents would be deleted.
    """
    paths = [item.path for item in found if isinstance(item, SourceFile)]
    for folder in folders:
        (prefix,) = folder_prefixes([folder], root=root) or [""]
        if prefix and not any(path.startswith(prefix) for path in paths):
            raise CliError(
                f"{folder} has no file that is read: nothing is deleted",
                "If its documents are to go, delete them: DELETE /v1/documents/<id>",
            )


def paths_kept(found: Iterable[object], failures: Iterable[tuple[str, str]]) -> set[str]:
    """Returns the paths of what a run left out, or could not read."""
    left_out = {item.path for item in found if isinstance(item, LeftOut | ReadFailure)}
    return left_out | {path for path, _ in failures}


def _folders_of(path: str) -> Iterator[str]:
    while "/" in path:
        path = path.rpartition("/")[0]
        yield path
