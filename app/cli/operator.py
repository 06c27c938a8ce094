"""How the verbs for operators reach the service: with the key, and with the name of who asks."""

import getpass
import os
from pathlib import Path
from typing import TYPE_CHECKING

from app.client.address import DEFAULT_URL
from app.client.errors import CliError

if TYPE_CHECKING:
    from app.client.api_client import ApiClient

_TIMEOUT_S = 30.0


def operator_service(url: str, home: Path, *, timeout_s: float = _TIMEOUT_S) -> "ApiClient":
    """Returns a client with the operators' key: of RAGSERVE_ADMIN_KEY, or of the local stack.

    Raises:
        CliError: there is none.
    """
    from app.client.api_client import ApiClient
    from app.local.home import Home

    key = os.environ.get("RAGSERVE_ADMIN_KEY", "")
    file = Home(home).admin_key
    if not key and file.is_file():
        key = file.read_text().strip()
    if not key:
        raise CliError(
            "This needs the operators' key.",
            "Set RAGSERVE_ADMIN_KEY to the one of the service, or name the local stack's folder: "
            f"--home   (no key in {file})",
        )
    return ApiClient(url or DEFAULT_URL, timeout_s=timeout_s, admin_key=key)


def operator_name() -> str:
    """Returns who asks, for the record."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "operator"
