"""A PostgreSQL server of one's own, on a port that nobody else has."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_STARTS_S = 60.0


@dataclass(frozen=True)
class PostgresPrograms:
    """The programs of an installed server."""

    initdb: str
    postgres: str


def postgres_programs() -> PostgresPrograms | None:
    """Returns the programs, None where they are not installed."""
    # Debian keeps them out of the path.
    beside = [str(folder) for folder in Path("/usr/lib/postgresql").glob("*/bin")]
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), *beside])
    found = [shutil.which(name, path=path) for name in ("initdb", "postgres")]
    return PostgresPrograms(*map(str, found)) if None not in found else None


@contextmanager
def running_postgres(
    programs: PostgresPrograms, *, host: str = "127.0.0.1", network: str = ""
) -> Iterator[str]:
    """Runs a server as long as the block does, and yields the URL of its database.

    Nothing that it writes outlives the power: it is for tests and measurements.

    Args:
        programs: What to run.
        host: The address on which it listens.
        network: Whoever else may come in beside this host, such as `10.9.0.0/24`.
    """
    folder = Path(tempfile.mkdtemp(prefix="ragserve-postgres-"))
    # It refuses to run as root.
    other: dict[str, Any] = {"user": "nobody", "extra_groups": []} if os.geteuid() == 0 else {}
    if other:
        shutil.chown(folder, "nobody")
    try:
        data = folder / "data"
        _initialise(programs, data, network, other)
        with socket.socket() as probe:
            probe.bind((host, 0))
            port = probe.getsockname()[1]
        server = _start(programs, data, host, port, other)
        try:
            address = f"postgresql://ragserve@{host}:{port}/postgres"
            _wait_for(address, server)
            yield address
        finally:
            server.send_signal(signal.SIGINT)  # at which it waits for none of its clients
            server.wait(timeout=30)
    finally:
        shutil.rmtree(folder)


def _initialise(
    programs: PostgresPrograms, data: Path, network: str, other: dict[str, Any]
) -> None:
    subprocess.run(
        [programs.initdb, "-D", data, "-U", "ragserve", "--auth=trust", "--no-sync", "-E", "UTF8"],
        check=True,
        capture_output=True,
        cwd=data.parent,
        **other,
    )
    if network:
        with (data / "pg_hba.conf").open("a", encoding="utf-8") as rules:
            rules.write(f"host all all {network} trust\n")


def _start(
    programs: PostgresPrograms, data: Path, host: str, port: int, other: dict[str, Any]
) -> "subprocess.Popen[bytes]":
    settings = {"listen_addresses": host, "unix_socket_directories": "", "fsync": "off"}
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    return subprocess.Popen(
        [programs.postgres, "-D", str(data), "-p", str(port), *options],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=data.parent,
        **other,
    )


def _wait_for(address: str, server: "subprocess.Popen[bytes]") -> None:
    import psycopg

    deadline_s = time.monotonic() + _STARTS_S
    while True:
        try:
            # It listens some time before it lets anybody in.
            psycopg.connect(address, connect_timeout=5).close()
            return
        except psycopg.OperationalError:
            assert time.monotonic() < deadline_s, "PostgreSQL lets nobody in"
            assert server.poll() is None, "PostgreSQL has ended"
            time.sleep(0.05)
