"""How much of the context fits the model: counted with the engine's own tokenizer, best first."""

from collections.abc import Awaitable, Callable, Sequence

from deployments.contracts.errors import PromptTooLong
from deployments.contracts.generation import Prompt
from deployments.contracts.search import ScoredChunk

_ANSWER_SHARE = 2
"""An answer may reserve half of the window at most: a large `max_tokens` must not push the context
out."""


def prompt_bound(max_model_tokens: int, max_tokens: int) -> int:
    """Returns the tokens that a prompt may have, so that an answer of `max_tokens` has room."""
    return max_model_tokens - min(max_tokens, max_model_tokens // _ANSWER_SHARE)


async def fit_context(
    context: Sequence[ScoredChunk],
    *,
    write: Callable[[Sequence[ScoredChunk]], Prompt],
    count: Callable[[Prompt], Awaitable[int]],
    max_prompt_tokens: int,
) -> Prompt:
    """Returns the prompt with as many of the best chunks as fit.

    The count is exact, because the whole prompt is counted: about log2 of the number of chunks
    times where not all of them fit.

    Raises:
        PromptTooLong: not even the first chunk fits beside the conversation.
    """
    prompt = write(context)
    tokens = await count(prompt)
    if tokens <= max_prompt_tokens:
        return prompt
    fits, fitting, too_many = 0, None, len(context)
    while too_many - fits > 1:
        middle = (fits + too_many) // 2
        prompt = write(context[:middle])
        if await count(prompt) <= max_prompt_tokens:
            fits, fitting = middle, prompt
        else:
            too_many = middle
    if fitting is None:
        raise PromptTooLong(
            f"The conversation leaves no room for a source: with one, the prompt has more than "
            f"{max_prompt_tokens} tokens.",
            "generator",
        )
    return fitting
