"""Brings the stack up: checks, starts the servers at once, deploys the config, leaves them running.

Whatever goes wrong on the way, Ctrl-C included, ends with nothing left behind; only logs stay.
"""

import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import psutil
import yaml

from app.client.errors import CliError
from app.cluster.roll_out import roll_out, step_names
from app.cluster.serve_api import ServeApi
from app.cluster.serve_config import ServeConfig, load_serve_config
from app.cluster.timeline import Timeline
from app.local.closed import require_closed
from app.local.generator_choice import with_generator
from app.local.haproxy import has_haproxy
from app.local.home import Home
from app.local.keys_required import with_keys_required
from app.local.log_keeper import is_kept, keeper_spec
from app.local.log_rotation import archive_rest
from app.local.planning import (
    UpOptions,
    new_state,
    plan_servers,
    port_needs,
    require_chroma_port,
)
from app.local.ports import choose_ports, require_free
from app.local.processes import find_members, find_process, record_child, spawn
from app.local.readiness import require_alive, wait_for_children
from app.local.state import StackState, read_state, write_state
from app.local.stopping import stop_stack

_NO_HAPROXY = "HAProxy is not installed here: Serve's own Python proxy takes the requests."


@dataclass(frozen=True)
class UpResult:
    """What runs now, and how it came about."""

    state: StackState
    was_up: bool
    deployed: bool
    notes: tuple[str, ...] = ()


def _wanted_config(options: UpOptions, *, port: int | None) -> ServeConfig:
    config = load_serve_config(options.config_file, port=port)
    if options.generator is not None:
        config = with_generator(config, options.generator)
    return with_keys_required(config) if options.auth else config


