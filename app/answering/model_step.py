"""What a language model writes on the way to an answer: a query, a passage, a filter."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from app.releases.route import Route
from app.request.attempt import Trail
from app.request.scope import RequestScope
from deployments.contracts.errors import RagError
from deployments.contracts.generation import GenerationRequest, Message, Sampling

Step = Literal["condense", "queries", "passage", "filter"]


async def ask_model(
    step: Step,
    messages: Sequence[Message],
    sampling: Sampling,
    *,
    route: Route,
    scope: RequestScope,
    trail: Trail,
) -> str | None:
    """Returns what the release's generator wrote, None where it is no language model, or failed:
    then the trail says what the request does without."""
    try:
        facts = await route.generator.describe(call=scope.call())
        if not facts.get("language_model"):
            return None
        request = GenerationRequest(
            messages=tuple(messages), prompt=f"{step}-v1", sampling=sampling
        )
        call = scope.call()
        async with trail.timed(step) as spent:
            # Half of what is left: the answer must still be written.
            written = await route.generator.generate(
                request, call=replace(call, timeout_s=call.timeout_s / 2)
            )
            spent.note(written.times)
    except RagError:
        # Whatever it is, such as a server that knows no JSON schemas, or the next generator of the
        # list, which is no language model and refuses: the question is fine.
        trail.degraded.append(step)
        return None
    trail.side_calls[step] = written
    return written.text
