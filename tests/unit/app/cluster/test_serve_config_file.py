"""What is sent of a Serve config file, and which files are refused."""

from pathlib import Path

import pytest

from app.client.errors import CliError
from app.cluster.serve_config import base_url, load_serve_config
from app.cluster.serve_schema import dropped_keys

TEXT = """
http_options: {host: 0.0.0.0, port: 8080, request_timeout_s: 60}
applications:
  - {name: gateway, route_prefix: /, import_path: "a:b"}
  - {name: control, import_path: "a:c"}
"""


def write(folder: Path, text: str) -> Path:
    file = folder / "serve_config.yaml"
    file.write_text(text)
    return file


def test_the_file_decides_the_address(tmp_path: Path) -> None:
    config = load_serve_config(write(tmp_path, TEXT))
    assert (config.host, config.port) == ("0.0.0.0", 8080)
    assert config.application_names == ("gateway", "control")


def test_a_port_on_the_command_line_wins_and_nothing_else_changes(tmp_path: Path) -> None:
    file = write(tmp_path, TEXT)
    config = load_serve_config(file, port=9999)
    plain = load_serve_config(file)
    assert config.port == 9999
    assert config.document["http_options"]["request_timeout_s"] == 60
    assert config.document["applications"] == plain.document["applications"]
    assert config.fingerprint != plain.fingerprint


def test_a_file_without_an_address_is_served_on_loopback(tmp_path: Path) -> None:
    config = load_serve_config(write(tmp_path, "applications: [{name: a}]"))
    assert (config.host, config.port) == ("127.0.0.1", 8000)


def test_a_comment_changes_no_fingerprint(tmp_path: Path) -> None:
    before = load_serve_config(write(tmp_path, TEXT)).fingerprint
    assert load_serve_config(write(tmp_path, "# hello\n" + TEXT)).fingerprint == before


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [", "cannot be read as YAML"),
        ("[]", "is not a Serve config"),
        ("applications: []", "is not a Serve config"),
        ("applications: [1]", "is not a Serve config"),
    ],
    ids=["broken", "list", "empty", "no-mappings"],
)
def test_a_file_that_is_no_config_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(CliError, match=message):
        load_serve_config(write(tmp_path, text))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(CliError, match=r"There is no config file .*none\.yaml"):
        load_serve_config(tmp_path / "none.yaml")


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:80"),
        ("0.0.0.0", "http://127.0.0.1:80"),
        ("b", "http://b:80"),
    ],
)
def test_every_interface_is_reached_on_loopback(host: str, url: str) -> None:
    assert base_url(host, 80) == url


def test_keys_that_a_schema_dropped_are_found_at_any_depth() -> None:
    given = {"a": {"b": 1, "c": 2}, "list": [{"d": 1}, {"e": 1}], "f": {1: 2}}
    kept = {"a": {"b": 1}, "list": [{"d": 1}, {}], "f": {1: 2}}
    assert dropped_keys(given, kept) == ["a.c", "list.1.e"]
