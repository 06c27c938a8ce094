"""How the verbs for operators reach the service: with the key, and with the name of who asks."""

import getpass
import os
from pathlib import Path
from typing import TYPE_CHECKING

from app.cli.options import DEFAULT_URL
from app.local.errors import LocalStackError

if TYPE_CHECKING:
    from app.cli.service import Service

_TIMEOUT_S = 30.0


def operator_service(url: str, home: Path, *, timeout_s: float = _TIMEOUT_S) -> "Service":
    """Returns a client with the operators' key: of RAGSERVE_ADMIN_KEY, or of the local stack.

    Raises:
        LocalStackError: there is none.
    """
    from app.cli.service import Service
    from app.local.home import Home

    key = os.environ.get("RAGSERVE_ADMIN_KEY", "")
    file = Home(home).admin_key
    if not key and file.is_file():
        key = file.read_text().strip()
    if not key:
        raise LocalStackError(
            "This needs the operators' key.",
            "Set RAGSERVE_ADMIN_KEY to the one of the service, or name the local stack's folder: "
            f"--home   (no key in {file})",
        )
    return Service(url or DEFAULT_URL, timeout_s=timeout_s, admin_key=key)


def operator_name() -> str:
    """Returns who asks, for the record."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "operator"
