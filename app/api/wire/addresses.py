"""Where a source is, as an address that a client may make a link of."""

from urllib.parse import urlsplit

from deployments.contracts.documents import Chunk

_SCHEMES = ("http", "https")


def address_of(chunk: Chunk) -> str:
    """Returns the metadata `url` of a chunk's document where it leads to the web, else its path. A
    document may say anything of itself, and what a browser would run is no address."""
    url = chunk.metadata.get("url")
    if isinstance(url, str) and _scheme(url) in _SCHEMES:
        return url.strip()
    if _scheme(chunk.path) in ("", *_SCHEMES):
        return chunk.path
    return f"./{chunk.path}"


def _scheme(address: str) -> str:
    """Returns the scheme that a browser would read, which passes over blanks and line ends."""
    try:
        return urlsplit("".join(character for character in address if character > " ")).scheme
    except ValueError:
        return "invalid"
