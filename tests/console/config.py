"""Writes the Serve config that the console is tried with: that of a canary, and a release that is
equal to the one with the traffic, so that a rollout of it must be promoted.

    python -m tests.console.config FILE
"""

import sys
from pathlib import Path
from typing import Any

SOURCE = Path("serve_config.canary.yaml")
TWIN = "twin"


def console_config() -> dict[str, Any]:
    """Returns the config. Its links lead to where nothing has to be."""
    import yaml  # the environment of the browser, which has none, wants to know the names

    config: dict[str, Any] = yaml.safe_load(SOURCE.read_text(encoding="utf-8"))
    gateway = next(one for one in config["applications"] if one["name"] == "gateway")
    gateway["args"]["links"] = {"grafana": "http://127.0.0.1:3000/d/ragserve"}
    (ingress,) = gateway["deployments"]
    releases = ingress["user_config"]["releases"]
    releases[TWIN] = dict(releases["minilm-extractive"])
    return config


def main() -> None:
    """Writes it where the first argument says."""
    import yaml

    file = Path(sys.argv[1])
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(yaml.safe_dump(console_config(), sort_keys=False), encoding="utf-8")


if __name__ == "__main__":
    main()
