"""A request that may be sent again, at the gate: its work goes into a record, which its client and
all others under the same key read."""

from collections.abc import Awaitable, Callable, Sequence

from starlette.datastructures import Headers
from starlette.types import Message, Receive, Scope, Send

from app.edge.body_limit import RequestBody, replay
from app.edge.disconnect import DisconnectWatch
from app.edge.visit import HttpVisit
from app.idempotency.requests import Asked, IdempotentRequests, Labels
from deployments.contracts.erasure import user_mark
from deployments.contracts.errors import RagError

IDEMPOTENCY_NAME = "Idempotency-Key"
_ANSWER_HEADERS = ("content-type", "accept", "x-ragserve-release", "x-ragserve-strict")
"""What beside the body changes an answer."""
Work = Callable[[Receive, Send], Awaitable[None]]


async def answer_once(
    requests: IdempotentRequests,
    scope: Scope,
    body: RequestBody,
    visit: HttpVisit,
    work: Work,
    as_ours: Callable[[Exception], RagError],
) -> None:
    """Answers with what was answered before under the request's key, or what is being answered to
    another one, or else with work that goes on without its client.

    Args:
        requests: Remembers answers.
        scope: Of the request.
        body: Its body, which has come.
        visit: What is known of it.
        work: Has it answered.
        as_ours: Turns what the work raises into an error that can be answered.
    """
    headers = Headers(scope=scope)
    messages = body.copy()

    async def answer(send: Send) -> Labels | None:
        return await _answer_alone(visit, work, replay(messages), send, as_ours)

    reading = await requests.begin(_asked(scope, headers, visit, messages), answer)
    visit.detached = reading.work
    watch = DisconnectWatch(body.receive, visit.send)
    try:
        await watch.receive()
        await watch.run(reading.send(watch.send))
    finally:
        requests.leave(reading)


def _asked(scope: Scope, headers: Headers, visit: HttpVisit, messages: Sequence[Message]) -> Asked:
    said = [headers.get(name, "").encode("latin-1") for name in _ANSWER_HEADERS]
    said.append(scope.get("query_string", b""))
    content = b"\n".join([*said, b"".join(message.get("body", b"") for message in messages)])
    place = f"{scope['method']} {scope['path']}"
    tenant = visit.request.principal.tenant
    return Asked(tenant, headers.get(IDEMPOTENCY_NAME, ""), place, content)


async def _answer_alone(
    visit: HttpVisit,
    work: Work,
    receive: Receive,
    send: Send,
    as_ours: Callable[[Exception], RagError],
) -> Labels | None:
    """Answers into a record; returns what it is found by, None where it may not be given to others
    later."""

    async def noted(message: Message) -> None:
        if message["type"] == "http.response.start":
            visit.status = message["status"]
        await visit.note_sent(message)
        await send(message)

    try:
        await work(receive, noted)
    except Exception as error:
        if visit.status:
            raise
        await visit.answer(as_ours(error), receive, noted)
    notes = visit.request.notes
    degraded = notes.attempt is not None and bool(notes.attempt.degraded)
    if degraded or (visit.status < 400 and notes.error):
        return None
    return Labels(notes.conversation, user_mark(notes.tenant, notes.user))
