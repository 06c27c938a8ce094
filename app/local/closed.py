"""Whether other users of the machine are kept out of a stack's folders."""

import os
import stat
from pathlib import Path

from app.client.errors import CliError

_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def require_closed(*folders: Path) -> None:
    """Makes sure that only this user can enter the folders: databases, sockets and programs are
    inside, and some are open to whoever gets there.

    Raises:
        CliError: another user owns one, or may enter it.
    """
    for folder in folders:
        found = folder.lstat()
        if found.st_uid != os.geteuid():
            raise CliError(f"Another user owns {folder}", "Name another folder: --home")
        if not stat.S_ISDIR(found.st_mode) or found.st_mode & _OTHERS:
            raise CliError(
                f"Other users may enter {folder}, where this stack keeps its secrets",
                f"Something opened it while the stack started. Close it: chmod 700 {folder}",
            )
