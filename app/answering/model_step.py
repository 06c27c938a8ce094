"""What a language model writes on the way to an answer: a query, a passage, a filter."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from app.releases.attempt import Attempt
from deployments.contracts.errors import RagError
from deployments.contracts.generation import GenerationRequest, Message, Sampling, collect

Step = Literal["condense", "queries", "passage", "filter"]


async def ask_model(
    step: Step, messages: Sequence[Message], sampling: Sampling, attempt: Attempt
) -> str | None:
    """Returns what the release's generator wrote, None where it is no language model, or failed:
    then the record says what the request does without."""
    generator, record = attempt.route.generator, attempt.record
    try:
        facts = await generator.description(call=attempt.call())
        if not facts.get("language_model"):
            return None
        request = GenerationRequest(
            messages=tuple(messages), prompt=f"{step}-v1", sampling=sampling
        )
        call = attempt.call()
        timeout_s = call.timeout_s / 2  # the answer must still be written
        async with record.timed(step) as spent:
            events = await generator.begin(
                request, call=replace(call, timeout_s=timeout_s), timeout_s=timeout_s
            )
            written = await collect(events)
            spent.note(written.times)
    except RagError:
        # Whatever it is, such as a server that knows no JSON schemas, or the next generator of the
        # list, which is no language model and refuses: the question is fine.
        record.degraded.append(step)
        return None
    record.model_steps[step] = written
    return written.text
