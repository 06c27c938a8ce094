"""Talks to Serve's REST API on the Ray dashboard: deploy a config, read its state, shut Serve down.

These are the documented requests that `serve deploy` makes too; made directly they need no import
of Ray and read no setting of this shell.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from app.client.errors import CliError

_PATH = "/api/serve/applications/"
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
        token_file: Holds the token that it asks for; read at every call, so that a new one is
            picked up.
        transport: Replaces the network in tests.
    """

    def __init__(
        self, dashboard_url: str, token_file: Path, transport: httpx.BaseTransport | None = None
    ) -> None:
        self._dashboard_url = dashboard_url
        self._token_file = token_file
        self._transport = transport

    def deploy(self, document: dict[str, Any]) -> None:
        """Makes the config the desired state; returns once Serve has accepted it.

        Raises:
            CliError: Serve refused the config, or does not answer.
        """
        response = self._request("PUT", _DEPLOY_TIMEOUT_S, json=document)
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
        response = self._request("GET", _READ_TIMEOUT_S)
        if response.status_code != httpx.codes.OK:
            raise CliError(
                f"Serve does not tell its state (HTTP {response.status_code})",
                detail=_clip(response.text),
            )
        return parse_applications(response.json())

    def shut_down(self, *, timeout_s: float) -> None:
        """Stops all applications; replicas finish their requests and flush what they hold.

        Raises:
            CliError: That took longer, or Serve does not answer.
        """
        self._request("DELETE", timeout_s)

    def _request(self, method: str, timeout_s: float, json: Any = None) -> httpx.Response:
        try:
            token = self._token_file.read_text(encoding="utf-8").strip()
            # trust_env: a proxy that is set for the internet has no business with a port of this
            # machine
            with httpx.Client(
                transport=self._transport, timeout=timeout_s, trust_env=False
            ) as client:
                headers = {"Authorization": f"Bearer {token}"}
                return client.request(
                    method, self._dashboard_url + _PATH, headers=headers, json=json
                )
        except (httpx.HTTPError, OSError) as error:
            raise CliError(
                f"Serve does not answer at {self._dashboard_url}: {type(error).__name__}",
                "See what runs: ragserve status",
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
