"""What of a config file is measured."""

from pathlib import Path

import pytest

from benchmarks.quality.deployed import (
    DEFAULT_CONFIG,
    parse_change,
    read_deployed,
    with_changes,
    with_settings,
)
from deployments.contracts.errors import ConfigError

CONFIG = """
http_options: {host: 127.0.0.1}
applications:
  - name: gateway
    import_path: app.builder:build_gateway
    deployments:
      - name: Ingress
        user_config:
          releases:
            plain: {retrieval: first, generator: writer, top_k: 20}
            tried: {retrieval: second, generator: [writer, other], top_k: 40}
          traffic: {plain: 0.9, tried: 0.1}
  - name: first
    import_path: app.builder:build_retrieval
    args: {store: {url: "http://127.0.0.1:1"}, max_chunk_tokens: 128}
  - name: second
    import_path: app.builder:build_retrieval
    args: {store: {url: "http://127.0.0.1:2"}}
  - name: writer
    import_path: app.builder:build_generator
  - name: other
    import_path: app.builder:build_generator
    args: {name: other}
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "serve.yaml"
    file.write_text(CONFIG)
    return file


def test_release_with_the_most_traffic_is_taken(config: Path) -> None:
    deployed = read_deployed(config)
    assert deployed.name == "plain"
    assert deployed.release.top_k == 20
    assert deployed.retrieval["max_chunk_tokens"] == 128
    assert deployed.generators == {"writer": {}}


def test_release_can_be_named(config: Path) -> None:
    deployed = read_deployed(config, "tried")
    assert deployed.release.top_k == 40
    assert deployed.retrieval == {"store": {"url": "http://127.0.0.1:2"}}
    assert deployed.generators == {"writer": {}, "other": {"name": "other"}}


def test_unknown_release_is_refused_with_those_there_are(config: Path) -> None:
    with pytest.raises(ConfigError, match=r"no release 'none'. It has: plain, tried"):
        read_deployed(config, "none")


def test_file_without_a_gateway_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "serve.yaml"
    file.write_text("applications: [{name: writer, import_path: app.builder:build_generator}]")
    with pytest.raises(ConfigError, match="no gateway"):
        read_deployed(file)


def test_own_config_file_can_be_measured() -> None:
    deployed = read_deployed(DEFAULT_CONFIG)
    assert deployed.name in deployed.live.releases
    assert "store" in deployed.retrieval


def test_changes_leave_the_rest_and_the_original() -> None:
    args = {"embedder": {"model": "m", "threads": 1}, "store": {}}
    changed = with_changes(args, {"embedder.threads": 2, "reranker.engine": "x"})
    assert changed == {
        "embedder": {"model": "m", "threads": 2},
        "store": {},
        "reranker": {"engine": "x"},
    }
    assert args["embedder"] == {"model": "m", "threads": 1}


def test_change_below_a_value_is_refused() -> None:
    with pytest.raises(ConfigError, match="no place"):
        with_changes({"a": 1}, {"a.b": 2})


def test_value_of_a_change_is_yaml() -> None:
    assert parse_change("embedder.threads=2") == ("embedder.threads", 2)
    assert parse_change("a=b=c") == ("a", "b=c")


@pytest.mark.parametrize("text", ["embedder.threads", "=2", "a=[1"])
def test_change_in_another_form_is_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        parse_change(text)


def test_settings_go_to_the_part_that_they_name(config: Path) -> None:
    changes = {
        "retrieval.embedder.threads": 2,
        "release.top_k": 7,
        "generator.extractive.max_sentences": 1,
    }
    deployed = with_settings(read_deployed(config), changes)
    assert deployed.release.top_k == 7
    assert deployed.live.releases["tried"].top_k == 40
    assert deployed.retrieval["embedder"] == {"threads": 2}
    assert deployed.generators == {"writer": {"extractive": {"max_sentences": 1}}}


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("embedder.threads", 2),
        ("retrieval", 2),
        ("retrieval.embedder.colour", "red"),
        ("release.top_k", 0),
        ("generator.engine", "none"),
    ],
)
def test_setting_that_is_not_right_is_named(config: Path, place: str, value: object) -> None:
    with pytest.raises(ConfigError, match=place):
        with_settings(read_deployed(config), {place: value})
