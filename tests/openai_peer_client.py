"""What the tests of the OpenAI engine share: an engine that is in a hurry, and its answers."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from pydantic import SecretStr

from deployments.contracts.calls import CallContext
from deployments.contracts.errors import RagError
from deployments.contracts.generation import EngineDelta, Message, Prompt, Sampling
from deployments.contracts.tenants import Access
from deployments.generator.cache_salt import CacheSalt
from deployments.generator.openai.engine import OpenAIEngine
from tests.openai_peer import OpenAIPeer

KEY = "open-sesame-42"
PROMPT = Prompt(messages=(Message("system", "Be brief."), Message("user", "one two three four")))


@dataclass
class Limits:
    """Short, so that what never comes is not waited for."""

    connect_timeout_s: float = 0.5
    first_token_timeout_s: float = 5.0
    inter_token_timeout_s: float = 2.0
    max_attempts: int = 3
    max_connections: int = 8
    cache_salt: CacheSalt = "none"


@asynccontextmanager
async def running(
    base_url: str, model: str, limits: Limits | None = None
) -> AsyncGenerator[OpenAIEngine, None]:
    limits = limits or Limits()
    engine = OpenAIEngine(
        model=model,
        base_url=base_url,
        api_key=SecretStr(KEY),
        max_model_tokens=4096,
        connect_timeout_s=limits.connect_timeout_s,
        first_token_timeout_s=limits.first_token_timeout_s,
        inter_token_timeout_s=limits.inter_token_timeout_s,
        max_attempts=limits.max_attempts,
        max_connections=limits.max_connections,
        cache_salt=limits.cache_salt,
    )
    await engine.start()
    try:
        yield engine
    finally:
        await engine.close()


async def deltas_of(
    engine: OpenAIEngine,
    request_id: str,
    *,
    prompt: Prompt = PROMPT,
    sampling: Sampling | None = None,
    timeout_s: float = 5.0,
    access: Access | None = None,
) -> list[EngineDelta]:
    call = CallContext(request_id, timeout_s, access=access or Access())
    return [one async for one in engine.stream(prompt, sampling or Sampling(), call=call)]


async def failure_of(
    engine: OpenAIEngine, request_id: str, *, timeout_s: float = 5.0
) -> tuple[RagError, str]:
    """The error, and the text that came before it."""
    text = ""
    call = CallContext(request_id, timeout_s)
    try:
        async for delta in engine.stream(PROMPT, Sampling(), call=call):
            text += delta.text
    except RagError as error:
        return error, text
    raise AssertionError(f"no failure, but {text!r}")


async def is_left(peer: OpenAIPeer, request_id: str) -> bool:
    """Whether the server notices that the client has left its last request."""
    return await asyncio.to_thread(
        peer.wait_until, lambda: peer.received(request_id)[-1].disconnected
    )
