"""Files are no place for what several machines share."""

import pytest

from deployments.contracts.errors import ConfigError
from deployments.serving import one_machine
from deployments.serving.one_machine import require_shared

FILE = "sqlite:////home/me/.ragserve/control.db"
SERVER = "postgresql://ragserve@db/ragserve"


@pytest.mark.parametrize(("url", "nodes"), [(FILE, 1), (SERVER, 1), (SERVER, 3)])
def test_what_all_replicas_reach_is_taken(
    url: str, nodes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(one_machine, "_node_count", lambda: nodes)
    assert require_shared(url) == url


def test_a_file_is_refused_where_there_are_several_nodes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(one_machine, "_node_count", lambda: 2)
    with pytest.raises(ConfigError, match="RAGSERVE_DATABASE_URL .* PostgreSQL"):
        require_shared(FILE)


def test_without_a_cluster_there_is_one_machine() -> None:
    assert require_shared(FILE) == FILE
