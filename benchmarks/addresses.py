"""Which services may be put under load: this machine's, unless somebody insists."""

import ipaddress
from urllib.parse import urlsplit


class RemoteAddress(ValueError):
    """A service that is not on this machine."""


def check_address(url: str, *, allow_remote: bool = False) -> str:
    """Returns the address without a slash at its end.

    Raises:
        RemoteAddress: it is not of this machine, and `allow_remote` is not set.
        ValueError: it is no http or https address. The messages are for the user.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise ValueError(f"'{url}' is not an address.") from error
    if parts.scheme not in ("http", "https") or not host:
        raise ValueError(f"'{url}' is not an address such as http://127.0.0.1:8000.")
    if not (allow_remote or _is_loopback(host)):
        raise RemoteAddress(f"{host} is not this machine: a load test may harm whoever uses it.")
    return url.rstrip("/")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
