"""A config that asks for keys, whatever its file says: what `ragserve up --auth` deploys."""

import copy
from dataclasses import replace

from app.client.errors import CliError
from app.cluster.serve_config import ServeConfig

_GATEWAY = "app.builder:build_gateway"


def with_keys_required(config: ServeConfig) -> ServeConfig:
    """Returns the config with `auth: required` at its gateway.

    Raises:
        CliError: the config has no gateway.
    """
    document = copy.deepcopy(config.document)
    gateways = [entry for entry in document["applications"] if entry.get("import_path") == _GATEWAY]
    if not gateways:
        raise CliError(f"{config.path.name} has no gateway", "--auth closes one")
    for gateway in gateways:
        gateway["args"] = {**(gateway.get("args") or {}), "auth": "required"}
    return replace(config, document=document)
