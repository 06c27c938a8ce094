"""Writes into a config which code it is for, so that other code is a change of it.

Serve tells versions of an application apart by its import path, its runtime environment and its
arguments. The code behind them it does not look at: a new package with an unchanged file would
replace no replica, and those that autoscaling adds later would run it beside the old ones.
"""

import hashlib
import importlib.metadata
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from app.cluster.serve_config import ServeConfig

VERSION_VARIABLE = "RAGSERVE_VERSION"
_BUILDERS = "app.builder:"
_ROOMS = ("app", "deployments")
_NO_CODE = {".pyc", ".pyo"}


def stamped(config: ServeConfig) -> ServeConfig:
    """Returns the config with the version of the code in the environment of each application that
    is ours; one that names a version itself keeps that."""
    applications = [_with_version(app) for app in config.document["applications"]]
    return replace(config, document={**config.document, "applications": applications})


@cache
def code_version() -> str:
    """Returns the version of the package and a digest of its files, such as `0.1.0+3f29ac10`."""
    root = Path(__file__).parents[2]
    digest = hashlib.sha256()
    for room in _ROOMS:
        for file in sorted((root / room).rglob("*")):
            if file.suffix not in _NO_CODE and file.is_file():
                digest.update(file.relative_to(root).as_posix().encode())
                digest.update(hashlib.sha256(file.read_bytes()).digest())
    try:
        version = importlib.metadata.version("ragserve")
    except importlib.metadata.PackageNotFoundError:
        version = "0"
    return f"{version}+{digest.hexdigest()[:8]}"


def _with_version(application: dict[str, Any]) -> dict[str, Any]:
    if not str(application.get("import_path", "")).startswith(_BUILDERS):
        return application
    environment = dict(application.get("runtime_env") or {})
    variables = {VERSION_VARIABLE: code_version()} | dict(environment.get("env_vars") or {})
    return {**application, "runtime_env": environment | {"env_vars": variables}}
