"""OpenAI's own client in front of the service."""

from collections.abc import AsyncIterator

import httpx
import openai
import pytest


@pytest.fixture
async def api(loaded: httpx.AsyncClient) -> AsyncIterator[openai.AsyncOpenAI]:
    """OpenAI's client in front of a service that knows three documents."""
    async with openai.AsyncOpenAI(
        base_url="http://test/v1",
        api_key="any",
        max_retries=0,
        http_client=loaded,  # type: ignore[arg-type]
    ) as client:
        yield client
