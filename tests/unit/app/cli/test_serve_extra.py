"""An installation that only speaks to services says so, instead of failing somewhere inside."""

import sys
from collections.abc import Callable

import pytest

from tests.unit.app.cli.conftest import Ended


@pytest.mark.parametrize("verb", ["up", "deploy"])
@pytest.mark.parametrize("package", ["ray", "fastapi", "chromadb", "mlflow"])
def test_a_verb_that_starts_the_service_names_what_to_install(
    ragserve: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch, verb: str, package: str
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    ended = ragserve(verb)
    assert ended.code == 1
    first, _ = ended.err.splitlines()
    assert first == (
        f"Error: `ragserve {verb}` needs the service's own packages: pip install 'ragserve[serve]'"
    )
