"""What a request may use of models at most, told to its spending before any work.

A bound, and no guess: too low a number would let a caller over a limit. What is not used comes back
at the end.
"""

import json
from collections.abc import Iterable, Iterator, Sequence

from app.gateway import Gateway
from app.releases.assignment import Assignment
from app.releases.model_names import Direct, model_of
from app.releases.route import RetrievalStages
from app.request.scope import RequestScope
from app.request.spending import ExpectedUse
from app.settings.live.release import Release
from app.settings.retrieval import RetrievalArgs
from deployments.contracts.errors import Unavailable
from deployments.contracts.generation import Message, Sampling
from deployments.contracts.tools import ToolUse
from deployments.generator.config import SamplingArgs
from deployments.serving.concurrently import gather_or_cancel

_BYTES_PER_TOKEN = 2
"""Fewer than in any usual text or language, so that a text has no more tokens than this says."""
_PROMPT_TOKENS = 400
"""Of the prompt around question and passages."""
_STEP_TOKENS = 300
"""What a step on the way writes, such as the query of a conversation."""
_CHUNK_TOKENS = 2 * int(RetrievalArgs.model_fields["max_chunk_tokens"].default)
"""Of a passage: tokens of the generator, which may be shorter than those of the embedder."""
_NO_TOOLS = ToolUse()
_USUAL_ANSWER_TOKENS: int = SamplingArgs.model_fields["max_tokens"].default


def tokens_of(texts: Iterable[str]) -> int:
    """Returns a bound of the tokens of texts.

    >>> tokens_of(["four", "ünf"])
    4
    """
    return -(-sum(len(text.encode("utf-8", "surrogatepass")) for text in texts) // _BYTES_PER_TOKEN)


async def reserve_answer(
    messages: Sequence[Message],
    sampling: Sampling,
    target: Assignment | Direct,
    scope: RequestScope,
    gateway: Gateway,
    *,
    top_n: int | None = None,
    searches: bool = True,
    writes: bool = True,
    tools: ToolUse = _NO_TOOLS,
) -> None:
    """Takes aside what an answer may use; raises as `Spending.reserve`.

    Args:
        messages: What is asked.
        sampling: How the answer is to be written.
        target: Who answers.
        scope: The request.
        gateway: What is served.
        top_n: Passages that the client asks for; None where the release decides.
        searches: Whether documents are searched.
        writes: Whether there is an answer, and not a search alone.
        tools: Functions that the client offers, which stand in the prompt as well.
    """
    settings = gateway.releases.settings()
    scope.notes.prices = settings.prices
    if not scope.spending.counts_tokens:
        return
    asked = tokens_of(_texts(messages, tools))
    answer = (sampling.max_tokens or _USUAL_ANSWER_TOKENS) if writes else 0
    if isinstance(target, Direct):
        expected, applications = (asked, answer), None
    else:
        names = [target.release] + ([target.fallback] if target.fallback is not None else [])
        releases = [settings.releases[name] for name in names]
        bounds = [
            _of_release(release, asked, answer, top_n=top_n, turns=len(messages))
            if searches
            else (asked, answer)
            for release in releases
        ]
        expected = max(bounds, key=sum)
        applications = {name for release in releases for name in release.generator}
    if not any(expected):
        return
    models: tuple[str, ...] = ()
    if scope.spending.counts_money:
        models = await _models(target, applications, scope, gateway)
    bounded = sampling.max_tokens is not None
    await scope.reserve(ExpectedUse(*expected, is_bounded=bounded, models=models))


async def reserve_embeddings(
    texts: Sequence[str], stages: RetrievalStages, scope: RequestScope, gateway: Gateway
) -> None:
    """Takes aside the tokens of texts to embed; raises as `Spending.reserve`."""
    scope.notes.prices = gateway.releases.settings().prices
    if not scope.spending.counts_tokens:
        return
    models: tuple[str, ...] = ()
    if scope.spending.counts_money:
        models = _known([await model_of(stages.embedder, scope)])
    await scope.reserve(ExpectedUse(tokens_of(texts), models=models, embeds=True))


def _texts(messages: Sequence[Message], tools: ToolUse) -> Iterator[str]:
    """Yields all that a model reads of a request."""
    for message in messages:
        yield message.content
        for call in message.calls:
            yield call.arguments
    for tool in tools.tools:
        yield json.dumps(tool.as_json())


def _of_release(
    release: Release, asked: int, answer: int, *, top_n: int | None, turns: int
) -> tuple[int, int]:
    """Returns the tokens that a release reads and writes at most for an answer from documents, or,
    where nothing is to be written, for a search."""
    steps = [
        release.condense == "llm" and turns > 1,
        release.extra_queries > 0,
        release.hypothetical_passage,
        bool(release.filter_fields),
    ]
    prompt = sum(steps) * (asked + _PROMPT_TOKENS)
    completion = sum(steps) * _STEP_TOKENS
    if answer:
        passages = (top_n or release.top_n) * (1 + 2 * release.neighbours)
        rounds = 1 + release.search_rounds if release.search == "tool" else 1
        found = passages * _CHUNK_TOKENS
        # A round reads again what was found in those before it.
        prompt += rounds * (asked + _PROMPT_TOKENS) + found * rounds * (rounds + 1) // 2
        completion += rounds * answer
    return prompt, completion


async def _models(
    target: Assignment | Direct,
    applications: Iterable[str] | None,
    scope: RequestScope,
    gateway: Gateway,
) -> tuple[str, ...]:
    """Returns the names of all models that may write."""
    if isinstance(target, Direct):
        return _known([await model_of(target.generator, scope)])
    chains = [gateway.releases.generator(name) for name in sorted(applications or ())]
    return _known(await gather_or_cancel(*(model_of(chain, scope) for chain in chains)))


def _known(models: Iterable[str]) -> tuple[str, ...]:
    found = tuple(model for model in models if model)
    if not found:
        raise Unavailable("No model that could say its price answers.", "generator", 1.0)
    return found
