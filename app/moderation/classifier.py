"""A server that judges texts: `/v1/moderations` in OpenAI's form."""

import asyncio
import os
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol

import httpx

from app.settings.live.moderation import ClassifierArgs
from deployments.contracts.errors import BackendFailed, DeadlineExceeded, Unavailable

STAGE = "moderation"
Scores = Mapping[str, float]
"""By category, from 0 to 1."""


class Guard(Protocol):
    """A circuit breaker."""

    def guard(self, timeout_s: float) -> AbstractContextManager[object]:
        """Runs a call, and learns from how it ends; raises Unavailable where it must not run."""
        ...


class Classifier(Protocol):
    """Judges texts."""

    async def judge(self, texts: Sequence[str]) -> list[Scores]:
        """Returns the scores of those categories of each text that count.

        Raises:
            StageError: there is no verdict.
        """
        ...


class OpenAIClassifier:
    """A `Classifier` behind HTTP.

    Args:
        args: Where it is, and which of its categories count.
        breaker: Leaves it alone where it fails.
        transport: In place of the network.
    """

    def __init__(
        self,
        args: ClassifierArgs,
        breaker: Guard,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._args = args
        self._breaker = breaker
        self._transport = transport
        self._client: httpx.AsyncClient | None = None

    async def judge(self, texts: Sequence[str]) -> list[Scores]:
        """See `Classifier.judge`."""
        scores: list[Scores] = []
        for start in range(0, len(texts), self._args.max_sentences):
            some = texts[start : start + self._args.max_sentences]
            with self._breaker.guard(self._args.timeout_s):
                scores += self._counting(await self._ask(some), len(some))
        return scores

    async def close(self) -> None:
        """Closes the connections."""
        if self._client is not None:
            await self._client.aclose()

    async def _ask(self, texts: Sequence[str]) -> object:
        args = self._args
        try:
            async with asyncio.timeout(args.timeout_s):
                response = await self._connected().post(
                    "moderations", json={"model": args.model, "input": list(texts)}
                )
            response.raise_for_status()
            return response.json()
        except (TimeoutError, httpx.TimeoutException) as error:
            raise DeadlineExceeded("The classifier did not answer in time.", STAGE) from error
        except httpx.HTTPStatusError as error:
            status = error.response.status_code
            raise BackendFailed(f"The classifier answers with status {status}.", STAGE) from error
        except httpx.HTTPError as error:
            raise Unavailable("The classifier does not answer.", STAGE, 1.0) from error
        except ValueError as error:
            raise BackendFailed("The classifier's answer cannot be read.", STAGE) from error

    def _connected(self) -> httpx.AsyncClient:
        if self._client is None:  # in the loop that will use it
            args = self._args
            key = os.environ.get(args.api_key_env, "") if args.api_key_env else ""
            self._client = httpx.AsyncClient(
                base_url=args.base_url,
                headers={"Authorization": f"Bearer {key}"} if key else {},
                timeout=args.timeout_s,
                transport=self._transport,
            )
        return self._client

    def _counting(self, answer: object, expected: int) -> list[Scores]:
        try:
            results = answer["results"]  # type: ignore[index]
            if len(results) != expected:
                raise ValueError(f"{len(results)} results")
            return [self._of(result) for result in results]
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise BackendFailed("The classifier's answer cannot be read.", STAGE) from error

    def _of(self, result: Mapping[str, Any]) -> Scores:
        scores = {name: float(score) for name, score in result["category_scores"].items()}
        if self._args.thresholds:
            return {
                name: scores[name]
                for name, least in self._args.thresholds.items()
                if scores.get(name, 0.0) >= least
            }
        flagged = [name for name, is_flagged in result["categories"].items() if is_flagged]
        return {name: scores.get(name, 1.0) for name in flagged}


class AlwaysClosed:
    """A `Guard` that lets everything pass."""

    def guard(self, timeout_s: float) -> AbstractContextManager[object]:
        """See `Guard.guard`."""
        return nullcontext()
