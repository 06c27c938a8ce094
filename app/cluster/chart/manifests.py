"""From files of values to manifests as text, with the Serve file checked that is inside."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from app.client.errors import CliError
from app.cluster.chart.render import merged, render_chart
from app.cluster.checks import check_config
from app.cluster.nodes import require_no_single_machine
from app.cluster.serve_config import ServeConfig


def read_values(paths: Iterable[Path], *, config: Path | None = None) -> dict[str, Any]:
    """Returns what files of values say, a later file over an earlier one.

    Args:
        paths: The files.
        config: A Serve file that is deployed in place of the preset.

    Raises:
        CliError: one cannot be read, or is no mapping.
    """
    values: dict[str, Any] = {}
    for path in paths:
        try:
            found = yaml.safe_load(_text_of(path)) or {}
        except yaml.YAMLError as error:
            reason = " ".join(str(error).split())
            raise CliError(f"{path} cannot be read as YAML: {reason}") from None
        if not isinstance(found, dict):
            raise CliError(f"{path} is no mapping of values")
        values = merged(values, found)
    return values if config is None else merged(values, {"serve": {"config": _text_of(config)}})


def manifests(values: Mapping[str, Any], *, release: str, namespace: str) -> dict[str, str]:
    """Returns the text of each manifest by its file name.

    Raises:
        CliError: the values do not fit the chart, or the Serve file does not fit its applications
            or a cluster.
    """
    rendered = render_chart(values, release=release, namespace=namespace)
    for objects in rendered.values():
        for one in objects:
            if one["kind"] == "RayService":
                check_embedded(one["spec"]["serveConfigV2"])
    return {name: "---\n".join(_dump(one) for one in objects) for name, objects in rendered.items()}


def check_embedded(text: str) -> None:
    """Checks a Serve file as `ragserve deploy` does for a cluster of several machines.

    Raises:
        CliError: what is wrong with it.
    """
    config = ServeConfig(Path("serveConfigV2").resolve(), yaml.safe_load(text))
    check_config(config)
    require_no_single_machine(config.document, config.path.name)


def _text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CliError(f"{path} cannot be read: {error}") from None


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as blocks: the Serve file stays readable."""


def _represent(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _represent)


def _dump(document: Mapping[str, Any]) -> str:
    return yaml.dump(document, Dumper=_Dumper, sort_keys=False, width=1000, allow_unicode=True)
