"""How the verbs for operators reach the service: with the key, and with the name of who asks."""

import getpass
import os
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from app.client.address import DEFAULT_URL
from app.client.errors import CliError
from app.client.privacy import IN_CLEAR, is_loopback, travels_in_clear
from app.local.home import Home
from app.local.state import read_state

if TYPE_CHECKING:
    from app.client.api_client import ApiClient

_TIMEOUT_S = 30.0


def operator_service(url: str, home: Path, *, timeout_s: float = _TIMEOUT_S) -> "ApiClient":
    """Returns a client with the operators' key: of RAGSERVE_ADMIN_KEY, or of the local stack where
    the address is its own.

    Raises:
        CliError: there is no key for this address, or it would travel in the clear.
    """
    from app.client.api_client import ApiClient

    return ApiClient(url or DEFAULT_URL, timeout_s=timeout_s, admin_key=operator_key(url, home))


def operator_key(url: str, home: Path) -> str:
    """Returns the operators' key for an address; see `operator_service`."""
    address = url or DEFAULT_URL
    key = os.environ.get("RAGSERVE_ADMIN_KEY", "") or _key_of_stack(address, Home(home))
    if not key:
        raise CliError(
            f"This needs the operators' key of {address}.",
            "Set RAGSERVE_ADMIN_KEY to it, or name the folder of the local stack that answers "
            f"there: --home   (now {home})",
        )
    _require_privacy(address)
    return key


def _key_of_stack(address: str, home: Home) -> str:
    """Returns the key of the stack in a folder where it is the one that answers at the address: to
    anybody else the key would be given away."""
    state = read_state(home.state_file)
    if state is None or not home.admin_key.is_file():
        return ""
    theirs, own = urlsplit(address), urlsplit(state.api_url)
    if is_loopback(theirs.hostname) and is_loopback(own.hostname) and theirs.port == own.port:
        return home.admin_key.read_text().strip()
    return ""


def _require_privacy(address: str) -> None:
    if travels_in_clear(address):
        raise CliError(
            f"The operators' key would travel to {address} in the clear",
            f"Use https. In a network that is closed to others: {IN_CLEAR}=1",
        )


def operator_name() -> str:
    """Returns who asks, for the record."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "operator"
