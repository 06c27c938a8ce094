"""Renders the chart that comes with the package, for those who have no Helm.

The chart's own templates are run, so that there is one source; a test compares what comes out with
what Helm makes of them.
"""

from collections.abc import Iterator, Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

import yaml

from app.client.errors import CliError
from app.cluster.chart.evaluation import Templates
from app.cluster.chart.syntax import TemplateError, parse

_SERVICE = "ragserve"
"""Where Helm writes its name: who takes care of the objects."""


def render_chart(
    values: Mapping[str, Any], *, release: str, namespace: str, chart: Traversable | None = None
) -> dict[str, list[dict[str, Any]]]:
    """Returns the objects of each template that makes some, by the template's file name.

    Args:
        values: What differs from the chart's `values.yaml`.
        release: The name under which all of it is deployed.
        namespace: Where to.
        chart: Its folder; None is the one of the package.

    Raises:
        CliError: a value is unknown or does not fit, or the chart refuses them together.
    """
    folder = files("app.defaults") / "chart" if chart is None else chart
    described = yaml.safe_load(_read(folder, "Chart.yaml"))
    settings = merged(yaml.safe_load(_read(folder, "values.yaml")), values)
    _check(settings, _read(folder, "values.schema.json"))
    dot = {
        "Values": settings,
        "Release": {"Name": release, "Namespace": namespace, "Service": _SERVICE},
        "Chart": {"AppVersion": described["appVersion"]},
        "Files": _Files(folder),
    }
    sources = dict(_sources(folder))
    templates = Templates()
    for name, text in sources.items():
        if name.endswith(".tpl"):
            templates.define(parse(text))
    rendered = {}
    for name, text in sources.items():
        if not name.endswith(".yaml"):
            continue
        try:
            written = templates.run(parse(text), dot)
        except TemplateError as error:
            raise CliError(f"The chart refuses the values: {error}") from None
        objects = [one for one in yaml.safe_load_all(written) if one]
        for one in objects:
            one["metadata"]["namespace"] = namespace
        if objects:
            rendered[name] = objects
    return rendered


class _Files(dict[str, Any]):
    """The chart's files, under the one name that templates call: `.Files.Get`."""

    def __init__(self, folder: Traversable) -> None:
        super().__init__(Get=lambda name: _read(folder, name))


def _sources(folder: Traversable) -> Iterator[tuple[str, str]]:
    for file in sorted((folder / "templates").iterdir(), key=lambda file: file.name):
        if file.is_file():
            yield file.name, file.read_text(encoding="utf-8")


def _read(folder: Traversable, name: str) -> str:
    return folder.joinpath(*name.split("/")).read_text(encoding="utf-8")


def merged(given: Any, over: Any) -> Any:
    """Returns values with others on top: mappings are joined, all else is replaced; null takes a
    default away, as with Helm."""
    if not isinstance(given, dict) or not isinstance(over, Mapping):
        return over
    joined = {**given, **{name: merged(given.get(name), value) for name, value in over.items()}}
    return {name: value for name, value in joined.items() if value is not None}


def _check(values: object, schema: str) -> None:
    """Holds values to the chart's schema."""
    import json

    from jsonschema import Draft7Validator

    problems = [
        f"{'.'.join(str(part) for part in error.path) or 'values'}: {error.message}"
        for error in Draft7Validator(json.loads(schema)).iter_errors(values)
    ]
    if problems:
        raise CliError("The values do not fit the chart", detail="\n".join(sorted(problems)))
