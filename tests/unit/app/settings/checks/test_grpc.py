"""What a config says of gRPC, and the mistakes in it."""

import re
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.cluster.serve_schema import check_serve_schema
from app.settings.check import check_content
from app.settings.checks.grpc import SERVICERS
from deployments.contracts.errors import ConfigError

ROOT = Path(__file__).parents[5]
SHIPPED = ("serve_config.yaml", "serve_config.cluster.yaml")


def config(**options: Any) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((ROOT / "serve_config.yaml").read_text())
    content["grpc_options"] = {"port": 9000, "grpc_servicer_functions": list(SERVICERS), **options}
    return content


@pytest.mark.parametrize("function", SERVICERS)
def test_every_function_can_be_imported_where_serve_looks(function: str) -> None:
    module, _, name = function.rpartition(".")
    assert callable(getattr(import_module(module), name))


@pytest.mark.parametrize("name", SHIPPED)
def test_the_block_that_a_config_shows_is_one_that_serve_takes(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    assert "grpc_options" not in yaml.safe_load(text), "off by default"
    block = re.search(r"^# grpc_options:.*\n(# .*\n)+", text, re.MULTILINE)
    assert block is not None
    content = yaml.safe_load(text.replace(block[0], re.sub(r"^# ", "", block[0], flags=re.M)))
    assert tuple(content["grpc_options"]["grpc_servicer_functions"]) == SERVICERS
    check_serve_schema(content, source=name)
    check_content(content, name)


def test_nothing_is_asked_of_a_config_without_functions() -> None:
    check_content(config(grpc_servicer_functions=[], request_timeout_s=1), "file")


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "misspelt": ({"grpc_servicer_functions": ["ragserve.v1.rag_pb2_grpc.add_Rag"]}, "serves"),
    "port of HTTP": ({"port": 8000}, "port of HTTP"),
    "cuts streams": ({"request_timeout_s": 60}, "cut streams"),
}


@pytest.mark.parametrize(("options", "said"), WRONG.values(), ids=WRONG.keys())
def test_a_mistake_is_named(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        check_content(config(**options), "file")


def test_two_applications_with_a_route_are_one_too_many() -> None:
    content = config()
    content["applications"].append({"name": "other", "import_path": "other:app"})
    with pytest.raises(ConfigError, match="route_prefix"):
        check_content(content, "file")
