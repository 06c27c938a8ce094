"""The engine for every server that speaks OpenAI's protocol: vLLM, Ollama, llama.cpp, a vendor.

It tries again only before the first token: from then on the reader has seen a part of the answer.
It needs no server at start-up, and a server that is away makes no replica unhealthy: a new replica
would not bring it back.
"""

import asyncio
import json
import logging
import math
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING

import httpx
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, wait_random_exponential
from tenacity.stop import stop_after_attempt, stop_any, stop_before_delay

from deployments.contracts.calls import CallContext
from deployments.contracts.errors import (
    BackendFailed,
    RagError,
    RateLimited,
    StageFailed,
    Unavailable,
)
from deployments.contracts.generation import EngineDelta, Message, Prompt, Sampling
from deployments.contracts.tools import CHOICES
from deployments.generator.cache_salt import CacheSalt
from deployments.generator.openai.chunks import Piece, Usage
from deployments.generator.openai.reply import HTTPX_ERRORS, Reply, translated
from deployments.generator.openai.server import ModelServer
from deployments.generator.openai.wire import STAGE

if TYPE_CHECKING:
    from pydantic import SecretStr

_TAIL_S = 1.0
"""How long an answer that is complete waits for its counts."""
_DRAIN_S = 0.1
"""How long it then waits for the server to end the response, so that the connection can be kept."""
_LONGEST_RETRY_AFTER_S = 2.0
"""A server that asks to wait longer than this is not waited for."""
_BACKOFF = wait_random_exponential(multiplier=0.1, max=2.0)
"""Source: Brooker, Exponential Backoff And Jitter, AWS Architecture Blog, 2015: "full jitter"."""
_BYTES_PER_TOKEN, _TOKENS_PER_MESSAGE, _TOKENS_OF_ANSWER_START = 3, 4, 3
_BROKE_OFF = "The model server broke off its answer."
_log = logging.getLogger("ray.serve")


