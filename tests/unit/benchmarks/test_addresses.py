"""Which services may be put under load."""

import pytest

from benchmarks.addresses import RemoteAddress, check_address


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:8000", "http://localhost", "http://127.3.2.1:1/", "https://[::1]:8443"],
)
def test_this_machine_is_allowed(url: str) -> None:
    assert check_address(url) == url.rstrip("/")


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com",
        "http://127.0.0.1@example.com",
        "http://localhost.example.com",
        "http://0.0.0.0:8000",
        "http://192.168.0.1",
        "http://[::2]",
    ],
)
def test_another_machine_only_on_request(url: str) -> None:
    with pytest.raises(RemoteAddress, match="not this machine"):
        check_address(url)
    assert check_address(url, allow_remote=True) == url


@pytest.mark.parametrize(
    "url", ["", "127.0.0.1:8000", "ftp://127.0.0.1", "http://", "http://127.0.0.1:x", "http://[::1"]
)
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="not an address") as refused:
        check_address(url, allow_remote=True)
    assert not isinstance(refused.value, RemoteAddress)
