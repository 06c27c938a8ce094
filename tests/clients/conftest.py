"""Notes which client passed what, for the table in docs/clients.md."""

import json
import os
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import httpx
import pytest

from tests.clients.service import ROOT

_RESULTS = Path(__file__).parent / "results"


@pytest.fixture(scope="session", autouse=True)
def running_service() -> None:
    """Ends the run where there is no service with the guide in it."""
    try:
        found = httpx.post(f"{ROOT}/v1/search", json={"query": "queue"}, timeout=30)
    except httpx.HTTPError as error:
        pytest.exit(f"No service at {ROOT} ({error}); `make up` starts one.", 2)
    if found.status_code != 200 or not found.json()["results"]:
        pytest.exit(f"The service at {ROOT} has no documents; `make up` indexes docs/.", 2)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Notes the outcome of every test that names its client."""
    report = yield
    marker = item.get_closest_marker("client")
    if marker is not None and report.when == "call" and not report.skipped:
        package, what = marker.args
        entry = {"package": package, "version": version(package), "what": what}
        item.config.stash[_noted].append(entry | {"outcome": report.outcome})
    return report


_noted = pytest.StashKey[list[dict[str, str]]]()


def pytest_configure(config: pytest.Config) -> None:
    """Begins the notes."""
    config.stash[_noted] = []


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Writes them where `RAGSERVE_CLIENTS_RESULT` names a file."""
    if (name := os.environ.get("RAGSERVE_CLIENTS_RESULT")) and session.config.stash[_noted]:
        _RESULTS.mkdir(exist_ok=True)
        text = json.dumps(session.config.stash[_noted], indent=1)
        (_RESULTS / f"{name}.json").write_text(text + "\n", encoding="utf-8")
