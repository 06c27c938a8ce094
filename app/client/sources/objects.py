"""Object stores: S3 and what speaks like it, Google Cloud Storage, Azure.

What was fetched is kept with its ETag, so that a refresh costs a list and what has changed.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.client.sources.source import SourceFailed

if TYPE_CHECKING:
    from obstore.store import ObjectStore

SCHEMES = ("s3", "gs", "az", "abfs", "abfss")
_CONNECT_TIMEOUT_S = 10
_TIMEOUT_S = 120
_RETRY_S = 30
_MAX_OBJECT_BYTES = 2**30
"""What is larger is no document; the reader's own bound is far below."""
_INDEX = ".ragserve-objects.json"
"""What is hidden is no document."""
_PART = ".part"


@dataclass(slots=True)
class ObjectSource:
    """Objects below an address.

    Args:
        url: As `s3://bucket/prefix`. Keys and the endpoint are in the environment, by the names
            that the store's own tools read.
        into: Where they are kept on this machine; paths are relative to the folder above.
    """

    url: str
    into: Path
    name: str = field(init=False)
    folder: Path = field(init=False)
    root: Path | None = field(init=False)
    _refreshed: bool = field(init=False, default=False)

    def __post_init__(self) -> None:
        self.name, self.folder, self.root = self.url, self.into, self.into.parent

    def refresh(self) -> bool:
        """See `Source.refresh`. A change is an object that is new, gone, or has another ETag."""
        known = self._read_index()
        store = self._open()
        try:
            there = dict(_listed(store))
            fetched = False
            for key, tag in there.items():
                if not self._has(key, tag, known) and self._fetch(store, key):
                    fetched = True
                    known[key] = tag
                    # What was fetched before this breaks off is not fetched again.
                    self._write_index(known)
        except Exception as error:
            raise SourceFailed(_reason(error)) from error
        gone = [key for key in known if key not in there]
        for key in gone:
            self._path(key).unlink(missing_ok=True)
            del known[key]
        self._write_index(known)
        first, self._refreshed = not self._refreshed, True
        return bool(first or fetched or gone)

    def _open(self) -> "ObjectStore":
        try:
            from obstore.store import from_url
        except ImportError as error:
            raise SourceFailed("This needs an extra: pip install 'ragserve[objects]'.") from error
        options: Any = {
            "client_options": {
                "connect_timeout": timedelta(seconds=_CONNECT_TIMEOUT_S),
                "timeout": timedelta(seconds=_TIMEOUT_S),
                # Only where the endpoint that the environment names is one of http.
                "allow_http": True,
            },
            "retry_config": {"max_retries": 4, "retry_timeout": timedelta(seconds=_RETRY_S)},
        }
        try:
            return from_url(self.url, **options)
        except Exception as error:
            raise SourceFailed(_reason(error)) from error

    def _fetch(self, store: "ObjectStore", key: str) -> bool:
        """Writes an object to its file, whole or not at all; returns whether there is one: `a`
        cannot be beside `a/b`, and what stands for a folder, or went meanwhile, is none."""
        path = self._path(key)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError):
            return False
        if path.is_dir():
            return False
        part = path.with_name(f".{path.name}{_PART}")
        try:
            content = store.get(key)
        except FileNotFoundError:
            return False
        with part.open("wb") as file:
            for piece in content.stream():
                file.write(piece)
        part.replace(path)
        return True

    def _has(self, key: str, tag: str, known: dict[str, str]) -> bool:
        return known.get(key) == tag and self._path(key).is_file()

    def _path(self, key: str) -> Path:
        return self.into.joinpath(*key.split("/"))

    def _read_index(self) -> dict[str, str]:
        try:
            known: dict[str, str] = json.loads((self.into / _INDEX).read_text())
        except (OSError, ValueError):
            return {}
        return known

    def _write_index(self, known: dict[str, str]) -> None:
        self.into.mkdir(parents=True, exist_ok=True)
        part = self.into / f"{_INDEX}{_PART}"
        part.write_text(json.dumps(known))
        part.replace(self.into / _INDEX)


def _listed(store: "ObjectStore") -> Iterator[tuple[str, str]]:
    """Yields the names of objects that can be files here, each with what tells its content."""
    for page in store.list():
        for one in page:
            if one["size"] <= _MAX_OBJECT_BYTES and is_plain(one["path"]):
                tag = one["e_tag"] or f"{one['size']} {one['last_modified'].isoformat()}"
                yield one["path"], tag


def is_plain(key: str) -> bool:
    """Returns whether an object's name is that of a file below a folder, wherever that is: what
    climbs out of it, or is no name, is left alone.

    >>> is_plain("a/b.md"), is_plain("../b.md"), is_plain("/b.md"), is_plain("a//b.md")
    (True, False, False, False)
    """
    parts = key.split("/")
    return "\0" not in key and all(
        part not in ("", ".", "..") and len(os.fsencode(part)) <= 240 for part in parts
    )


def _reason(error: Exception) -> str:
    """Returns the first line of what a store said, which is long."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
