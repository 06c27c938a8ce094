"""A config for one machine is refused for several, with every reason at once."""

from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.settings.checks.several_nodes import check_for_several_nodes
from deployments.contracts.errors import ConfigError

ROOT = Path(__file__).parents[5]
GOOD: dict[str, Any] = yaml.safe_load((ROOT / "serve_config.cluster.yaml").read_text())


def refusal(content: dict[str, Any]) -> list[str]:
    with pytest.raises(ConfigError) as refused:
        check_for_several_nodes(content, "file.yaml")
    first, *problems = str(refused.value).splitlines()
    assert first == "file.yaml: the cluster has several nodes."
    return problems


def test_the_shipped_file_for_clusters_is_taken() -> None:
    check_for_several_nodes(GOOD, "serve_config.cluster.yaml")


def test_the_file_for_one_machine_is_refused_with_every_place() -> None:
    problems = refusal(yaml.safe_load((ROOT / "serve_config.yaml").read_text()))
    assert [problem.split()[0] for problem in problems] == [
        "proxy_location",
        "http_options.host",
        "gateway.args.tracing.otlp_url",
        "retrieval-minilm.args.store.url",
        "control.args.tracker.mlflow_url",
    ]


@pytest.mark.parametrize(
    ("application", "args", "place"),
    [
        ("control", {"database_url": "sqlite:////data/control.db"}, "control.args.database_url"),
        ("gateway", {"access": {"database_url": "sqlite:///a.db"}}, "gateway.args.access.database"),
        ("gateway", {"x": [{"url": "http://localhost:9"}]}, "gateway.args.x[0].url"),
        ("gateway", {"x": "redis://[::1]:6390/0"}, "gateway.args.x is"),
    ],
)
def test_what_leads_to_one_node_is_named(application: str, args: Any, place: str) -> None:
    content = deepcopy(GOOD)
    (found,) = (one for one in content["applications"] if one["name"] == application)
    found["args"] |= args
    (problem,) = refusal(content)
    assert problem.startswith(place)


@pytest.mark.parametrize("text", ["http://[broken", "localhost", "sqlite is a file", "a: b://"])
def test_other_texts_are_none_of_its_business(text: str) -> None:
    content = deepcopy(GOOD)
    content["applications"][0]["args"]["x"] = text
    check_for_several_nodes(content, "file.yaml")


def test_serves_own_defaults_are_those_of_a_cluster() -> None:
    content = deepcopy(GOOD)
    del content["proxy_location"], content["http_options"]
    check_for_several_nodes(content, "file.yaml")
