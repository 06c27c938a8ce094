"""What the README and the guide show is so: it parses, and names what there is."""

import importlib.util
import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import kubernetes_validate
import pytest
import typer
import yaml
from fastapi import FastAPI
from fastapi.routing import APIRoute
from pydantic import BaseModel, TypeAdapter
from starlette.routing import Match

from app.api.application import create_app
from app.cli.main import app as cli
from app.cluster.serve_schema import check_serve_schema
from app.gateway import make_gateway
from app.releases.releases import Releases
from app.settings.check import check_content
from app.settings.cold.gateway import GatewayArgs
from app.settings.live.gateway import GatewayLive
from app.telemetry.requests import Telemetry
from benchmarks.locust_support.slo import Slo
from deployments.canary.policy import Policy
from deployments.generator.config import GeneratorArgs
from deployments.indexer.json_documents import DocumentsRequest
from tests.doubles import DoubleDirectory
from tests.unit.documentation.examples import PAGES, ROOT, Example, commands, examples

LANGUAGES = {"bash", "python", "json", "jsonl", "yaml", "text", "mermaid", "promql"}
OTHER_COMMANDS = {
    *("source", "serve", "jupyter", "locust", "pipx", "pre-commit", "git", "ray", "openssl"),
    *("chmod", "export", "kubectl", "helm"),
}
VERBS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
_PARTS: dict[str, Any] = {
    "args": GeneratorArgs,
    "user_config": GatewayLive,
    "tracing": GatewayArgs.model_fields["tracing"].annotation,
    "access": GatewayArgs.model_fields["access"].annotation,
    "links": GatewayArgs.model_fields["links"].annotation,
    **{
        name: GatewayLive.model_fields[name].annotation
        for name in ("releases", "recording", "prices", "routing")
    },
}
"""The settings that an example with this key at its top belongs to."""


@pytest.fixture(scope="module")
def gateway() -> FastAPI:
    args = GatewayArgs()
    releases = Releases(DoubleDirectory(), lambda: None)
    return create_app(make_gateway(releases, args, telemetry=Telemetry([])), args)


@pytest.mark.parametrize("example", examples(), ids=str)
def test_every_example_says_its_language(example: Example) -> None:
    assert example.language in LANGUAGES


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_to_files_and_headings_that_exist(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:|mailto:)([^)\s]+)\)", _without_code(page)):
        name, _, heading = target.partition("#")
        file = (page.parent / name).resolve() if name else page
        assert file.exists(), target
        assert not heading or heading in _anchors(file), target


