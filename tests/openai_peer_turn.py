"""One request to the scripted server, and the words in which it is answered."""

import asyncio
import json
import time
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

Json = dict[str, Any]
FOREVER_S = 3600.0


@dataclass
class Received:
    """A request, and what became of it."""

    path: str
    body: Json
    headers: dict[str, str]
    connection: int
    """Port of the client: the same one is the same connection."""
    arrived_s: float = field(default_factory=time.monotonic)
    tokens: int = 0
    finished: bool = False
    disconnected: bool = False

    @property
    def request_id(self) -> str:
        return self.headers.get("x-request-id", "")


@dataclass
class Turn:
    """One request being answered as a stream."""

    request: web.Request
    received: Received
    attempt: int
    response: web.StreamResponse = field(default_factory=web.StreamResponse)

    @property
    def body(self) -> Json:
        return self.received.body

    @property
    def is_chat(self) -> bool:
        return "messages" in self.body

    @property
    def asked(self) -> str:
        text: str = self.body["messages"][-1]["content"] if self.is_chat else self.body["prompt"]
        return text

    def prompt_words(self) -> int:
        if not self.is_chat:
            return len(self.asked.split())
        return sum(len((message["content"] or "").split()) for message in self.body["messages"])

    def cached_words(self) -> int:
        """A server that keeps prefixes has seen the system message before."""
        messages = self.body.get("messages", [])
        return sum(len(one["content"].split()) for one in messages if one["role"] == "system")

    async def open(self, content_type: str = "text/event-stream") -> None:
        self.response.content_type = content_type
        await self.response.prepare(self.request)

    async def raw(self, data: str) -> None:
        await self.response.write(data.encode())

    async def event(self, payload: Json) -> None:
        await self.raw(f"data: {json.dumps(payload)}\n\n")

    async def choice(self, **fields: Any) -> None:
        await self.event({"object": "chunk", "choices": [{"index": 0, **fields}]})

    async def role(self) -> None:
        if self.is_chat:
            await self.choice(delta={"role": "assistant", "content": ""}, finish_reason=None)

    async def token(self, text: str) -> None:
        self.received.tokens += 1
        fields: Json = {"delta": {"content": text}} if self.is_chat else {"text": text}
        asked = self.body.get("top_logprobs" if self.is_chat else "logprobs")
        if asked is not None:
            fields["logprobs"] = self._logprobs(text, asked)
        await self.choice(**fields, finish_reason=None)

    def _logprobs(self, text: str, count: int) -> Json:
        top = [(text, -0.1), (text.upper(), -2.5), ("?", -4.0)][:count]
        if not self.is_chat:
            return {"tokens": [text], "token_logprobs": [-0.1], "top_logprobs": [dict(top)]}
        alternatives = [{"token": token, "logprob": value} for token, value in top]
        return {"content": [{"token": text, "logprob": -0.1, "top_logprobs": alternatives}]}

    async def end(self, reason: str = "stop", usage: bool = True) -> None:
        fields: Json = {"delta": {}} if self.is_chat else {"text": ""}
        await self.choice(**fields, finish_reason=reason)
        if usage and self.body.get("stream_options", {}).get("include_usage"):
            await self.event({"choices": [], "usage": self.usage()})
        await self.raw("data: [DONE]\n\n")
        await self.response.write_eof()

    def usage(self) -> Json:
        return {
            "prompt_tokens": self.prompt_words(),
            "completion_tokens": self.received.tokens,
            "prompt_tokens_details": {"cached_tokens": self.cached_words()},
        }

    async def say(self, text: str, *, pause_s: float = 0.0, most: int | None = None) -> str:
        """Streams a text word by word; returns why it stopped."""
        limit = self.body.get("max_tokens", FOREVER_S) if most is None else most
        for place, word in enumerate(text.split()):
            if place >= limit:
                return "length"
            await self.token(word if place == 0 else f" {word}")
            await asyncio.sleep(pause_s)
        return "stop"

    @property
    def question(self) -> str:
        """The user's last message."""
        said = [turn["content"] for turn in self.body["messages"] if turn["role"] == "user"]
        return str(said[-1])

    @property
    def returned(self) -> list[str]:
        """What functions returned since the user's last message."""
        turns: list[Json] = self.body["messages"]
        last = max(place for place, turn in enumerate(turns) if turn["role"] == "user")
        return [turn["content"] for turn in turns[last + 1 :] if turn["role"] == "tool"]

    async def call(self, calls: list[tuple[str, str]], *, pause_s: float = 0.0) -> None:
        """Streams calls as OpenAI does: id and name first, then the arguments in pieces."""
        for index, (name, arguments) in enumerate(calls):
            begun = {"name": name, "arguments": ""}
            pieces: list[Json] = [{"id": f"call_{index}", "type": "function", "function": begun}]
            middle = len(arguments) // 2
            parts = (arguments[:middle], arguments[middle:])
            pieces += [{"function": {"arguments": part}} for part in parts]
            for piece in pieces:
                self.received.tokens += 1
                await self.choice(delta={"tool_calls": [{"index": index, **piece}]})
                await asyncio.sleep(pause_s)

    def cut(self) -> None:
        """Closes the connection as a server does that was killed."""
        assert self.request.transport is not None
        self.request.transport.close()
