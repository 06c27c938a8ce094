"""Where a store may lie, and what its collection may be called."""

import pytest
from pydantic import ValidationError

from deployments.retriever.config import RetrieverArgs, StoreArgs


@pytest.mark.parametrize(
    "given",
    [
        {"url": "http://127.0.0.1:8100"},
        {"url": "https://chroma.example"},
        {"url": "http://[::1]:8100", "collection": "a.b-c_d"},
        {"path": "/var/lib/chroma"},
        {"path": "/x", "collection": "abc"},
    ],
    ids=["server", "tls", "ipv6", "folder", "short-name"],
)
def test_a_server_or_a_folder_is_a_store(given: dict[str, str]) -> None:
    assert StoreArgs.model_validate(given).model_dump(exclude_unset=True) == given


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "not both"),
        ({"url": "http://a", "path": "/x"}, "not both"),
        ({"url": "a:8100"}, "http or https"),
        ({"url": "ftp://a"}, "http or https"),
        ({"url": "http://"}, "with a host"),
        ({"url": ""}, "http or https"),
        ({"path": "data/chroma"}, "must be absolute"),
        ({"path": ""}, "must be absolute"),
        ({"path": "/x", "collection": "ab"}, "at least 3"),
        ({"path": "/x", "collection": "a" * 61}, "at most 60"),
        ({"path": "/x", "collection": "-abc"}, "match pattern"),
        ({"path": "/x", "collection": "a b"}, "match pattern"),
        ({"path": "/x", "colection": "abc"}, "Extra inputs"),
    ],
    ids=[
        "neither",
        "both",
        "no-scheme",
        "other-scheme",
        "no-host",
        "empty-url",
        "relative",
        "empty-path",
        "short-name",
        "long-name",
        "bad-start",
        "space",
        "misspelt-key",
    ],
)
def test_anything_else_is_refused(given: dict[str, str], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        StoreArgs.model_validate(given)


def test_settings_never_change() -> None:
    settings = RetrieverArgs(store=StoreArgs(path="/x"))
    with pytest.raises(ValidationError, match="frozen"):
        settings.store.collection = "other"