class OpenAIEngine:
    """Writes text by asking a server; see `deployments.contracts.generation.Engine`.

    Args:
        model: What the server calls the model.
        base_url: Up to and with the version, such as `http://127.0.0.1:8000/v1`.
        api_key: Sent as a bearer token.
        max_model_tokens: Bound on prompt and completion together, None where it is not known.
        connect_timeout_s: How long a connection may take, the wait for a free one included.
        first_token_timeout_s: How long the first token may take, all attempts together.
        inter_token_timeout_s: How long the server may be silent after that.
        max_attempts: How often to try before the first token.
        max_connections: Requests on their way at once.
        cache_salt: Who shares prefixes that the server has computed before.
        transport: In place of the network.
    """

    def __init__(
        self,
        *,
        model: str,
        base_url: str,
        api_key: "SecretStr | None",
        max_model_tokens: int | None,
        connect_timeout_s: float,
        first_token_timeout_s: float,
        inter_token_timeout_s: float,
        max_attempts: int,
        max_connections: int,
        cache_salt: CacheSalt = "none",
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._model = model
        self._base_url = base_url
        self._api_key = api_key
        self._max_model_tokens = max_model_tokens
        self._connect_timeout_s = connect_timeout_s
        self._first_token_timeout_s = first_token_timeout_s
        self._inter_token_timeout_s = inter_token_timeout_s
        self._max_attempts = max_attempts
        self._max_connections = max_connections
        self._cache_salt = cache_salt
        self._transport = transport
        self._server: ModelServer | None = None

    @property
    def max_model_tokens(self) -> int | None:
        """See `Engine.max_model_tokens`."""
        return self._max_model_tokens

    is_language_model = True
    tool_choices = CHOICES
    """What a server makes of them is its own; one that knows no functions refuses them."""

    async def start(self) -> None:
        """Makes the connection pool; the server need not be there.

        Raises:
            ConfigError: an address or a key that cannot work.
        """
        self._server = ModelServer(
            model=self._model,
            base_url=self._base_url,
            api_key=self._api_key,
            connect_timeout_s=self._connect_timeout_s,
            max_connections=self._max_connections,
            cache_salt=self._cache_salt,
            transport=self._transport,
        )

    async def count_tokens(self, prompt: Prompt) -> int:
        """Returns an estimate that is rather too high: a token per three bytes of UTF-8, and what
        a chat template puts around a message.

        Source: OpenAI's help pages give four characters of English per token; its cookbook, "How to
        count tokens with tiktoken", gives 3 to 4 tokens per message and 3 for the answer's start.
        """
        if prompt.text is not None:
            return _estimate(prompt.text)
        tools = [json.dumps(tool.as_json()) for tool in prompt.tools.tools]
        return _TOKENS_OF_ANSWER_START + sum(
            _TOKENS_PER_MESSAGE + _estimate(text)
            for text in (*map(_text_of, prompt.messages), *tools)
        )

    async def stream(
        self, prompt: Prompt, sampling: Sampling, *, call: CallContext
    ) -> AsyncGenerator[EngineDelta, None]:
        """Yields the answer's text; see `Engine.stream`. `call.timeout_s` bounds all of it.

        The first delta has an estimate of the prompt's tokens, the last one the server's count. A
        delta counts one token where the server does not say better; the last one makes up for what
        is missing. Where the server counts nothing, the number of deltas stays.

        Raises:
            InvalidRequest, UnsupportedField, PromptTooLong, RequestTooLarge: the request's fault.
            RateLimited, Overloaded, Unavailable, DeadlineExceeded, BackendFailed: the server's.
        """
        deadline_s = asyncio.get_running_loop().time() + call.timeout_s
        prompt_tokens = await self.count_tokens(prompt)
        reply, piece = await self._begin(prompt, sampling, call, deadline_s)
        counted = unsaid = 0
        is_first = True
        try:
            while True:
                counted += piece.tokens
                unsaid += piece.tokens
                if piece.text or piece.logprobs or piece.calls:
                    yield EngineDelta(
                        text=piece.text,
                        completion_tokens=unsaid,
                        logprobs=piece.logprobs,
                        calls=piece.calls,
                        prompt_tokens=prompt_tokens if is_first else 0,
                    )
                    is_first, unsaid = False, 0
                if piece.finish_reason:
                    break
                piece = await self._continue(reply, call, deadline_s)
            usage = await _usage_of(reply, piece, call)
        finally:
            await reply.aclose()
        if usage is None:
            _log.debug("request %s: the model server counted no tokens", call.request_id)
            usage = Usage(prompt_tokens, counted, 0)
        yield EngineDelta(
            finish_reason=piece.finish_reason,
            completion_tokens=max(usage.completion_tokens - counted + unsaid, 0),
            prompt_tokens=usage.prompt_tokens or prompt_tokens,
            cached_tokens=usage.cached_tokens,
        )

    async def check_health(self) -> None:
        """Raises StageFailed before `start` and after `close`, never because of the server."""
        self._started().check_open()

    async def reach(self, *, timeout_s: float) -> None:
        """Asks the server for anything; see `Engine.reach`. What it answers says that it is there,
        unless it is an error of its own, or of a proxy before it."""
        await self._started().reach(timeout_s)

    async def close(self) -> None:
        """Closes the connections."""
        if self._server is not None:
            await self._server.close()

    async def _begin(
        self, prompt: Prompt, sampling: Sampling, call: CallContext, deadline_s: float
    ) -> tuple[Reply, Piece]:
        """Returns an open reply and its first token, after as many attempts as it takes."""
        server = self._started()
        left_s = min(call.timeout_s, self._first_token_timeout_s)
        first_by_s = asyncio.get_running_loop().time() + left_s
        retrying = AsyncRetrying(
            retry=retry_if_exception(_is_worth_a_retry),
            stop=stop_any(stop_after_attempt(self._max_attempts), stop_before_delay(left_s)),
            wait=_wait_s,
            reraise=True,
        )
        async for attempt in retrying:
            with attempt, translated(begun=False, request_id=call.request_id):
                async with asyncio.timeout_at(min(deadline_s, first_by_s)):
                    reply = await server.send(prompt, sampling, call=call)
                    return reply, await _first_token(reply)
        raise AssertionError("the retry loop ends with a result or an error")

    async def _continue(self, reply: Reply, call: CallContext, deadline_s: float) -> Piece:
        silent_until_s = asyncio.get_running_loop().time() + self._inter_token_timeout_s
        with translated(begun=True, request_id=call.request_id):
            async with asyncio.timeout_at(min(deadline_s, silent_until_s)):
                piece = await reply.next_piece()
        if piece is None:
            raise BackendFailed(_BROKE_OFF, STAGE)
        return piece

    def _started(self) -> ModelServer:
        if self._server is None:
            raise StageFailed("The engine is not running.", STAGE)
        return self._server


async def _first_token(reply: Reply) -> Piece:
    """Returns the first piece with a token in it, or with the end; closes the reply on failure."""
    try:
        while (piece := await reply.next_piece()) is not None:
            if piece.tokens or piece.finish_reason:
                return piece
        raise BackendFailed(_BROKE_OFF, STAGE)
    except BaseException:
        await reply.aclose()
        raise


async def _usage_of(reply: Reply, last: Piece, call: CallContext) -> Usage | None:
    """Returns the counts that come with the end of an answer or after it. The answer is complete,
    so nothing that happens now can fail it."""
    usage = last.usage
    try:
        async with asyncio.timeout(_TAIL_S):
            while (piece := await reply.next_piece()) is not None:
                usage = piece.usage or usage
        async with asyncio.timeout(_DRAIN_S):
            await reply.drain()
    except (TimeoutError, *HTTPX_ERRORS, RagError) as error:
        kind = type(error).__name__
        _log.debug("request %s: %s after the end of the answer", call.request_id, kind)
    return usage


def _is_worth_a_retry(error: BaseException) -> bool:
    """Returns whether the same request may fare better in a moment. What the server broke on, with
    a 500, it would break on again."""
    if not isinstance(error, Unavailable | RateLimited):
        return False
    return (error.retry_after_s or 0.0) <= _LONGEST_RETRY_AFTER_S


def _wait_s(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    told_s = error.retry_after_s if isinstance(error, RagError) else None
    return (told_s or 0.0) + _BACKOFF(state)


def _text_of(message: Message) -> str:
    """Returns all that a turn says, its calls included."""
    return "".join((message.content, *(call.name + call.arguments for call in message.calls)))


def _estimate(text: str) -> int:
    return math.ceil(len(text.encode("utf-8", "replace")) / _BYTES_PER_TOKEN)
