"""Reads a Serve config file and decides what of it is sent: the file as it is; for the local stack
on a loopback port.

Serve itself validates the content (`serve_schema`), and `app.settings` validates
the arguments of our applications.
"""

import hashlib
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from app.client.errors import CliError

LOOPBACK = "127.0.0.1"
DEFAULT_API_PORT = 8000
DEFAULT_GRPC_PORT = 9000
_ALL_INTERFACES = ("0.0.0.0", "::")


@dataclass(frozen=True)
class ServeConfig:
    """A Serve config ready to be sent, and the file it came from."""

    path: Path
    document: dict[str, Any]

    @property
    def host(self) -> str:
        return str(self.document["http_options"]["host"])

    @property
    def port(self) -> int:
        return int(self.document["http_options"]["port"])

    @property
    def grpc_port(self) -> int | None:
        """The port of gRPC; None where no service is served over it."""
        options = self.document.get("grpc_options") or {}
        if not options.get("grpc_servicer_functions"):
            return None
        return int(options.get("port", DEFAULT_GRPC_PORT))

    @property
    def application_names(self) -> tuple[str, ...]:
        return tuple(str(app.get("name", "default")) for app in self.document["applications"])

    @property
    def fingerprint(self) -> str:
        """A digest of the content: two files that mean the same have the same one."""
        text = json.dumps(self.document, sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()


def load_serve_config(path: Path, *, port: int | None = None) -> ServeConfig:
    """Returns the config in `path`, with the HTTP address filled in.

    Args:
        path: The YAML file.
        port: Overrides `http_options.port`. None keeps the file's, or 8000 where it names none.

    Raises:
        CliError: There is no such file, or it is not a Serve config.
    """
    config = load_cluster_config(path)
    http_options = dict(config.document.get("http_options") or {})
    # Serve's own default in a config file is every interface: too open for a laptop.
    http_options.setdefault("host", LOOPBACK)
    http_options.setdefault("port", DEFAULT_API_PORT)
    if port is not None:
        http_options["port"] = port
    return replace(config, document={**config.document, "http_options": http_options})


def load_cluster_config(path: Path) -> ServeConfig:
    """Returns the config in `path` as it is.

    Raises:
        CliError: There is no such file, or it is not a Serve config.
    """
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        hint = "Write one: ragserve init. Or name a file: --config PATH"
        raise CliError(f"There is no config file {path}", hint) from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise CliError(f"{path} cannot be read as YAML: {reason}") from None
    if not isinstance(document, dict) or not _is_application_list(document.get("applications")):
        hint = "It needs a list `applications:`, see the Serve config file format."
        raise CliError(f"{path} is not a Serve config", hint)
    return ServeConfig(path=path.resolve(), document=document)


def base_url(host: str, port: int) -> str:
    """Returns the URL at which this machine reaches a server that is bound to `host`."""
    return f"http://{LOOPBACK if host in _ALL_INTERFACES else host}:{port}"


def _is_application_list(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, dict) for item in value)