@dataclass(frozen=True)
class Launch:
    """One command that starts or deploys: where, watched by whom, and until when.

    Args:
        home: The stack's folder, as an absolute path.
        timeline: Gets a step per server and application.
        check: Raises a CliError for a config that would not work.
        deadline_s: On the monotonic clock.
    """

    home: Home
    timeline: Timeline
    check: Callable[[ServeConfig], None]
    deadline_s: float

    def bring_up(self, options: UpOptions) -> UpResult:
        """Returns once the stack answers; starts only what does not run yet.

        Raises:
            CliError: Something stands in the way. What this call had started is stopped.
        """
        state = read_state(self.home.state_file)
        members = [] if state is None else find_members(state.instance, state.children)
        if state is not None and members:
            return self._refresh(state, options, members)
        if state is not None:
            stop_stack(
                state, home=self.home
            )  # nothing lives: clears what a crash left of its files
        return self._start(_wanted_config(options, port=options.api_port), options)

    def redeploy(self, config_file: Path | None) -> StackState:
        """Deploys a config to the running stack, whether it changed or not.

        Args:
            config_file: None for the one that was deployed last.

        Raises:
            CliError: Nothing runs, the config is refused, or an application fails. The stack
                stays as it is.
        """
        state = read_state(self.home.state_file)
        if state is None or not any(find_process(child) for child in state.children):
            raise CliError(
                f"Nothing runs of {self.home.root}",
                "Start it: ragserve up (or name its folder: --home)",
            )
        config = load_serve_config(config_file or Path(state.config_file), port=state.api_port)
        self.check(config)
        return self._deploy(state, config)

    def _start(self, config: ServeConfig, options: UpOptions) -> UpResult:
        require_chroma_port(config, options)
        require_free(port_needs(config, options))
        ports = choose_ports(
            api=config.port,
            chroma=options.chroma_port,
            mlflow=options.mlflow_port,
            grpc=config.grpc_port,
        )
        self.home.create()
        code_dir = config.path.parent
        state = new_state(config, ports)
        # Before the first server: whatever happens, a stop finds its processes by the instance.
        write_state(self.home.state_file, state)
        processes: list[subprocess.Popen[bytes]] = []
        try:
            specs = plan_servers(
                state,
                home=self.home,
                ports=ports,
                import_dir=code_dir,
                with_haproxy=options.haproxy and has_haproxy(),
                log_limits=options.log_limits,
            )
            self.timeline.waiting(*(spec.name for spec in specs), *step_names(config))
            for spec in specs:
                self.timeline.starting(spec.name)
                log_file = self.home.log_of(spec.name)
                archive_rest(log_file, options.log_limits)
                processes.append(spawn(spec, log_file=log_file, working_dir=code_dir))
                child = record_child(spec.name, processes[-1].pid, log_file)
                state = state.with_child(child)
                write_state(self.home.state_file, state)
            processes.append(self._keep_logs(state, options, code_dir))
            self.check(config)  # while the servers start
            wait_for_children(
                list(zip(specs, state.children, strict=True)),
                home=self.home,
                timeline=self.timeline,
                deadline_s=self.deadline_s,
            )
            state = self._deploy(state, config)
            # Now: the servers have had the time to open them.
            require_closed(self.home.root, Path(state.temp_dir))
        except BaseException:
            self.timeline.starting("stopping", "what was started")
            stop_stack(state, home=self.home, gracefully=False)
            self.timeline.ready("stopping")
            raise
        finally:
            for process in processes:
                process.poll()  # no zombie stays of one that died
        notes = () if has_haproxy() or not options.haproxy else (_NO_HAPROXY,)
        return UpResult(state, was_up=False, deployed=True, notes=notes)

    def _keep_logs(
        self, state: StackState, options: UpOptions, working_dir: Path
    ) -> subprocess.Popen[bytes]:
        """Starts what bounds the logs. Nothing waits for it, and nothing fails without it."""
        spec = keeper_spec(self.home, instance=state.instance, limits=options.log_limits)
        log_file = self.home.log_of(spec.name)
        return spawn(spec, log_file=log_file, working_dir=working_dir)

    def _refresh(
        self, state: StackState, options: UpOptions, members: Sequence[psutil.Process]
    ) -> UpResult:
        """Checks a stack that runs already, and deploys the config if it has changed."""
        if options.api_port not in (None, state.api_port):
            raise CliError(f"Already up, on port {state.api_port}", "Stop it first: ragserve down")
        dead = [child.name for child in state.children if find_process(child) is None]
        if dead:
            raise CliError(
                f"Already up, but not whole: {', '.join(dead)} died",
                f"Logs are in {self.home.logs}. Start afresh: ragserve down, then ragserve up",
            )
        if not state.config_file:
            raise CliError(
                "Another `ragserve up` is under way, or was killed",
                "Wait for it, or clear what it left: ragserve down",
            )
        config = _wanted_config(options, port=state.api_port)
        changed = config.fingerprint != state.config_fingerprint
        if changed:
            self.check(config)
        if not is_kept(members):
            self._keep_logs(state, options, config.path.parent)
        state = self._deploy(state, config, unchanged=not changed)
        return UpResult(state, was_up=True, deployed=changed)

    def _deploy(
        self, state: StackState, config: ServeConfig, *, unchanged: bool = False
    ) -> StackState:
        if not unchanged:
            # Until it runs, nobody can say what is deployed.
            state = replace(state, config_file=str(config.path), config_fingerprint="")
            write_state(self.home.state_file, state)
            self.home.deployed_config.write_text(yaml.safe_dump(config.document, sort_keys=False))
        roll_out(
            config,
            api=ServeApi(state.dashboard_url, self.home.ray_token.read_text),
            api_url=state.api_url,
            logs=self.home.logs,
            timeline=self.timeline,
            deadline_s=self.deadline_s,
            still_alive=lambda: require_alive(
                state.children, home=self.home, timeline=self.timeline
            ),
            unchanged=unchanged,
        )
        state = replace(state, config_fingerprint=config.fingerprint)
        write_state(self.home.state_file, state)
        return state


def launch(
    home: Home, *, timeline: Timeline, check: Callable[[ServeConfig], None], timeout_s: float
) -> Launch:
    """Returns a command whose time begins now."""
    resolved = Home(home.root.resolve())
    return Launch(resolved, timeline, check, time.monotonic() + timeout_s)
