"""The environment of a cluster's node, and state that would lie on one node alone."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from app.cluster.environment import HAPROXY_SETTINGS, SECRETS, SERVE_SETTINGS
from app.doctor.finding import Finding, ok, warning, wrong
from app.settings.checks.several_nodes import problems_on_several_nodes

_NICENESS = "RAY_worker_niceness"
_STORES = {
    "RAGSERVE_DATABASE_URL": (
        "rollouts, usage, keys and budgets",
        "PostgreSQL: postgresql://user:password@host/ragserve",
    ),
    "RAGSERVE_LIMITS_URL": ("rates of keys and tenants", "Redis: redis://host:6390/0"),
}
_ENV = "Take it from what `ragserve env` prints, the same on every node, before `ray start`."


def check_niceness(environment: Mapping[str, str]) -> Finding:
    """Says whether Ray would start its workers behind everything else on the machine."""
    given = environment.get(_NICENESS)
    if given == "0":
        return ok(_NICENESS, "0")
    said = "not set: workers start at niceness 15" if given is None else f"is {given}"
    return warning(_NICENESS, said, f"export {_NICENESS}=0, before `ray start`.")


def check_settings(environment: Mapping[str, str]) -> Iterator[Finding]:
    """Yields how Ray's and Serve's variables differ from those that the service was tried with."""
    wanted = {**SERVE_SETTINGS, **HAPROXY_SETTINGS}
    different = 0
    for name, value in wanted.items():
        given = environment.get(name)
        if name == _NICENESS or given == value:
            continue
        different += 1
        said = f"not set; it should be {value}" if given is None else f"{given}, not {value}"
        yield warning(name, said, _ENV)
    if not different:
        yield ok("settings of Ray", f"all {len(wanted)} of `ragserve env`")


def check_secrets(environment: Mapping[str, str]) -> Iterator[Finding]:
    """Yields which secrets a node lacks; no value is shown."""
    missing = {name: what for name, what in SECRETS.items() if not environment.get(name)}
    for name, what in missing.items():
        yield wrong(name, f"not set: {what}", _ENV)
    if not missing:
        yield ok("secrets", f"all {len(SECRETS)} of `ragserve env`")


def check_token(environment: Mapping[str, str]) -> Finding:
    """Says whether Ray asks for a token, and whether it lies where it should."""
    name = "token of Ray"
    if environment.get("RAY_AUTH_MODE") != "token":
        said = "RAY_AUTH_MODE is not `token`: whoever reaches the ports of Ray may run code"
        return wrong(name, said, "export RAY_AUTH_MODE=token, and RAY_AUTH_TOKEN_PATH.")
    if environment.get("RAY_AUTH_TOKEN"):
        return ok(name, "in the environment")
    file = Path(environment.get("RAY_AUTH_TOKEN_PATH") or "~/.ray/auth_token").expanduser()
    try:
        empty = not file.read_text(encoding="utf-8").strip()
        mode = file.stat().st_mode
    except (OSError, UnicodeDecodeError) as error:
        made = f"openssl rand -hex 32 > {file}; chmod 600 {file}; the same file on every node."
        return wrong(name, f"{file} cannot be read: {type(error).__name__}", made)
    if empty:
        return wrong(name, f"{file} is empty", f"openssl rand -hex 32 > {file}")
    if mode & 0o077:
        return warning(name, f"other users may read {file}", f"chmod 600 {file}")
    return ok(name, str(file))


def check_shared_stores(environment: Mapping[str, str]) -> Iterator[Finding]:
    """Yields which state each node of a cluster would keep for itself."""
    for name, (what, remedy) in _STORES.items():
        url = environment.get(name, "")
        if not url:
            said = f"not set: {what} would lie in a file of each node, and be lost with it"
            yield wrong(name, said, f"Name {remedy}")
        elif url.startswith("sqlite:"):
            yield wrong(name, f"a SQLite file: {what} differ from node to node", f"Name {remedy}")
        else:
            yield ok(name, f"{what} are shared")


def check_shared_config(document: Mapping[str, Any], file: str) -> Iterator[Finding]:
    """Yields what of a config works on one node only."""
    problems = list(problems_on_several_nodes(document))
    for problem in problems:
        said, _, remedy = problem.partition(": ")
        yield wrong(f"several nodes: {file}", said, remedy)
    if not problems:
        yield ok(f"several nodes: {file}", "nothing in it is local to a node")
    for application in document["applications"]:
        tracing = (application.get("args") or {}).get("tracing")
        if isinstance(tracing, Mapping) and not tracing.get("spool_dir"):
            yield warning(
                "spool of spans",
                "spans wait for MLflow in the temporary folder of each node",
                "Set tracing.spool_dir to a folder on a volume, where nodes come and go.",
            )
