"""Generators for tests: the extractive one, and a language model that writes what it is told."""

import asyncio
import re
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import TypeVar

from deployments.contracts.calls import CallContext
from deployments.contracts.errors import DeadlineExceeded, RagError, StageFailed
from deployments.contracts.generation import (
    EngineDelta,
    Events,
    FinishReason,
    GenerationRequest,
    Prompt,
    Sampling,
    TokenLogprob,
)
from deployments.contracts.tools import CHOICES, Choice, ToolCallDelta
from deployments.generator.config import SamplingArgs
from deployments.generator.extractive.engine import ExtractiveEngine
from deployments.generator.writing import Writer
from deployments.serving.begun import begin
from tests.breakable import Breakable

T = TypeVar("T")


class ExtractiveGenerator(Breakable):
    """The real extractive engine under the real writer; it needs no weights."""

    model = "extractive"

    def __init__(self) -> None:
        self.asked: list[GenerationRequest] = []
        engine = ExtractiveEngine(model=self.model, max_sentences=2, min_coverage_ratio=0.2)
        self._writer = Writer(engine, model=self.model, defaults=SamplingArgs(), window_s=0.0)

    async def describe(self, *, call: CallContext) -> dict[str, object]:
        facts = {"model": self.model, "language_model": False}
        facts |= {"temperature": 0.0, "fingerprint": f"{self.model}-1"}
        return await super().describe(call=call) | facts

    async def stream(
        self, request: GenerationRequest, *, call: CallContext, begin_timeout_s: float
    ) -> Events:
        self._enter()
        self.asked.append(request)
        events = self._writer.stream(request, call=call)
        try:
            async with asyncio.timeout(begin_timeout_s):
                begun = await begin(events)
        except TimeoutError as error:
            raise DeadlineExceeded("The generator did not begin in time.", "generator") from error
        async with aclosing(begun):
            async for batch in begun:
                yield batch


async def read_to_failure(stream: AsyncGenerator[T, None]) -> tuple[list[T], Exception]:
    """Returns what a stream yields, and the error with which it must end."""
    seen: list[T] = []
    try:
        async for item in stream:
            seen.append(item)  # noqa: PERF401
    except Exception as error:
        return seen, error
    raise AssertionError("the stream did not fail")


class EchoEngine:
    """A language model that writes the words of the last message, one at a time.

    Each step can be held back with `gate`; `fails_after` breaks it off after so many words.
    A call that is forced has that text as its arguments. What `script` holds is written in place of
    it, an entry for each request: calls by name and arguments, after a text where there is one.
    """

    max_model_tokens: int | None = 2000
    is_language_model: bool = True
    tool_choices: tuple[Choice, ...] = CHOICES

    def __init__(self) -> None:
        self.gate: asyncio.Event | None = None
        self.fails_after: int | None = None
        self.failure: RagError = StageFailed("The engine broke.", "generator")
        self.running = 0
        self.prompts: list[Prompt] = []
        self.sampling: list[Sampling] = []
        self.script: list[tuple[str, list[tuple[str, str]]]] = []

    async def start(self) -> None: ...

    async def check_health(self) -> None: ...

    async def reach(self, *, timeout_s: float) -> None: ...

    async def close(self) -> None: ...

    async def count_tokens(self, prompt: Prompt) -> int:
        texts = [prompt.text or "", *(message.content for message in prompt.messages)]
        return sum(len(text.split()) for text in texts)

    async def stream(
        self, prompt: Prompt, sampling: Sampling, *, call: CallContext
    ) -> AsyncGenerator[EngineDelta, None]:
        self.prompts.append(prompt)
        self.sampling.append(sampling)
        said = prompt.text if prompt.text is not None else prompt.messages[-1].content
        made: list[tuple[str, str]] = []
        if self.script:
            said, made = self.script.pop(0)
        elif prompt.tools.is_forced:
            said, made = "", [(prompt.tools.named or prompt.tools.tools[0].name, said)]
        words = re.findall(r"\S+\s*", said) or [""]
        kept = words[: sampling.max_tokens]
        tokens = await self.count_tokens(prompt)
        self.running += 1
        try:
            if made:
                async for piece in _calling(said, made, tokens):
                    yield piece
                return
            for place, word in enumerate(kept):
                if self.gate is not None:
                    await self.gate.wait()
                if place == self.fails_after:
                    raise self.failure
                last = place == len(kept) - 1
                reason: FinishReason = "stop" if len(kept) == len(words) else "length"
                logprobs = () if sampling.top_logprobs is None else (TokenLogprob(word, -0.5),)
                yield EngineDelta(
                    word,
                    1,
                    logprobs=logprobs,
                    finish_reason=reason if last else None,
                    prompt_tokens=tokens,
                )
                await asyncio.sleep(0)
        finally:
            self.running -= 1


async def _calling(
    said: str, made: Sequence[tuple[str, str]], prompt_tokens: int
) -> AsyncGenerator[EngineDelta, None]:
    """A text at once, then each call by its name and its arguments in two pieces."""
    if said:
        yield EngineDelta(said, 1, prompt_tokens=prompt_tokens)
    for index, (name, arguments) in enumerate(made):
        middle = len(arguments) // 2
        for piece in (
            ToolCallDelta(index, f"call_{name}_{index}", name),
            ToolCallDelta(index, arguments=arguments[:middle]),
            ToolCallDelta(index, arguments=arguments[middle:]),
        ):
            yield EngineDelta("", 1, prompt_tokens=prompt_tokens, calls=(piece,))
            await asyncio.sleep(0)
    yield EngineDelta("", 0, finish_reason="stop", prompt_tokens=prompt_tokens)


class EchoGenerator(ExtractiveGenerator):
    """`EchoEngine` under the real writer."""

    model = "echo"

    def __init__(self) -> None:
        super().__init__()
        self.engine = EchoEngine()
        self._writer = Writer(self.engine, model=self.model, defaults=SamplingArgs(), window_s=0.0)

    async def describe(self, *, call: CallContext) -> dict[str, object]:
        facts = {"language_model": True, "tool_choices": list(self.engine.tool_choices)}
        facts |= {"temperature": None}
        return await super().describe(call=call) | facts
