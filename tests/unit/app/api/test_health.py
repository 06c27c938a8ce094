"""Liveness and readiness."""

import httpx
import pytest

from deployments.contracts.errors import Unavailable
from tests.doubles import DoubleDirectory


@pytest.mark.parametrize("path", ["/health/live", "/healthz"])
async def test_live_says_nothing_about_stages(
    client: httpx.AsyncClient, stages: DoubleDirectory, path: str
) -> None:
    stages.embedder.failure = Unavailable("gone")
    assert (await client.get(path)).json() == {"status": "ok"}


@pytest.mark.parametrize("path", ["/health/ready", "/readyz"])
async def test_ready_names_the_stage_that_is_missing(
    client: httpx.AsyncClient, stages: DoubleDirectory, path: str
) -> None:
    assert (await client.get(path)).status_code == 200
    stages.retriever.failure = Unavailable("The vector store does not answer.")
    response = await client.get(path)
    assert response.status_code == 503
    assert response.json()["releases"]["one"]["retriever"] == "The vector store does not answer."
    assert response.json()["releases"]["one"]["embedder"] == "ok"