def _anchors(page: Path) -> set[str]:
    """Returns what links to the headings of a page end with, as forges make them."""
    headings = re.findall(r"^#+ (.+)$", _without_code(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def _without_code(page: Path) -> str:
    return re.sub(
        r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE
    )


@pytest.mark.parametrize("example", examples("json", "jsonl"), ids=str)
def test_json_can_be_read(example: Example) -> None:
    for text in [example.body] if example.language == "json" else example.body.splitlines():
        json.loads(text)


@pytest.mark.parametrize("example", examples("python"), ids=str)
def test_python_can_be_compiled(example: Example) -> None:
    compile(example.body, str(example), "exec")


@pytest.mark.parametrize("example", examples("yaml"), ids=str)
def test_settings_are_accepted(example: Example) -> None:
    content = yaml.safe_load(example.body)
    if "scrape_configs" in content:  # of Prometheus
        return
    if "readinessProbe" in content:  # of Kubernetes
        containers = [{"name": "ragserve", "image": "ragserve", **content}]
        spec = {"containers": containers}
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": spec}
        kubernetes_validate.validate(pod, "1.31", strict=True)
        return
    if "grpc_options" in content:
        shipped = yaml.safe_load((ROOT / "serve_config.yaml").read_text(encoding="utf-8"))
        check_serve_schema({**shipped, **content}, source=example.page)
        check_content({**shipped, **content}, example.page)
        return
    if "applications" in content:  # some of them, in place of those of the same names
        shipped = yaml.safe_load((ROOT / "serve_config.yaml").read_text(encoding="utf-8"))
        own = {application["name"]: application for application in content["applications"]}
        shipped["applications"] = [
            {**application, **own.get(application["name"], {})}
            for application in shipped["applications"]
        ]
        check_serve_schema(shipped, source=example.page)
        check_content(shipped, example.page)
        return
    if "steps" in content:
        Policy.model_validate(content)
    elif "endpoints" in content:
        Slo.model_validate(content)
    else:
        for name, part in content.items():
            TypeAdapter(_PARTS[name]).validate_python(part)


@pytest.mark.parametrize("example", examples("bash"), ids=str)
def test_commands_and_their_options_exist(example: Example, gateway: FastAPI) -> None:
    for words in commands(example):
        match words:
            case ["ragserve", *arguments]:
                _parse(arguments)
            case ["make", *arguments]:
                assert {word for word in arguments if "=" not in word} <= VERBS
            case ["python", "-m", module, *arguments]:
                _check_module(module, arguments)
            case ["curl", *arguments]:
                _check_request(gateway, arguments)
            case [program, *_]:
                assert program in OTHER_COMMANDS


def _parse(arguments: list[str]) -> None:
    """Parses a command line as the command does, and runs nothing."""
    command: Any = typer.main.get_command(cli)
    while hasattr(command, "commands"):
        if command.invoke_without_command and (not arguments or arguments[0].startswith("-")):
            break  # a command of its own that has others below it
        name, *arguments = arguments
        assert name in command.commands, f"there is no command {name}"
        command = command.commands[name]
    command.make_context(command.name, list(arguments))


def _check_module(module: str, arguments: list[str]) -> None:
    assert importlib.util.find_spec(module) is not None
    folder = ROOT / module.split(".")[0]
    source = "\n".join(file.read_text(encoding="utf-8") for file in folder.rglob("*.py"))
    for option in (word for word in arguments if word.startswith("--")):
        name = option.removeprefix("--").replace("-", "_")
        assert option in source or re.search(rf"\b{name}\b: Annotated", source), option


def _check_request(gateway: FastAPI, arguments: list[str]) -> None:
    """Checks that the route of a request exists, and takes its parameters and its body."""
    url = urlsplit(next(word for word in arguments if word.startswith(("localhost", "http"))))
    target = urlsplit(f"http://{url.geturl()}") if not url.netloc else url
    body = arguments[arguments.index("-d") + 1] if "-d" in arguments else None
    method = "POST" if body is not None or "-F" in arguments else "GET"
    if "-X" in arguments:
        method = arguments[arguments.index("-X") + 1]
    route = _route_of(gateway, method, target.path)
    asked = {parameter.alias for parameter in route.dependant.query_params}
    for dependency in route.dependant.dependencies:
        asked |= {parameter.alias for parameter in dependency.query_params}
    known = asked | _fields_of_models(route)
    assert parse_qs(target.query).keys() <= known
    if body is not None:
        _model_of(route).validate_json(body)


def _route_of(gateway: FastAPI, method: str, path: str) -> APIRoute:
    scope = {"type": "http", "method": method, "path": path, "headers": [], "root_path": ""}
    for route in gateway.routes:
        if isinstance(route, APIRoute) and route.matches(scope)[0] is Match.FULL:
            return route
    raise AssertionError(f"there is no {method} {path}")


def _fields_of_models(route: APIRoute) -> set[str]:
    """Returns the parameters that are declared together, as the fields of a model."""
    fields: set[str] = set()
    for parameter in route.dependant.query_params:
        annotation = parameter.field_info.annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            fields |= {field.alias or name for name, field in annotation.model_fields.items()}
    return fields


def _model_of(route: APIRoute) -> TypeAdapter[Any]:
    if route.body_field is None:  # it reads JSON and files by itself
        assert route.path == "/v1/documents"
        return TypeAdapter(DocumentsRequest)
    annotation: Any = route.body_field.field_info.annotation
    return TypeAdapter(annotation)
