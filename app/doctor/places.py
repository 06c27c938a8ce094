"""Folders that the service writes to, and the disks below them."""

import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from app.doctor.finding import Finding, ok, warning, wrong
from deployments.node_folder import FOLDER_VARIABLE

_NETWORK = {
    "9p", "afs", "ceph", "cifs", "fuse.glusterfs", "fuse.sshfs", "gpfs", "lustre", "nfs", "nfs4",
    "smb3", "smbfs", "virtiofs",
}  # fmt: skip
_SQLITE = "sqlite:///"


def check_writable(name: str, folder: Path) -> Finding:
    """Says whether a folder can be written to, or made where it is missing."""
    # os.path: what this user may not look into is not there for it, either.
    existing = next(place for place in (folder, *folder.parents) if os.path.exists(place))
    remedy = f"Let this user write to {existing}, or name another folder."
    if not existing.is_dir():
        return wrong(f"folder {name}", f"{existing} is no folder", remedy)
    try:
        # The bits of a mode say little on read-only or remote disks: try it.
        with tempfile.TemporaryFile(dir=existing):
            pass
    except OSError as error:
        said = f"{folder}: {os.strerror(error.errno or 0)}"
        return wrong(f"folder {name}", said, remedy)
    return ok(f"folder {name}", f"{folder} can be written to")


def file_system_of(path: Path, mounts: Iterable[tuple[str, str]]) -> str:
    """Returns the type of the file system that holds a path, empty where none is known.

    Args:
        path: It need not exist.
        mounts: Where each file system is mounted, and its type.
    """
    real = path.resolve()
    found = [(len(place), kind) for place, kind in mounts if real.is_relative_to(place)]
    return max(found, default=(0, ""), key=lambda pair: pair[0])[1]


def mounted() -> list[tuple[str, str]]:
    """Returns where each file system of this machine is mounted, and its type."""
    import psutil

    return [(part.mountpoint, part.fstype) for part in psutil.disk_partitions(all=True)]


def index_folders(
    environment: Mapping[str, str], document: Mapping[str, Any] | None
) -> dict[str, Path]:
    """Returns the folders for indexes of documents that the environment and a Serve config name, by
    what names them."""
    named = {FOLDER_VARIABLE: environment.get(FOLDER_VARIABLE)}
    for application in (document or {}).get("applications", ()):
        index = (application.get("args") or {}).get("index")
        if isinstance(index, Mapping):
            named[f"index.path of {application.get('name')}"] = index.get("path")
    return {name: Path(path) for name, path in named.items() if isinstance(path, str) and path}


def check_index(name: str, folder: Path, mounts: Iterable[tuple[str, str]]) -> Iterator[Finding]:
    """Yields whether a folder for indexes can be written to, and is on a disk of this machine: its
    files are mapped into memory and locked."""
    yield check_writable(f"of {name}", folder)
    kind = file_system_of(folder, mounts)
    if kind in _NETWORK or kind.startswith("nfs"):
        said = f"{folder} lies on a network file system ({kind}), which nodes would share"
        yield wrong(name, said, "Name a folder on a disk of each node: what is there is no state.")


def check_sqlite_files(named: Iterable[tuple[str, str]]) -> Iterator[Finding]:
    """Yields `check_sqlite` of each database that is a file, by name and URL."""
    mounts = mounted()
    for name, url in named:
        finding = check_sqlite(name, url, mounts)
        if finding is not None:
            yield finding


def check_sqlite(name: str, url: str, mounts: Iterable[tuple[str, str]]) -> Finding | None:
    """Says whether a SQLite file lies on a disk of this machine; None for another database.

    SQLite's locks, and the shared memory of its write-ahead log, do not work over a network: two
    processes would write over each other.
    """
    if not url.startswith(_SQLITE):
        return None
    file = Path(url.removeprefix(_SQLITE))
    kind = file_system_of(file, mounts)
    if kind in _NETWORK or kind.startswith("nfs"):
        remedy = "Put it on a disk of this machine, or use PostgreSQL and Redis."
        return wrong(name, f"the SQLite file {file} lies on a network file system ({kind})", remedy)
    if not kind:
        return warning(
            name, f"nobody knows what disk {file} lies on", "Make sure that it is local."
        )
    return ok(name, f"{file} on {kind}")
