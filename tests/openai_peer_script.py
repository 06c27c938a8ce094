"""What the scripted server does for each name of a model."""

import asyncio
import json
import random
from collections.abc import Awaitable, Callable

from aiohttp import web

from tests.openai_peer_turn import FOREVER_S, Json, Turn

Behaviour = Callable[[Turn], Awaitable[web.StreamResponse | None]]
BEHAVIOURS: dict[str, Behaviour] = {}
"""By the name of the model."""


def _behaviour(name: str) -> Callable[[Behaviour], Behaviour]:
    def keep(function: Behaviour) -> Behaviour:
        BEHAVIOURS[name] = function
        return function

    return keep


def _refusal(status: int, error: Json, **headers: str) -> Behaviour:
    async def refuse(turn: Turn) -> web.Response:
        return web.json_response({"error": error}, status=status, headers=headers)

    return refuse


_TOO_LONG = "This model's maximum context length is 128 tokens, your messages have 4000."
_KEY = "Incorrect API key provided: open-sesame-42. See http://127.0.0.1/keys for yours."
BEHAVIOURS |= {
    "rate-limited": _refusal(
        429, {"message": "Slow down.", "code": "rate_limit_exceeded"}, **{"Retry-After": "7"}
    ),
    "rate-limited-briefly": _refusal(429, {"message": "Slow down."}, **{"Retry-After-Ms": "1500"}),
    "out-of-quota": _refusal(429, {"message": "Pay first.", "code": "insufficient_quota"}),
    "broken": _refusal(500, {"message": "/srv/model.py line 7: assertion failed"}),
    "unavailable": _refusal(503, {"message": "No worker is alive."}),
    "too-long": _refusal(400, {"message": _TOO_LONG, "code": "context_length_exceeded"}),
    "too-long-vllm": _refusal(400, {"message": _TOO_LONG, "type": "BadRequestError", "code": 400}),
    "refuses": _refusal(400, {"message": "temperature must be below 2.", "param": "temperature"}),
    "unsupported": _refusal(400, {"message": "Unknown parameter: 'top_k'.", "param": "top_k"}),
    "unauthorized": _refusal(401, {"message": _KEY, "code": "invalid_api_key"}),
    "missing": _refusal(404, {"message": "There is no such model.", "code": "model_not_found"}),
}


@_behaviour("echo")
async def _echo(turn: Turn) -> None:
    await turn.open()
    await turn.role()
    await turn.end(await turn.say(turn.asked))


@_behaviour("cites")
async def _cites(turn: Turn) -> None:
    await turn.open()
    await turn.end(await turn.say("The first source says so [1]. Nothing else is known."))


@_behaviour("slow")
async def _slow(turn: Turn) -> None:
    await turn.open()
    await turn.end(await turn.say(turn.asked, pause_s=0.05))


def _object_for(schema: Json) -> str:
    """An object by its schema, as a model that does as it is told writes it."""
    properties: Json = schema.get("properties", {})
    values = {"integer": 7, "number": 7.5, "boolean": True, "array": [], "object": {}}
    return json.dumps(
        {name: values.get(one.get("type"), "Ullapool") for name, one in properties.items()}
    )


def _caller(pause_s: float = 0.0, forever_after: int | None = None) -> Behaviour:
    """Writes the object that is asked for, else calls what is forced, else each function that its
    question names; then says what they returned."""

    async def behave(turn: Turn) -> None:
        tools: list[Json] = turn.body.get("tools", [])
        choice = turn.body.get("tool_choice", "auto")
        wanted = [one for one in tools if one["function"]["name"] in turn.question]
        if isinstance(choice, dict):
            wanted = [one for one in tools if one["function"]["name"] == choice["function"]["name"]]
        elif choice == "required":
            wanted = wanted or tools[:1]
        elif choice == "none" or turn.returned:
            wanted = []
        if turn.body.get("parallel_tool_calls") is False:
            wanted = wanted[:1]
        await turn.open()
        await turn.role()
        if form := turn.body.get("response_format", {}).get("json_schema"):
            await turn.end(await turn.say(_object_for(form["schema"])))
            return
        if not wanted:
            await turn.end(await turn.say(f"It returned: {'; '.join(turn.returned)} [1]"))
            return
        calls = [
            (one["function"]["name"], _object_for(one["function"].get("parameters", {})))
            for one in wanted
        ]
        await turn.call(calls, pause_s=pause_s)
        if forever_after is not None:
            await asyncio.sleep(FOREVER_S)
        await turn.end("stop" if isinstance(choice, dict) else "tool_calls")

    return behave


BEHAVIOURS |= {
    "calls": _caller(),
    "calls-slowly": _caller(pause_s=0.05),
    "calls-and-stalls": _caller(forever_after=1),
}


_STEADY_S = 0.15
_STEADY_TEXT = "It is answered with status 503 and a time to come back [1]."


def _steady(pace: float, failing: float) -> Behaviour:
    """An answer that takes a time of its own, with the spread that services have."""
    chance = random.Random(7)

    async def behave(turn: Turn) -> web.StreamResponse | None:
        await asyncio.sleep(pace * _STEADY_S * chance.lognormvariate(0.0, 0.25))
        if chance.random() < failing:
            return await BEHAVIOURS["broken"](turn)
        await turn.open()
        await turn.end(await turn.say(_STEADY_TEXT))
        return None

    return behave


BEHAVIOURS |= {
    "steady": _steady(1.0, 0.0),
    "steady-slower": _steady(2.0, 0.0),
    "steady-failing": _steady(1.0, 0.05),
}


