"""Where the spools of one destination stand, so that a process finds what another one left."""

import hashlib
import os
import stat
import tempfile
from pathlib import Path

from deployments.contracts.errors import ConfigError


def spool_folder(spool_dir: Path | None, identity: str) -> Path:
    """Returns the folder that all processes share that send to one destination.

    It is named after the destination: spans of one never end up at another, though both use the
    same `spool_dir`.

    Raises:
        ConfigError: The folder in the system's temporary folder belongs to somebody else, who
            could read the spans.
    """
    name = hashlib.sha256(identity.encode()).hexdigest()[:16]
    if spool_dir is not None:
        return spool_dir / name
    mine = Path(tempfile.gettempdir()) / f"ragserve-spool-{os.getuid()}"
    try:
        mine.mkdir(mode=0o700, exist_ok=True)
        found = mine.lstat()
    except (
        OSError
    ):  # a full disk, say: nothing can be kept, which is counted, and no more than that
        return mine / name
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise ConfigError("The spool in the temporary folder is open to others: set spool_dir.")
    return mine / name
