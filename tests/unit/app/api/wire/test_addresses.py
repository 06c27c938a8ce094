"""Where a link to a source may lead."""

import pytest

from app.api.wire.addresses import address_of
from deployments.contracts.documents import Chunk


@pytest.mark.parametrize(
    ("url", "path", "address"),
    [
        ("https://example.org/a", "a.md", "https://example.org/a"),
        (" http://example.org ", "a.md", "http://example.org"),
        ("javascript:alert(1)", "a.md", "a.md"),
        ("java\nscript:alert(1)", "a.md", "a.md"),
        ("JavaScript:alert(1)", "a.md", "a.md"),
        ("data:text/html,x", "a.md", "a.md"),
        ("file:///etc/hosts", "a.md", "a.md"),
        ("//example.org/a", "a.md", "a.md"),
        ("http://[", "a.md", "a.md"),
        (7, "a.md", "a.md"),
        (None, "docs/a b.md", "docs/a b.md"),
        (None, "https://example.org/b", "https://example.org/b"),
        (None, "javascript:alert(1)", "./javascript:alert(1)"),
        (None, "/srv/a.md", "/srv/a.md"),
    ],
)
def test_an_address_leads_to_the_web_or_is_the_path(
    url: str | int | None, path: str, address: str
) -> None:
    metadata = {} if url is None else {"url": url}
    assert address_of(Chunk("c", "d", 0, "text", path, "", metadata=metadata)) == address
