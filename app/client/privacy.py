"""Where a key may go: over https, or to this machine."""

import os
from ipaddress import ip_address
from urllib.parse import urlsplit

IN_CLEAR = "RAGSERVE_ALLOW_HTTP"
"""The variable that, when it is set, allows a key over http: for networks closed to others."""


def travels_in_clear(address: str) -> bool:
    """Returns whether others on the way to an address could read a key."""
    parts = urlsplit(address)
    is_clear = parts.scheme in ("http", "grpc")
    return is_clear and not is_loopback(parts.hostname) and not os.environ.get(IN_CLEAR)


def is_loopback(host: str | None) -> bool:
    """Returns whether a host is this machine, whatever any name server says."""
    if host == "localhost":
        return True
    try:
        return ip_address(host or "").is_loopback
    except ValueError:
        return False
