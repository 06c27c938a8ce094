"""Which checks are made of a machine, of a node, and of a cluster, in the order of the report."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from app.client.errors import CliError
from app.cluster.remote import RemoteCluster
from app.cluster.serve_config import ServeConfig, load_serve_config
from app.doctor.cluster import check_cluster
from app.doctor.finding import Finding, ok, warning, wrong
from app.doctor.machine import (
    check_clock,
    check_memory,
    check_open_files,
    check_python,
    check_shared_memory,
)
from app.doctor.places import (
    check_index,
    check_sqlite_files,
    check_writable,
    index_folders,
    mounted,
)
from app.doctor.ports import check_fallback_ports, check_port
from app.doctor.programs import check_haproxy, check_launcher, check_names, looked_through_first
from app.doctor.services import HttpServers, check_databases, check_http_servers
from app.doctor.variables import (
    check_niceness,
    check_secrets,
    check_settings,
    check_shared_config,
    check_shared_stores,
    check_token,
)
from app.local.home import Home
from app.local.planning import UpOptions, port_needs
from app.local.processes import find_process
from app.local.state import StackState, read_state
from app.storage.opening import CACHE_URL_VARIABLE, DATABASE_URL_VARIABLE, LIMITS_URL_VARIABLE
from deployments.contracts.errors import RagError


@dataclass(frozen=True)
class Examination:
    """What to look at."""

    environment: Mapping[str, str]
    """Of the shell that would start the service."""
    config: Path
    """The Serve config; one that is missing is passed over unless it was named."""
    home: Home
    """The folder of the local stack."""
    node: bool = False
    """Whether this machine is a node of a cluster, not one that `ragserve up` runs all on."""
    named: bool = False
    """Whether a person named the config."""

    def of_machine(self) -> Iterator[Finding]:
        """Yields what is wrong with this machine."""
        config, said = self._read_config()
        yield check_python()
        yield check_memory()
        yield check_shared_memory()
        yield check_open_files()
        yield from check_names(
            looked_through_first(self.environment, config.path if config else None)
        )
        yield check_haproxy()
        if said is not None:
            yield said
        yield from (self._of_node(config) if self.node else self._of_stack(config))
        yield check_writable("for sockets", Path("/tmp"))
        variables = (DATABASE_URL_VARIABLE, LIMITS_URL_VARIABLE, CACHE_URL_VARIABLE)
        yield from check_sqlite_files((name, self.environment.get(name, "")) for name in variables)
        document = config.document if config is not None else None
        for name, folder in index_folders(self.environment, document).items():
            yield from check_index(name, folder, mounted())
        yield from check_databases(self.environment)
        servers = HttpServers()
        if config is not None and (self.node or self._running() is not None):
            yield from check_http_servers(config.document, servers)
        yield check_clock(datetime.now(UTC), servers.times)

    def of_cluster(self, address: str, token_file: Path | None) -> Iterator[Finding]:
        """Yields what is wrong with a cluster, and with the config for it.

        Raises:
            CliError: the address is none.
        """
        config, said = self._read_config()
        if said is not None:
            yield said
        document = config.document if config is not None else None
        yield from check_cluster(RemoteCluster(address, token_file), address, document)
        if config is not None:
            yield from check_shared_config(config.document, config.path.name)

    def _of_node(self, config: ServeConfig | None) -> Iterator[Finding]:
        yield check_launcher(self.environment)
        yield check_token(self.environment)
        yield check_niceness(self.environment)
        yield from check_settings(self.environment)
        yield from check_secrets(self.environment)
        yield from check_shared_stores(self.environment)
        if config is not None:
            yield from check_shared_config(config.document, config.path.name)
        yield from check_fallback_ports(self.environment, moves=False)

    def _of_stack(self, config: ServeConfig | None) -> Iterator[Finding]:
        state = self._running()
        if state is not None:
            yield ok("ports", f"a stack of {self.home.root} runs and has its own")
        elif config is not None:
            options = UpOptions(self.config, None, chroma_port=8100, mlflow_port=5000)
            for need in port_needs(config, options):
                yield check_port(need)
            yield from check_fallback_ports(self.environment, moves=True)
        yield check_writable("of the stack", self.home.root.resolve())
        files = (
            ("control database", self.home.control_database),
            ("limits database", self.home.limits_database),
        )
        yield from check_sqlite_files((name, f"sqlite:///{file.resolve()}") for name, file in files)

    def _running(self) -> StackState | None:
        state = read_state(self.home.state_file)
        alive = state is not None and any(find_process(child) for child in state.children)
        return state if alive else None

    def _read_config(self) -> tuple[ServeConfig | None, Finding | None]:
        """Returns the config, and a finding where it is not one that would be deployed."""
        if not self.config.exists() and not self.named:
            remedy = "Write one: ragserve init. Or name it: --config FILE"
            return None, warning("config", f"there is no {self.config}", remedy)
        try:
            config = load_serve_config(self.config)
        except CliError as error:
            return None, wrong("config", error.message, error.hint or "Mend the file.")
        return config, _check_config(config.document, config.path)


def _check_config(document: Mapping[str, Any], file: Path) -> Finding:
    """Says whether our applications would take the config. What Serve says of it costs an import of
    Ray: `ragserve deploy` asks that, too."""
    from app.settings.check import check_content

    try:
        check_content(document, file.name)
    except (RagError, ValueError) as error:
        return wrong("config", " ".join(str(error).split()), "Mend the file.")
    return ok("config", f"{file} fits its applications")
