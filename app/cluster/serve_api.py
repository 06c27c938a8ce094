"""Talks to Serve's REST API on the Ray dashboard: deploy a config, read its state, shut Serve down;
and to Ray's, for the nodes.

These are the documented requests that `serve deploy` makes too; made directly they need no import
of Ray and read no setting of this shell.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx

from app.client.errors import CliError
from app.cluster.nodes import Node, parse_nodes

_APPLICATIONS = "/api/serve/applications/"
_NODES = "/api/v0/nodes?detail=1"
_DEPLOY_TIMEOUT_S = 60.0  # the first one starts Serve itself
_READ_TIMEOUT_S = 10.0


@dataclass(frozen=True)
class DeploymentStatus:
    """One deployment of an application: Serve's own word for its state, and its replicas."""

    name: str
    status: str
    message: str
    running_replicas: int
    target_replicas: int


@dataclass(frozen=True)
class ApplicationStatus:
    """One application, and why it is in its state where Serve says so."""

    name: str
    status: str
    message: str
    deployments: tuple[DeploymentStatus, ...]

    @property
    def replicas(self) -> str:
        """Running and wanted replicas over all its deployments, such as "2/3"."""
        running = sum(deployment.running_replicas for deployment in self.deployments)
        return f"{running}/{sum(deployment.target_replicas for deployment in self.deployments)}"

    @property
    def explanation(self) -> str:
        """Every message of the application and its deployments."""
        texts = [self.message, *(deployment.message for deployment in self.deployments)]
        return "\n".join(text for text in texts if text)


class ServeApi:
    """A client for one Ray dashboard.

    Args:
        dashboard_url: Where the dashboard listens.
        token: Returns the token that it asks for, empty where it asks for none; called at every
            request, so that a new one is picked up.
        transport: Replaces the network in tests.
    """

    def __init__(
        self,
        dashboard_url: str,
        token: Callable[[], str],
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._dashboard_url = dashboard_url
        self._token = token
        self._transport = transport

    def deploy(self, document: dict[str, Any]) -> None:
        """Makes the config the desired state; returns once Serve has accepted it.

        Raises:
            CliError: Serve refused the config, or does not answer.
        """
        response = self._request("PUT", _APPLICATIONS, _DEPLOY_TIMEOUT_S, json=document)
        if response.status_code != httpx.codes.OK:
            raise CliError(
                f"Serve refused the config (HTTP {response.status_code})",
                detail=_clip(response.text),
            )

    def applications(self) -> tuple[ApplicationStatus, ...]:
        """Returns the state of every application, in the order of their names.

        Raises:
            CliError: Serve does not answer, or not in a way that can be understood.
        """
        return parse_applications(self._read(_APPLICATIONS))

    def nodes(self) -> tuple[Node, ...]:
        """Returns the machines of the cluster that are alive.

        Raises:
            CliError: as `applications`.
        """
        return parse_nodes(self._read(_NODES))

    def shut_down(self, *, timeout_s: float) -> None:
        """Stops all applications; replicas finish their requests and flush what they hold.

        Raises:
            CliError: That took longer, or Serve does not answer.
        """
        self._request("DELETE", _APPLICATIONS, timeout_s)

    def _read(self, path: str) -> dict[str, Any]:
        response = self._request("GET", path, _READ_TIMEOUT_S)
        if response.status_code != httpx.codes.OK:
            raise CliError(
                f"The dashboard does not tell its state (HTTP {response.status_code})",
                detail=_clip(response.text),
            )
        body: dict[str, Any] = response.json()
        return body

    def _request(
        self, method: str, path: str, timeout_s: float, json: Any = None
    ) -> httpx.Response:
        try:
            token = self._token().strip()
            # trust_env: a proxy that is set for the internet has no business with a port of this
            # machine
            with httpx.Client(
                transport=self._transport, timeout=timeout_s, trust_env=False
            ) as client:
                headers = {"Authorization": f"Bearer {token}"} if token else {}
                return client.request(
                    method, self._dashboard_url + path, headers=headers, json=json
                )
        except (httpx.HTTPError, OSError) as error:
            raise CliError(
                f"Serve does not answer at {self._dashboard_url}: {type(error).__name__}",
                "Is the address right, and does it run? On this machine: ragserve status",
            ) from None


def parse_applications(body: dict[str, Any]) -> tuple[ApplicationStatus, ...]:
    """Returns what Serve's answer says about each application."""
    return tuple(
        ApplicationStatus(
            name=name,
            status=str(application.get("status", "")),
            message=str(application.get("message") or ""),
            deployments=tuple(
                _parse_deployment(deployment_name, deployment)
                for deployment_name, deployment in sorted(
                    (application.get("deployments") or {}).items()
                )
            ),
        )
        for name, application in sorted((body.get("applications") or {}).items())
    )


def _parse_deployment(name: str, deployment: dict[str, Any]) -> DeploymentStatus:
    replicas = deployment.get("replicas") or []
    return DeploymentStatus(
        name=name,
        status=str(deployment.get("status", "")),
        message=str(deployment.get("message") or ""),
        running_replicas=sum(replica.get("state") == "RUNNING" for replica in replicas),
        target_replicas=int(deployment.get("target_num_replicas") or 0),
    )


def _clip(text: str, limit: int = 1500) -> str:
    return text if len(text) <= limit else text[:limit] + " ..."