@_behaviour("lasts")
async def _lasts(turn: Turn) -> None:
    """Says as many words as its question names, five a second."""
    numbers = [int(word) for word in turn.question.split() if word.isdigit()]
    await turn.open()
    await turn.end(await turn.say("word " * numbers[-1], pause_s=0.2, most=numbers[-1]))


@_behaviour("thinks")
async def _thinks(turn: Turn) -> None:
    await turn.open()
    for thought in ("Hm", " well"):
        turn.received.tokens += 1
        await turn.choice(delta={"reasoning_content": thought})
    await turn.end(await turn.say(turn.asked))


@_behaviour("filtered")
async def _filtered(turn: Turn) -> None:
    await turn.open()
    await turn.say(turn.asked)
    await turn.end("content_filter")


@_behaviour("no-usage")
async def _no_usage(turn: Turn) -> None:
    await turn.open()
    await turn.end(await turn.say(turn.asked), usage=False)


@_behaviour("usage-in-last")
async def _usage_in_last(turn: Turn) -> None:
    """As llama.cpp does: the counts are in the chunk that ends the answer."""
    await turn.open()
    await turn.say(turn.asked)
    ended = {"index": 0, "delta": {"content": None}, "finish_reason": "stop"}
    await turn.event({"choices": [ended], "usage": turn.usage()})
    await turn.response.write_eof()


@_behaviour("two-tokens-a-chunk")
async def _two_tokens_a_chunk(turn: Turn) -> None:
    await turn.open()
    for word in turn.asked.split():
        await turn.token(word + " ")
        turn.received.tokens += 1
    await turn.end()


@_behaviour("no-stream-options")
async def _no_stream_options(turn: Turn) -> web.StreamResponse | None:
    if "stream_options" in turn.body:
        detail = [{"msg": "Extra inputs are not permitted", "loc": ["body", "stream_options"]}]
        return web.json_response({"object": "error", "message": {"detail": detail}}, status=422)
    await _echo(turn)
    return None


def _once(refusal: Behaviour) -> Behaviour:
    async def fail_first(turn: Turn) -> web.StreamResponse | None:
        return await (refusal if turn.attempt == 1 else _echo)(turn)

    return fail_first


@_behaviour("resets")
async def _resets(turn: Turn) -> None:
    turn.cut()
    await asyncio.sleep(FOREVER_S)


@_behaviour("resets-before-token")
async def _resets_before_token(turn: Turn) -> None:
    await turn.open()
    turn.cut()


BEHAVIOURS |= {
    "unavailable-once": _once(BEHAVIOURS["unavailable"]),
    "rate-limited-once": _once(_refusal(429, {"message": "Slow."}, **{"Retry-After-Ms": "150"})),
    "resets-once": _once(_resets),
    "resets-before-token-once": _once(_resets_before_token),
}


@_behaviour("hangs")
async def _hangs(turn: Turn) -> None:
    await asyncio.sleep(FOREVER_S)


@_behaviour("pings")
async def _pings(turn: Turn) -> None:
    """Comments keep a connection alive; they are no answer."""
    await turn.open()
    while True:
        await turn.raw(": ping\n\n")
        await asyncio.sleep(0.02)


@_behaviour("stalls")
async def _stalls(turn: Turn) -> None:
    await turn.open()
    await turn.say(turn.asked, most=2)
    await asyncio.sleep(FOREVER_S)


@_behaviour("garbage")
async def _garbage(turn: Turn) -> None:
    await turn.open()
    await turn.raw('data: {"choices": [{"del\n\n')
    await turn.response.write_eof()


@_behaviour("garbage-later")
async def _garbage_later(turn: Turn) -> None:
    await turn.open()
    await turn.say(turn.asked, most=2)
    await turn.raw('data: ["not", "a", "chunk"]\n\n')
    await turn.response.write_eof()


@_behaviour("html")
async def _html(turn: Turn) -> web.Response:
    return web.Response(text="<html><body>Welcome</body></html>", content_type="text/html")


@_behaviour("plain-json")
async def _plain_json(turn: Turn) -> web.Response:
    return web.json_response({"choices": [{"message": {"content": "all at once"}}]})


@_behaviour("redirects")
async def _redirects(turn: Turn) -> web.Response:
    return web.Response(status=302, headers={"Location": "http://127.0.0.1:9/"})


@_behaviour("cut")
async def _cut(turn: Turn) -> None:
    await turn.open()
    await turn.say(turn.asked, most=2)
    turn.cut()


@_behaviour("no-finish")
async def _no_finish(turn: Turn) -> None:
    await turn.open()
    await turn.say(turn.asked)
    await turn.raw("data: [DONE]\n\n")
    await turn.response.write_eof()


@_behaviour("cut-before-usage")
async def _cut_before_usage(turn: Turn) -> None:
    await turn.open()
    await turn.say(turn.asked)
    await turn.choice(delta={}, finish_reason="stop")
    turn.cut()


def _error_event(payload: Json, most: int) -> Behaviour:
    async def fail(turn: Turn) -> None:
        await turn.open()
        await turn.say(turn.asked, most=most)
        await turn.event(payload)
        await turn.raw("data: [DONE]\n\n")
        await turn.response.write_eof()

    return fail


_DEAD = {"error": {"message": "EngineCore died", "type": "InternalServerError", "code": 500}}
BEHAVIOURS |= {
    "error-event": _error_event(_DEAD, 2),
    "error-event-first": _error_event({"error": {"code": 503, "message": "Draining."}}, 0),
    "error-event-too-long": _error_event({"error": {"code": 400, "message": _TOO_LONG}}, 0),
    "error-event-string": _error_event({"error": "out of memory"}, 1),
}
