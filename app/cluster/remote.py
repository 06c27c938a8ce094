"""A cluster that somebody else started: deployed to, looked at and shut down by its address."""

import os
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from app.client.errors import CliError
from app.cluster.nodes import Node, require_no_single_machine, require_room
from app.cluster.roll_out import roll_out
from app.cluster.serve_api import ApplicationStatus, ServeApi
from app.cluster.serve_config import ServeConfig
from app.cluster.stamp import stamped
from app.cluster.timeline import Timeline

_TOKEN_VARIABLE = "RAY_AUTH_TOKEN"
_TOKEN_PATH_VARIABLE = "RAY_AUTH_TOKEN_PATH"
_SHUTDOWN_TIMEOUT_S = 900.0
"""Replicas end what they have begun."""


class RemoteCluster:
    """One Ray cluster.

    Args:
        address: Of its dashboard, such as `http://head:8265`.
        token_file: Holds its token; None takes that of the environment, as Ray's own commands do.

    Raises:
        CliError: the address is none.
    """

    def __init__(self, address: str, token_file: Path | None = None) -> None:
        self._api = ServeApi(_checked(address), _token_of(token_file))

    def deploy(
        self,
        config: ServeConfig,
        *,
        check: Callable[[ServeConfig], None],
        timeline: Timeline,
        deadline_s: float,
        api_url: str | None = None,
        room_check: bool = True,
    ) -> None:
        """Checks a config against the cluster, deploys it, and returns once all of it runs.

        Args:
            config: What to deploy.
            check: Raises a CliError for a config that would work nowhere.
            timeline: Gets a step per application.
            deadline_s: On the monotonic clock.
            api_url: Where to wait until the API is ready; None waits for the applications alone.
            room_check: Whether to refuse what has no room on the nodes that are there.

        Raises:
            CliError: it does not fit the cluster, an application failed, or the time is up.
        """
        check(config)
        nodes = self._api.nodes()
        if len(nodes) > 1:
            require_no_single_machine(config.document, config.path.name)
        if room_check:
            require_room(config.document, nodes)
        roll_out(
            stamped(config),
            api=self._api,
            api_url=api_url,
            timeline=timeline,
            deadline_s=deadline_s,
        )

    def look(self) -> tuple[tuple[Node, ...], tuple[ApplicationStatus, ...]]:
        """Returns the nodes, and what is deployed on them.

        Raises:
            CliError: it does not answer.
        """
        return self._api.nodes(), self._api.applications()

    def shut_down(self) -> None:
        """Stops all applications of the cluster, ours or not.

        Raises:
            CliError: it does not answer, or took too long.
        """
        self._api.shut_down(timeout_s=_SHUTDOWN_TIMEOUT_S)


def _checked(address: str) -> str:
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise CliError(
            f"{address} is no address of a Ray dashboard", "It looks like http://head:8265"
        )
    return f"{parts.scheme}://{parts.netloc}"


def _token_of(file: Path | None) -> Callable[[], str]:
    def read() -> str:
        if file is not None:
            return file.read_text(encoding="utf-8")
        if token := os.environ.get(_TOKEN_VARIABLE):
            return token
        path = os.environ.get(_TOKEN_PATH_VARIABLE)
        return Path(path).read_text(encoding="utf-8") if path else ""

    return read
