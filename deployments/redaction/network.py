"""IP and hardware addresses. What every machine has (loopback, any, netmasks) is nobody's."""

import re
from collections.abc import Iterator
from ipaddress import AddressValueError, IPv4Address, IPv6Address

from deployments.redaction.findings import Finding

_OCTET = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_IPV4_HINT = re.compile(r"\.\d{1,3}\.\d")
_IPV4 = re.compile(
    rf"(?a:(?<![\w.])(?:{_OCTET}\.){{3}}{_OCTET}(?!\w|\.\d|-(?:rc|a|alpha|b|beta|dev|post)\d))"
)
_VERSION = re.compile(r"(?i)(?:\b(?:v|ec|version|release))[ :=]{0,2}$|[\w-][=~<>]=\s?$")

_IPV6_HINT = re.compile(r":[0-9A-Fa-f]{0,4}:")
_IPV6 = re.compile(r"(?a:(?<![\w:.])[0-9A-Fa-f]{1,4}:[0-9A-Fa-f:.]{2,42}(?<![:.])(?![\w]))")

# Two patterns that begin with a fixed character are faster than one with a class.
_MAC_HINTS = (re.compile(":[0-9A-Fa-f]{2}:"), re.compile("-[0-9A-Fa-f]{2}-"))
_MAC = re.compile(
    r"(?a:(?<![\w:-])[0-9A-Fa-f]{2}([:-])[0-9A-Fa-f]{2}(?:\1[0-9A-Fa-f]{2}){4}(?![\w:-]))"
)


def find_ipv4(text: str) -> Iterator[Finding]:
    """Yields the IPv4 addresses of a text."""
    hint = _IPV4_HINT.search(text)
    if not hint:
        return
    for match in _IPV4.finditer(text, max(0, hint.start() - 4)):
        address = IPv4Address(match.group())
        if address.is_loopback or address.is_unspecified or match.group().startswith("255."):
            continue
        if not _VERSION.search(text[max(0, match.start() - 12) : match.start()]):
            yield Finding(match.start(), match.end(), "IP")


def find_ipv6(text: str) -> Iterator[Finding]:
    """Yields the IPv6 addresses of a text."""
    if text.count(":") < 2 or not _IPV6_HINT.search(text):
        return
    for match in _IPV6.finditer(text):
        if _is_someones(match.group()):
            yield Finding(match.start(), match.end(), "IP")


def _is_someones(written: str) -> bool:
    # A slice such as a[1::2] and a scope such as ab::cd are well-formed addresses too.
    if len(written.split(":", 1)[0]) < 3 or not any(map(str.isdigit, written)):
        return False
    try:
        return not IPv6Address(written).is_loopback
    except AddressValueError:
        return False


def find_macs(text: str) -> Iterator[Finding]:
    """Yields the hardware addresses of a text."""
    if not any(hint.search(text) for hint in _MAC_HINTS):
        return
    for match in _MAC.finditer(text):
        yield Finding(match.start(), match.end(), "MAC")
