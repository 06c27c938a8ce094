"""Whether a request may come from a web page of somebody else, open in a browser near the service.

A browser lets any page send requests to any address. Two kinds reach a service that has no keys:
requests under a name of the attacker's that leads to this machine (DNS rebinding), which may read
the answers, and forms, which may write although the page sees no answer.
"""

from collections.abc import Collection
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers

from deployments.contracts.errors import Forbidden

PROGRAM_HEADER = "x-ragserve-request"
"""No page of another site can send it without being asked first, and we do not answer that."""

_INSIDE = (".localhost", ".internal", ".cluster.local")
"""Ends of names that nobody can register."""

_FORMS = ("multipart/form-data", "application/x-www-form-urlencoded", "text/plain")
_SHOWN_CHARS = 100


def check_host(headers: Headers, allowed: Collection[str]) -> None:
    """Makes sure that the service is asked by a name that is its own.

    Addresses are, and names without a dot and those that nobody can register: no attacker's domain
    is among them.

    Args:
        headers: Of the request. One without `Host` comes from no browser.
        allowed: Other names, in lower case; `*.example.org` stands for all below, `*` for any.

    Raises:
        Forbidden: it is asked by another name.
    """
    host = _name_of(headers.get("host", ""))
    if not host or "." not in host or host.endswith(_INSIDE) or _is_address(host):
        return
    if "*" in allowed or host in allowed:
        return
    parent = host
    while "." in parent:
        parent = parent.partition(".")[2]
        if f"*.{parent}" in allowed:
            return
    raise Forbidden(
        f"This service is not asked by the name '{host[:_SHOWN_CHARS]}'. Operators add it to "
        "`allowed_hosts` of the gateway."
    )


def check_form(method: str, headers: Headers, trusted: Collection[str] = ()) -> None:
    """Makes sure that no page of another site sends a form.

    Args:
        method: Of the request.
        headers: Of the request.
        trusted: Origins of pages that may; `*` for any.

    Raises:
        Forbidden: a browser says that one does.
    """
    if method in ("GET", "HEAD", "OPTIONS") or PROGRAM_HEADER in headers:
        return
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind and kind not in _FORMS:
        return
    site, origin = headers.get("sec-fetch-site", ""), headers.get("origin")
    if "*" in trusted or origin in trusted:
        return
    is_foreign = origin is not None and _authority(origin) != headers.get("host", "").lower()
    if is_foreign or site in ("cross-site", "same-site"):
        raise Forbidden(
            "A form from another site is not taken. A program that names an origin sends the "
            f"header {PROGRAM_HEADER.title()}: 1 as well."
        )


def _name_of(host: str) -> str:
    """Returns the name of a `Host` header without its port and final dot, in lower case."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return host.lower()
    return name.rstrip(".")


def _authority(origin: str) -> str:
    """Returns host and port of an `Origin` header; `null` is that of no site."""
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""


def _is_address(host: str) -> bool:
    try:
        ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True
