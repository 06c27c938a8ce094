"""What the control application knows of the service that runs: which replicas there are, and how
much each gateway takes on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class GatewayLoad:
    """How busy one replica of the gateway is.

    Attributes:
        open_requests: Requests that are under way, by their weight.
        limit: How many it takes on at once, at this moment.
    """

    open_requests: int
    limit: int


@dataclass(frozen=True, slots=True)
class DeploymentState:
    """One deployment, as Serve has it.

    Attributes:
        name: Its name.
        status: In Serve's words, such as HEALTHY.
        replicas: How many there are of each state, in Serve's words, such as RUNNING.
        message: Why it is as it is; empty where all is well.
    """

    name: str
    status: str
    replicas: Mapping[str, int]
    message: str = ""


@dataclass(frozen=True, slots=True)
class ApplicationState:
    """One application, as Serve has it; see `DeploymentState`."""

    name: str
    status: str
    deployments: Sequence[DeploymentState]
    message: str = ""


@dataclass(frozen=True, slots=True)
class ServiceState:
    """All of it; `gateways` has what each replica of the gateway said last, by its name."""

    gateways: Mapping[str, GatewayLoad]
    applications: Sequence[ApplicationState]
